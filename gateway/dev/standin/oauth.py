"""The authorization endpoint: finds who is signed in, and answers the client.

Owns: `/oauth2/v1/authorize`, `/oauth2/{as}/v1/authorize`, `…/authorize/redirect`.
Must never: sign a token (oauth_tokens.py does), or judge a request's parameters (oauth_requests.py does).
Rules: Okta's OpenID Connect reference (`sessionToken`, `prompt=none`, `response_mode=okta_post_message`), RFC 6749 §4.1, RFC 7636.
"""

import secrets
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from gateway.dev.standin import front_channel, prompts
from gateway.dev.standin.answers import redirect, with_cookies
from gateway.dev.standin.call import Call
from gateway.dev.standin.clients import Client
from gateway.dev.standin.cookies import session_cookie
from gateway.dev.standin.grants import Grant
from gateway.dev.standin.oauth_requests import is_in_fragment, problem, redirect_address, requested, wanted_responses
from gateway.dev.standin.oauth_tokens import access_token, id_token, issuer_of
from gateway.dev.standin.pages import error_page, posted_form_page, posted_message_page
from gateway.dev.standin.parameters import Pairs, first
from gateway.dev.standin.presence import Arrival, Redemption, arrive, presence
from gateway.dev.standin.quirks import IDX_ROTATES
from gateway.dev.standin.redirects import to_sign_in
from gateway.dev.standin.response_fields import content_policy
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.sign_in_form import ask_to_sign_in

_NOT_SIGNED_IN = {"error": "login_required", "error_description": "The client specified not to prompt, but the user is not logged in."}
_NO_FACTOR = {"error": "access_denied", "error_description": "The requested authentication context could not be met."}
_NOT_ASSIGNED = {"error": "access_denied", "error_description": "User is not assigned to the client application."}


def authorize(call: Call) -> web.Response:
    """Redeem a `sessionToken`, then answer the client with a code, with tokens, or with an error.

    With `prompt=login`, or a sign-in older than `max_age`, the user must sign in again even with a living session, unless this request
    redeemed a token. Whether Okta makes that exception is unknown.
    """
    parameters = requested(call)
    if parameters is None:
        return error_page("The request_uri is invalid or has expired.")
    client = call.org.clients.find(first(parameters, "client_id"))
    redirect_uri = redirect_address(call, client, parameters) if client is not None else None
    if client is None or redirect_uri is None:
        return error_page("The client_id or the redirect_uri is not valid.")
    wrong = problem(call, client, parameters)
    if wrong is not None:
        return _deliver(call, parameters, {"error": wrong[0], "error_description": wrong[1]})
    arrival = arrive(call.org, call.cookies, first(parameters, "sessionToken"), call.org.session_tokens)
    session = arrival.session if arrival.session is not None and arrival.session.status == "ACTIVE" else None
    is_old = arrival.redemption is not Redemption.REDEEMED and prompts.asks_to_sign_in(parameters, session, call.org.clock.now())
    is_asked_again = is_old or prompts.lacks_factor(parameters, session)
    if session is not None and not is_asked_again:
        return _answer(call, client, parameters, arrival, session)
    if prompts.is_silent(parameters):
        return with_cookies(_deliver(call, parameters, _NOT_SIGNED_IN), arrival.set_cookies)
    if is_asked_again:
        return with_cookies(to_sign_in(prompts.waiting_place(call, parameters)), arrival.set_cookies)
    return with_cookies(ask_to_sign_in(call), arrival.set_cookies)


def go_on(call: Call) -> web.Response:
    """Answer the client of the request that waits under `okta_key`. If nobody has signed in since, show the sign-in page."""
    key = call.first("okta_key") or ""
    prompt = call.org.prompts.meaning(key)
    client = call.org.clients.find(first(prompt.parameters, "client_id")) if prompt is not None else None
    if prompt is None or client is None:
        return error_page("The authorization request is invalid or has expired.")
    session = presence(call.org, call.cookies).current
    if session is None or not prompts.is_answered(prompt, session):
        return ask_to_sign_in(call)
    call.org.prompts.spend(key)
    if prompts.lacks_factor(prompt.parameters, session):
        return _deliver(call, prompt.parameters, _NO_FACTOR)
    return _answer(call, client, prompt.parameters, Arrival(session, Redemption.NONE), session)


def _answer(call: Call, client: Client, parameters: Pairs, arrival: Arrival, session: OrgSession) -> web.Response:
    is_assigned = client.only_for is None or session.user.login in client.only_for
    response = _deliver(call, parameters, _granted(call, parameters, session) if is_assigned else _NOT_ASSIGNED)
    return with_cookies(response, [*arrival.set_cookies, *_rotation(call, arrival, session)])


def _rotation(call: Call, arrival: Arrival, session: OrgSession) -> list[str]:
    rotates = call.org.has(IDX_ROTATES) and call.org.is_identity and arrival.redemption is not Redemption.REDEEMED
    return [session_cookie("idx", call.org.sessions.renew_idx(session))] if rotates else []


def grant_of(call: Call, parameters: Pairs, session: OrgSession) -> Grant:
    """Return the grant of this request's tokens, for the user of this session."""
    return Grant(
        user=session.user,
        client_id=first(parameters, "client_id") or "",
        redirect_uri=first(parameters, "redirect_uri") or "",
        scope=first(parameters, "scope") or "openid",
        issuer=issuer_of(call),
        nonce=first(parameters, "nonce"),
        code_challenge=first(parameters, "code_challenge"),
        authenticated_at=max(session.created_at, session.password_at or 0.0),
        family=secrets.token_hex(8),
        amr=session.amr,
        acr=first(parameters, "acr_values"),
        sid=front_channel.sid_for(call.org, first(parameters, "client_id"), session),
    )


def _granted(call: Call, parameters: Pairs, session: OrgSession) -> dict[str, str]:
    grant, wanted = grant_of(call, parameters, session), wanted_responses(parameters) or ["code"]
    session.clients[grant.client_id] = grant.issuer
    given: dict[str, str] = {}
    if "code" in wanted:
        given["code"] = call.org.codes.issue(grant)
    if "token" in wanted:
        given |= {"access_token": access_token(call.org, grant), "token_type": "Bearer", "expires_in": "3600", "scope": grant.scope}
    if "id_token" in wanted:
        given["id_token"] = id_token(call.org, grant, session.user, given.get("access_token"))
    return given


def _deliver(call: Call, parameters: Pairs, values: dict[str, str]) -> web.Response:
    state, redirect_uri = first(parameters, "state"), first(parameters, "redirect_uri") or ""
    values = values | {"state": state} if state else values
    mode = first(parameters, "response_mode") or ("fragment" if is_in_fragment(parameters) else "query")
    if mode == "okta_post_message":
        parts = urlsplit(redirect_uri)
        page = posted_message_page(values, f"{parts.scheme}://{parts.netloc}")
        page.headers["Content-Security-Policy"] = content_policy(call.host, frame_ancestors="")
        return page
    if mode == "form_post":
        return posted_form_page(values, redirect_uri)
    if mode == "fragment":
        return redirect(f"{redirect_uri}#{urlencode(values)}")
    return redirect(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(values)}")
