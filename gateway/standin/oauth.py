"""The authorization endpoint and pushed requests.

Owns: `/oauth2/v1/authorize`, `/oauth2/{as}/v1/authorize`, `…/authorize/redirect`, `…/par`: who is signed in at the end, and the code.
Must never: sign a token (oauth_tokens.py does).
Rules: Okta's OpenID Connect reference (`sessionToken`, `prompt=none`, `response_mode=okta_post_message`), RFC 6749 §4.1, RFC 7636,
RFC 9126. Any client id is known; a redirect address has to be of a Trusted Origin.
"""

from urllib.parse import urlencode, urlsplit

from aiohttp import web

from gateway.standin import prompts
from gateway.standin.answers import json_answer, redirect, with_cookies
from gateway.standin.call import Call
from gateway.standin.cookies import session_cookie
from gateway.standin.oauth_tokens import access_token, id_token, issuer_of, oauth_error
from gateway.standin.org import Grant
from gateway.standin.pages import error_page, posted_form_page, posted_message_page
from gateway.standin.parameters import Pairs, first
from gateway.standin.presence import Arrival, Redemption, arrive, presence
from gateway.standin.quirks import IDX_ROTATES
from gateway.standin.redirects import ask_to_sign_in, to_sign_in, trusted_target
from gateway.standin.sessions import OrgSession


def push(call: Call) -> web.Response:
    """Keep an authorization request for later, a `sessionToken` with it: 201 with its `request_uri`."""
    if not call.first("client_id"):
        return oauth_error("invalid_request", "client_id is missing")
    if call.first("request_uri"):
        return oauth_error("invalid_request", "request_uri is not allowed here")
    uri = call.org.pushed.issue(call.parameters)
    return json_answer({"request_uri": uri, "expires_in": int(call.org.pushed.lifetime_seconds)}, 201)


def requested(call: Call) -> Pairs | None:
    """Return the parameters of an authorization request: those pushed before, or its own; None for an unknown `request_uri`."""
    uri = call.first("request_uri")
    return call.org.pushed.meaning(uri) if uri else call.parameters


def authorize(call: Call) -> web.Response:
    """Redeem a `sessionToken`, then answer the client with a code, with tokens, or with `login_required`.

    `prompt=login` asks to sign in over a living session too, unless a token was redeemed right here. Whether Okta does so after a
    token is unknown.
    """
    asked = requested(call)
    if asked is None:
        return error_page("The request_uri is invalid or has expired.")
    redirect_uri, client_id = trusted_target(call, first(asked, "redirect_uri")), first(asked, "client_id")
    if redirect_uri is None or client_id is None:
        return error_page("The client_id or the redirect_uri is not valid.")
    arrival = arrive(call.org, call.cookies, first(asked, "sessionToken"), call.org.session_tokens)
    if prompts.asks_to_sign_in(asked) and arrival.redemption is not Redemption.REDEEMED:
        return with_cookies(to_sign_in(prompts.waiting_place(call, asked)), arrival.set_cookies)
    if arrival.session is not None and arrival.session.status == "ACTIVE":
        return _answer(call, asked, arrival, arrival.session)
    if prompts.is_silent(asked):
        refused = {"error": "login_required", "error_description": "The client specified not to prompt, but the user is not logged in."}
        return with_cookies(_deliver(asked, redirect_uri, refused), arrival.set_cookies)
    return with_cookies(ask_to_sign_in(call), arrival.set_cookies)


def go_on(call: Call) -> web.Response:
    """Answer the client of the request that waits under `okta_key`; the sign-in page while nobody has signed in since."""
    key = call.first("okta_key") or ""
    prompt = call.org.prompts.meaning(key)
    if prompt is None:
        return error_page("The authorization request is invalid or has expired.")
    session = presence(call.org, call.cookies).current
    if session is None or not prompts.is_answered(prompt, session):
        return ask_to_sign_in(call)
    call.org.prompts.spend(key)
    return _answer(call, prompt.asked, Arrival(session, Redemption.NONE), session)


def _answer(call: Call, asked: Pairs, arrival: Arrival, session: OrgSession) -> web.Response:
    response = _deliver(asked, first(asked, "redirect_uri") or "", _granted(call, asked, session))
    return with_cookies(response, [*arrival.set_cookies, *_rotation(call, arrival, session)])


def _rotation(call: Call, arrival: Arrival, session: OrgSession) -> list[str]:
    rotates = call.org.has(IDX_ROTATES) and call.org.is_identity and arrival.redemption is not Redemption.REDEEMED
    return [session_cookie("idx", call.org.sessions.renew_idx(session))] if rotates else []


def _granted(call: Call, asked: Pairs, session: OrgSession) -> dict[str, str]:
    grant = Grant(
        user=session.user,
        client_id=first(asked, "client_id") or "",
        redirect_uri=first(asked, "redirect_uri") or "",
        scope=first(asked, "scope") or "openid",
        issuer=issuer_of(call),
        nonce=first(asked, "nonce"),
        code_challenge=first(asked, "code_challenge"),
        authenticated_at=max(session.created_at, session.password_at or 0.0),
    )
    wanted = (first(asked, "response_type") or "code").split()
    given: dict[str, str] = {}
    if "code" in wanted:
        given["code"] = call.org.codes.issue(grant)
    if "token" in wanted:
        given |= {"access_token": access_token(call.org, grant), "token_type": "Bearer", "expires_in": "3600", "scope": grant.scope}
    if "id_token" in wanted:
        given["id_token"] = id_token(call.org, grant, given.get("access_token"))
    return given


def _deliver(asked: Pairs, redirect_uri: str, values: dict[str, str]) -> web.Response:
    state = first(asked, "state")
    values = values | {"state": state} if state else values
    has_tokens = "access_token" in values or "id_token" in values
    mode = first(asked, "response_mode") or ("fragment" if has_tokens else "query")
    if mode == "okta_post_message":
        parts = urlsplit(redirect_uri)
        return posted_message_page(values, f"{parts.scheme}://{parts.netloc}")
    if mode == "form_post":
        return posted_form_page(values, redirect_uri)
    if mode == "fragment":
        return redirect(f"{redirect_uri}#{urlencode(values)}")
    return redirect(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(values)}")
