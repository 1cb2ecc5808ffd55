"""The answer to an app link: a token is redeemed, a step-up is asked for if needed, then the app gets its answer.

Owns: `/app/…` and `/home/…` without the dashboard: embed links, SAML (IdP-initiated, and SP-initiated by redirect and by POST), WS-Fed,
bookmarks, and the SAML metadata.
Must never: post an answer to another address than the registered one of the app.
Rules: Okta's embed links (`sessionToken`, `onetimetoken`), SAML 2.0 (saml.py), WS-Federation (wsfed.py).
"""

import base64

from aiohttp import web

from gateway.dev.standin import prompts, step_up, wsfed
from gateway.dev.standin.answers import redirect, with_cookies
from gateway.dev.standin.call import Call
from gateway.dev.standin.pages import assertion_page, error_page, posted_form_page
from gateway.dev.standin.presence import arrive
from gateway.dev.standin.redirects import to_sign_in
from gateway.dev.standin.saml import AuthnRequest, authn_request, metadata, signed_response
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.sign_in_form import ask_to_sign_in
from gateway.dev.standin.sso_apps import SsoApp

_NOT_ASSIGNED = "You are not allowed to access this app. To request access, contact an admin."


def app_link(call: Call) -> web.Response:
    """Redeem `sessionToken` or `onetimetoken`, then answer for the app. If needed, show the sign-in page or ask for a step-up first.

    A registered app (sso_apps.py) gets its own answer. A test may move an app to another origin (`AppLinks`). Any other app link is
    answered with a page that names the user.
    """
    app = call.org.apps.of_link(call.path)
    request = _request(call)
    wrong = _problem(call, app, request)
    if wrong is not None:
        return wrong
    arrival = arrive(call.org, call.cookies, call.first("sessionToken", "onetimetoken"), call.org.session_tokens)
    session = arrival.session
    if session is None or session.status != "ACTIVE":
        response = ask_to_sign_in(call)
    elif request is not None and request.is_forced and not prompts.is_answered_here(call, session):
        response = to_sign_in(prompts.waiting_place_here(call))
    elif step_up.is_needed(call.org, call.path, session):
        response = step_up.ask_for_factor(call, session)
    else:
        response = _answer(call, app, request, session)
    return with_cookies(response, arrival.set_cookies)


def _request(call: Call) -> AuthnRequest | None:
    encoded = call.first("SAMLRequest")
    return authn_request(encoded) if encoded is not None else None


def _problem(call: Call, app: SsoApp | None, request: AuthnRequest | None) -> web.Response | None:
    """Return the answer to a wrong request of a service provider. It is refused before any token is redeemed. None: nothing is wrong."""
    if app is None or app.kind == "bookmark":
        return None
    if app.kind == "wsfed":
        is_sign_in = call.first("wa") in (None, wsfed.SIGN_IN) and call.first("wtrealm") in (None, app.audience)
        return None if is_sign_in else error_page("The WS-Federation request is not valid for this app.")
    if call.first("SAMLRequest") is None:
        return None
    if request is None:
        return error_page("The SAML request cannot be read.")
    if request.issuer != app.audience or request.address not in ("", app.address):
        return error_page("The SAML request is of another service provider, or names another address.")
    return None


def _answer(call: Call, app: SsoApp | None, request: AuthnRequest | None, session: OrgSession) -> web.Response:
    if app is None:
        location = call.org.app_links.location(call.path)
        return redirect(location) if location is not None else assertion_page(session.user.login)
    if app.only_for is not None and session.user.login not in app.only_for:
        return error_page(_NOT_ASSIGNED, 403)
    if app.kind == "bookmark":
        return redirect(app.address)
    now, signer = call.org.clock.now(), call.org.xml_signer
    if app.kind == "wsfed":
        values = {"wa": wsfed.SIGN_IN, "wresult": wsfed.token_response(app, session, signer, now)}
        context = call.first("wctx")
        return posted_form_page(values | ({"wctx": context} if context is not None else {}), app.address)
    response = signed_response(app, session, signer, now, request)
    values = {"SAMLResponse": base64.b64encode(response.encode()).decode()}
    relay_state = call.first("RelayState") or (app.relay_state if request is None else "")
    return posted_form_page(values | ({"RelayState": relay_state} if relay_state else {}), app.address)


def saml_metadata(call: Call) -> web.Response:
    """Answer with the org's metadata for an app."""
    app = call.org.apps.find(call.path_names["id"])
    if app is None or app.kind != "saml":
        return error_page("There is no such SAML app.", 404)
    text = metadata(app, call.org.xml_signer.certificate, f"{call.origin}/app/{call.path_names.get('name', 'saml')}/{app.id}")
    return web.Response(body=text.encode(), content_type="application/xml", charset="utf-8")
