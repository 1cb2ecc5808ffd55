"""The table of paths and their endpoints.

Owns: the table below.
Must never: look at anything but method and path.
HEAD is answered like GET, as servlets do. So a HEAD request redeems tokens too.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from gateway.dev.standin import (
    activation,
    admin_api,
    api,
    app_sso,
    authn,
    device_pages,
    idx,
    inbound,
    login_pages,
    oauth,
    oauth_endpoints,
    oauth_grants,
    oauth_requests,
    single_logout,
)
from gateway.dev.standin.answers import ErrorAnswer, error
from gateway.dev.standin.call import Call
from gateway.dev.standin.pages import error_page

Handler = Callable[[Call], web.Response]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path pattern and its handler for each method."""

    pattern: re.Pattern[str]
    handlers: Mapping[str, Handler]


def _endpoint(pattern: str, **handlers: Handler) -> Endpoint:
    return Endpoint(re.compile(pattern), handlers)


def _on_identity(handler: Handler) -> Handler:
    """Return a handler that answers on Identity Engine only. On Classic Engine the path is unknown."""
    return lambda call: handler(call) if call.org.is_identity else error("E0000008")


_API_PATHS = ("/api/", "/oauth2/", "/idp/", "/.well-known/")
_SERVER = r"/oauth2(?:/(?P<server>[^/]+))?/v1"
_ID = r"(?P<id>[^/]+)"

ENDPOINTS = (
    _endpoint(r"/api/v1/authn", POST=authn.authenticate),
    _endpoint(r"/api/v1/authn/factors", POST=authn.enroll),
    _endpoint(rf"/api/v1/authn/factors/{_ID}/lifecycle/activate", POST=authn.activate),
    _endpoint(rf"/api/v1/authn/factors/{_ID}/verify", POST=authn.verify),
    _endpoint(rf"/api/v1/authn/factors/{_ID}/verify/resend", POST=authn.resend),
    _endpoint(r"/api/v1/authn/credentials/change_password", POST=authn.change_password),
    _endpoint(r"/api/v1/authn/previous", POST=authn.previous),
    _endpoint(r"/api/v1/authn/cancel", POST=authn.cancel),
    _endpoint(r"/api/v1/sessions", POST=api.create_session),
    _endpoint(r"/api/v1/sessions/me", GET=api.current_session, DELETE=api.close_current_session),
    _endpoint(r"/api/v1/sessions/me/lifecycle/refresh", POST=api.refresh_current_session),
    _endpoint(rf"/api/v1/sessions/{_ID}", GET=admin_api.show_session, DELETE=admin_api.close_session_by_id),
    _endpoint(rf"/api/v1/sessions/{_ID}/lifecycle/refresh", POST=admin_api.refresh_session_by_id),
    _endpoint(r"/api/v1/users/me", GET=api.current_user),
    _endpoint(r"/api/v1/users/me/lifecycle/delete_sessions", POST=api.close_my_sessions),
    _endpoint(rf"/api/v1/users/{_ID}", GET=admin_api.user_by_id),
    _endpoint(rf"/api/v1/users/{_ID}/sessions", DELETE=admin_api.close_user_sessions),
    _endpoint(r"/login/login\.htm|/login/default|/signin", GET=login_pages.sign_in, POST=login_pages.submit_sign_in),
    _endpoint(r"/login/signout|/signout", GET=login_pages.sign_out, POST=login_pages.sign_out),
    _endpoint(r"/login/sessionCookie", GET=login_pages.session_cookie_image),
    _endpoint(r"/login/sessionCookieRedirect", GET=login_pages.session_cookie_redirect, POST=login_pages.session_cookie_redirect),
    _endpoint(r"(/idp/idx)?/login/token/redirect|/login/step-up/redirect", GET=login_pages.state_token_redirect),
    _endpoint(r"/app/UserHome", GET=login_pages.home),
    _endpoint(rf"/app(?:/(?P<name>[^/]+))?/{_ID}/sso/saml/metadata", GET=app_sso.saml_metadata),
    _endpoint(rf"/app/[^/]+/{_ID}/slo/saml", GET=single_logout.log_out, POST=single_logout.log_out),
    _endpoint(r"/app/[^/]+/[^/]+/.+|/home/[^/]+/[^/]+/.+", GET=app_sso.app_link, POST=app_sso.app_link),
    _endpoint(device_pages.ACTIVATE, GET=device_pages.activate, POST=device_pages.confirm),
    _endpoint(r"/", GET=login_pages.root),
    _endpoint(rf"{_SERVER}/interact", POST=_on_identity(idx.interact)),
    _endpoint(r"/idp/idx/introspect", POST=_on_identity(idx.introspect)),
    _endpoint(r"/idp/idx/identify", POST=_on_identity(idx.identify)),
    _endpoint(r"/idp/idx/challenge", POST=_on_identity(idx.challenge)),
    _endpoint(r"/idp/idx/challenge/answer", POST=_on_identity(idx.answer_challenge)),
    _endpoint(r"/idp/idx/authenticators/poll", POST=_on_identity(idx.poll)),
    _endpoint(r"/idp/idx/cancel", POST=_on_identity(idx.cancel)),
    _endpoint(rf"{activation.PREFIX}(?P<token>[^/]+)", GET=activation.welcome),
    _endpoint(r"/sso/saml2/(?P<idp>[^/]+)", POST=inbound.saml_response),
    _endpoint(r"/oauth2/v1/authorize/callback", GET=inbound.oidc_callback, POST=inbound.oidc_callback),
    _endpoint(r"/oauth2/v1/clients", POST=admin_api.register_client),
    _endpoint(rf"{_SERVER}/authorize", GET=oauth.authorize, POST=oauth.authorize),
    _endpoint(rf"{_SERVER}/authorize/redirect", GET=oauth.go_on),
    _endpoint(rf"{_SERVER}/par", POST=oauth_requests.push),
    _endpoint(rf"{_SERVER}/device/authorize", POST=device_pages.authorize_device),
    _endpoint(rf"{_SERVER}/token", POST=oauth_grants.exchange),
    _endpoint(rf"{_SERVER}/keys", GET=oauth_endpoints.keys),
    _endpoint(rf"{_SERVER}/userinfo", GET=oauth_endpoints.userinfo, POST=oauth_endpoints.userinfo),
    _endpoint(rf"{_SERVER}/introspect", POST=oauth_endpoints.introspect),
    _endpoint(rf"{_SERVER}/revoke", POST=oauth_endpoints.revoke),
    _endpoint(rf"{_SERVER}/logout", GET=oauth_endpoints.end_session, POST=oauth_endpoints.end_session),
    _endpoint(
        r"(/oauth2/(?P<server>[^/]+))?/\.well-known/(openid-configuration|oauth-authorization-server)", GET=oauth_endpoints.discovery
    ),
    _endpoint(r"/\.well-known/okta-organization", GET=oauth_endpoints.organization),
)


def perform(call: Call) -> web.Response:
    """Answer the call with the endpoint of its path.

    404 for an unknown path (E0000008 below the prefixes of APIs), 405 E0000022 for a method that the endpoint does not have.
    """
    method = "GET" if call.method == "HEAD" else call.method
    for endpoint in ENDPOINTS:
        found = endpoint.pattern.fullmatch(call.path)
        if found is None:
            continue
        handler = endpoint.handlers.get(method)
        if handler is None:
            return error("E0000022")
        call.path_names = {name: value for name, value in found.groupdict().items() if value is not None}
        try:
            return handler(call)
        except ErrorAnswer as error_answer:
            return error_answer.response
    is_api = call.path.startswith(_API_PATHS)
    return error("E0000008") if is_api else error_page("The page you requested could not be found.", 404)
