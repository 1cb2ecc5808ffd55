"""Identity Engine's sign-in by a script: one call with a password, answered in ION.

Owns: `POST /idp/idx/identify`.
Must never: close the session that the browser came with.
Rules: okta-auth-js `lib/idx` (media type `application/ion+json; okta-version=1.0.0`, `success` with the address that completes the
sign-in, `messages` with the key `errors.E0000004`). The steps of a real sign-in (interact, introspect, challenge) are not here: the
stand-in has a password in one step, which Okta's `identify` takes too when the policy asks for it there. A new sign-in
needs no `stateHandle`.
"""

import json
import secrets

from aiohttp import web

from gateway.standin import step_up
from gateway.standin.answers import error, with_cookies
from gateway.standin.call import Call
from gateway.standin.clock import whole_seconds
from gateway.standin.credentials import signed
from gateway.standin.presence import begin
from gateway.standin.users import User

ION = "application/ion+json; okta-version=1.0.0"


def identify(call: Call) -> web.Response:
    """Check `identifier` and `credentials.passcode`: 200 with `success` and the cookies of a new session, else 401 with a message.

    The cookies come on this very answer. `success.href` leads to `/login/token/redirect`, which needs a browser that may not have
    them. When `stateHandle` begins with the `stateToken` of a living session's step-up, the passcode verifies that transaction
    instead, and no session begins. 404 E0000008 on Classic Engine, 400 E0000003 for a body that is no such JSON.
    """
    if not call.org.is_identity:
        return error("E0000008")
    payload = call.payload() or {}
    login, credentials, handle = payload.get("identifier"), payload.get("credentials"), payload.get("stateHandle")
    passcode = credentials.get("passcode") if isinstance(credentials, dict) else None
    token = handle.partition("~")[0] if isinstance(handle, str) else ""
    transaction = step_up.living(call.org, token)
    if transaction is not None:
        transaction.is_verified |= step_up.is_proven(call, transaction, login, passcode)
        is_done = transaction.is_verified
        expires_at = call.org.step_ups.expires_at(token)
        return _ion(_succeeded(call, transaction.session.user, token, expires_at), 200) if is_done else _ion(_refused(call), 401)
    if not isinstance(login, str) or not isinstance(passcode, str):
        return error("E0000003")
    user = signed(call, login, passcode)
    if user is None:
        return _ion(_refused(call), 401)
    token = call.org.state_tokens.issue(user)
    expires_at = call.org.state_tokens.expires_at(token)
    return with_cookies(_ion(_succeeded(call, user, token, expires_at), 200), begin(call.org, call.cookies, user).set_cookies)


def _ion(value: object, status: int) -> web.Response:
    return web.Response(body=json.dumps(value).encode(), status=status, headers={"Content-Type": ION})


def _refused(call: Call) -> dict[str, object]:
    message = {"message": "Authentication failed", "i18n": {"key": "errors.E0000004"}, "class": "ERROR"}
    return {
        "version": "1.0.0",
        "stateHandle": _state_handle(),
        "expiresAt": whole_seconds(call.org.clock.now() + call.org.state_tokens.lifetime_seconds),
        "intent": "LOGIN",
        "messages": {"type": "array", "value": [message]},
    }


def _succeeded(call: Call, user: User, token: str, expires_at: float) -> dict[str, object]:
    return {
        "version": "1.0.0",
        "stateHandle": f"{token}~{secrets.token_urlsafe(8)}",
        "expiresAt": whole_seconds(expires_at),
        "intent": "LOGIN",
        "user": {"type": "object", "value": {"id": user.id, "identifier": user.login}},
        "success": {
            "name": "success-redirect",
            "href": f"{call.origin}/login/token/redirect?stateToken={token}",
            "method": "GET",
            "accepts": "application/x-www-form-urlencoded",
        },
    }


def _state_handle() -> str:
    """Return a handle that completes nothing."""
    return f"02.id.{secrets.token_urlsafe(24)}~{secrets.token_urlsafe(8)}"
