"""Step-up: the user of a living session gives a password or factor again, because an app asks for it.

Owns: the transaction behind a step-up's `stateToken`: how it begins, what verifies it, and what completes it.
Must never: open or close a session. A transaction belongs to one session, and ends with it.
Rules: Okta's Authentication API, "Step-up authentication with Okta session": `POST /api/v1/authn` with the `stateToken` answers with
the state of the transaction (`type` SESSION_STEP_UP), and after success `_links.next` is `/login/step-up/redirect?stateToken=…`.

    app link ──▶ [waiting] ── password, or the external provider's answer ──▶ [verified] ── redirect ──▶ done: app link
                     └───────────── five minutes, or the session's end ───────────┴──▶ dead

Real orgs ask for a factor here. A user who has one gives it after the password (authn.py); for other users the password is enough. Whether
Okta refuses a `stateToken` whose session has ended is unknown; here it does, because that is worst for the gateway.
"""

from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web

from gateway.dev.standin.answers import error, json_answer, redirect
from gateway.dev.standin.call import Call
from gateway.dev.standin.clock import whole_seconds
from gateway.dev.standin.credentials import embedded_user, has_password
from gateway.dev.standin.org import Org
from gateway.dev.standin.presence import presence
from gateway.dev.standin.redirects import SIGN_IN, this_request, to_sign_in
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.transactions import StepUp

FRESH_SECONDS = 300.0
REDIRECT = "/login/step-up/redirect"


def is_needed(org: Org, path: str, session: OrgSession) -> bool:
    """Return whether this app link asks this session for a new factor. A factor older than five minutes is not new."""
    if org.app_links.step_up(path) is None:
        return False
    return session.factor_at is None or session.factor_at + FRESH_SECONDS <= org.clock.now()


def ask_for_factor(call: Call, session: OrgSession) -> web.Response:
    """Begin a transaction of this session for the app link of the call, and send the browser to it."""
    transaction = StepUp(session, this_request(call))
    token = call.org.step_ups.issue(transaction)
    if call.org.app_links.step_up(call.path) == "page":
        return _to_page(token, transaction)
    return redirect(f"{REDIRECT}?{urlencode({'stateToken': token})}")


def _to_page(token: str, transaction: StepUp) -> web.Response:
    return redirect(f"{SIGN_IN}?{urlencode({'stateToken': token, 'fromURI': transaction.target})}")


def living(org: Org, token: str | None) -> StepUp | None:
    """Return the transaction of a `stateToken` while it and its session live; None for any other token."""
    transaction = org.step_ups.meaning(token) if token else None
    return transaction if transaction is not None and transaction.session in org.sessions.active() else None


def resume(call: Call, token: str) -> web.Response | None:
    """Complete a verified transaction and redirect to the app link; None if the token belongs to no transaction.

    If the transaction is not verified, or its session has ended, the answer is the sign-in page. If the browser has not (or no longer)
    this session, it is redirected to the app link as it is, and the token stays valid.
    """
    transaction = call.org.step_ups.meaning(token)
    if transaction is None:
        return None
    if living(call.org, token) is None:
        call.org.step_ups.spend(token)
        return to_sign_in(transaction.target)
    if transaction.session not in presence(call.org, call.cookies).sessions:
        return redirect(transaction.target)
    if not transaction.is_verified:
        return _to_page(token, transaction)
    call.org.step_ups.spend(token)
    call.org.sessions.verify(transaction.session)
    return redirect(transaction.target)


def vouch(org: Org, target: str | None, session: OrgSession) -> None:
    """Verify a transaction by an external provider's answer, if it names the same user and leads back to the `stateToken`.

    The transaction then belongs to the new session that this answer opened.
    """
    token = next(iter(parse_qs(urlsplit(target).query).get("stateToken", [])), None) if target else None
    transaction = living(org, token)
    if transaction is not None and transaction.session.user == session.user:
        transaction.session, transaction.is_verified = session, True


def authenticate(call: Call, token: str) -> web.Response:
    """Answer `POST /api/v1/authn` for a `stateToken`: return its state, or check the `password`.

    401 E0000011 for a dead token or session; 401 E0000004 for a wrong password, or another user's `username`.
    """
    transaction = living(call.org, token)
    if transaction is None:
        return error("E0000011")
    payload = call.payload() or {}
    password = payload.get("password")
    if password is not None and not is_proven(call, transaction, payload.get("username"), password):
        return error("E0000004")
    if password is not None:
        transaction.is_verified = True
    return json_answer(_state(call, token, transaction))


def is_proven(call: Call, transaction: StepUp, login: object, password: object) -> bool:
    """Return whether this is the password of the transaction's user. `login` may be left out."""
    own = transaction.session.user
    named = own.login if login is None else login
    if not isinstance(named, str) or not isinstance(password, str) or named.lower() != own.login.lower():
        return False
    return has_password(call.org, own.login, password)


def _state(call: Call, token: str, transaction: StepUp) -> dict[str, object]:
    name = transaction.target.split("/")[2]
    if transaction.is_verified:
        following = {"name": "original", "href": f"{call.origin}{REDIRECT}?{urlencode({'stateToken': token})}", "hints": {"allow": ["GET"]}}
    else:
        following = {"name": "authenticate", "href": f"{call.origin}/api/v1/authn", "hints": {"allow": ["POST"]}}
    return {
        "stateToken": token,
        "type": "SESSION_STEP_UP",
        "expiresAt": whole_seconds(call.org.step_ups.expires_at(token)),
        "status": "SUCCESS" if transaction.is_verified else "UNAUTHENTICATED",
        "_embedded": {
            "user": embedded_user(transaction.session.user),
            "target": {"type": "APP", "name": name, "label": name},
            "authentication": {"protocol": "SAML2.0", "issuer": {"id": transaction.target.split("/")[3], "name": name}},
        },
        "_links": {"next": following},
    }
