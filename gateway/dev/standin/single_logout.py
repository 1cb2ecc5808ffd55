"""SAML single logout: a service provider signs its user out of the org at `/app/{name}/{id}/slo/saml`.

Owns: which request ends a session, and the page that posts the answer to the app.
Must never: end a session for a request that the app's key did not sign, or that names another user.
Rules: Okta's help "Configure Single Logout in app integrations" (only SP-initiated, signed, the answer is posted to the Single Logout
URL); traces in python3-saml #290 and Clever/saml2 #138: a failed request is answered with the status AuthnFailed. Okta's support:
without a session the request fails too. What Okta does if another user is signed in is not documented; here nobody is signed out.
"""

import base64
from collections.abc import Sequence

from aiohttp import web

from gateway.dev.standin import front_channel
from gateway.dev.standin.answers import with_cookies
from gateway.dev.standin.call import Call
from gateway.dev.standin.pages import error_page, posted_form_page
from gateway.dev.standin.presence import ended_cookies, presence
from gateway.dev.standin.saml_logout import FAILED, SUCCESS, LogoutRequest, is_signed, logout_request, logout_response
from gateway.dev.standin.sso_apps import SsoApp


def log_out(call: Call) -> web.Response:
    """End the sessions of the user in a signed request, and post the answer to the app; otherwise 403 and a failed answer."""
    app = call.org.apps.find(call.path_names["id"])
    if app is None or app.kind != "saml" or not app.logout_address or not app.logout_certificate:
        return error_page("Single logout is not enabled for this app.", 403)
    request = logout_request(call.first("SAMLRequest") or "")
    if request is None:
        return error_page("The SAML logout request is malformed.")
    here = presence(call.org, call.cookies).sessions
    is_own = bool(here) and all(session.user.login == request.name for session in here)
    if not is_own or request.issuer != app.audience or not is_signed(app, call.raw_query):
        return _answer(call, app, request, FAILED)
    told = front_channel.told_at(call.org, here)
    for session in here:
        call.org.sessions.end(session)
    page = _answer(call, app, request, SUCCESS, told)
    return with_cookies(front_channel.allowed(call, page, told) if told else page, ended_cookies(call.org))


def _answer(call: Call, app: SsoApp, request: LogoutRequest, status: str, told: Sequence[str] = ()) -> web.Response:
    response = logout_response(app, call.org.xml_signer, call.org.clock.now(), request, status)
    values = {"SAMLResponse": base64.b64encode(response.encode()).decode()}
    relay_state = call.first("RelayState")
    page = posted_form_page(values | ({"RelayState": relay_state} if relay_state else {}), app.logout_address, told)
    if status != SUCCESS:
        page.set_status(403)
    return page
