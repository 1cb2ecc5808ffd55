"""The control paths for tests: journal, faults, clock, sessions, tokens, app links, limits, users.

Owns: `/.standin/…`, on the org's own port. Requests ("orders") and answers are JSON.

    GET, DELETE /journal      every request in order; forget them
    POST, DELETE /faults      order a fault (faults.py has its keys); drop all
    GET, POST /clock          the org's time; {"advance": "10m"}
    GET, POST /sessions       every live session; {"login": …} opens one
    GET, POST, DELETE /sessions/{id}   one session; {"status": "MFA_REQUIRED"}; an administrator ends it
    POST /tokens              {"login": …} and perhaps "kind": "stateToken": a token as after a sign-in
    POST, DELETE /step-up     {"path": "/app/…"}: this app link needs a fresh factor; "answer" is "redirect" or "page"; drop all
    POST, DELETE /links       {"path": "/home/…", "location": "https://…"}: this app link ends at another origin; drop all
    POST /limits              {"per_minute": 600}: for every bucket
    POST /accounts            {"login": …, "status": "LOCKED_OUT"}: also ACTIVE (unlocked, too), PASSWORD_EXPIRED, MFA_ENROLL (none yet)
    POST /factors             {"login": …, "kind": "totp"}: one more factor, "totp" or "push"; the answer has its id and shared secret
    POST /pushes              {"login": …, "result": "SUCCESS"}: the phone answers what waits; also REJECTED, TIMEOUT
    POST /activations         {"login": …}: the token and the address of an activation link
    POST /administrators      {"login": …}: this user's own session may call the API of administrators
    POST /clients             {"client_id": …, "redirect_uris": […], …}: from now on registered clients alone are known (clients.py)
    POST /apps                {"id": …, "address": "https://…", "audience": …, "kind": "saml"}: an app of these links (sso_apps.py)

Must never: answer a request that came to another name than the org's own address, or through a proxy, or from a page of another
site. Otherwise a browser could use the control paths through the gateway.
"""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from gateway.dev.standin.accounts import FactorResult
from gateway.dev.standin.answers import json_answer, no_content
from gateway.dev.standin.call import Call
from gateway.dev.standin.clients import client_of
from gateway.dev.standin.clock import date_time, duration_seconds
from gateway.dev.standin.faults import fault
from gateway.dev.standin.journal import fingerprint
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.sso_apps import app_of
from gateway.dev.standin.users import User


def order(call: Call) -> dict[str, Any]:
    """Return the JSON object of the body; ValueError if the body is none."""
    payload = call.payload()
    if payload is None:
        raise ValueError("a JSON object is needed")
    return payload


def text(call: Call, name: str) -> str:
    """Return the string with this name; ValueError if there is none."""
    value = order(call).get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name}: a string is needed")
    return value


def one_of(call: Call, name: str, *allowed: str) -> str:
    """Return the string with this name if it is one of the allowed ones; else ValueError."""
    value = text(call, name)
    if value not in allowed:
        raise ValueError(f"{name}: {' or '.join(allowed)} is needed")
    return value


def user(call: Call) -> User:
    """Return the user whose `login` the order names; KeyError for an unknown one."""
    return call.org.known_user(text(call, "login"))


def _set_status(call: Call) -> None:
    account = call.org.accounts.of(user(call))
    match one_of(call, "status", "ACTIVE", "LOCKED_OUT", "PASSWORD_EXPIRED", "MFA_ENROLL"):
        case "MFA_ENROLL":
            account.must_enroll = True
        case "LOCKED_OUT":
            account.status = "LOCKED_OUT"
        case "PASSWORD_EXPIRED":
            account.status = "PASSWORD_EXPIRED"
        case _:
            account.status = "ACTIVE"
            account.succeeded()


def _enroll(call: Call) -> web.Response:
    kind = one_of(call, "kind", "totp", "push")
    factor = call.org.accounts.enroll(user(call), "push" if kind == "push" else "totp")
    return json_answer({"id": factor.id, "kind": kind, "sharedSecret": factor.shared_secret}, 201)


def _answer_push(call: Call) -> None:
    results: dict[str, FactorResult] = {"SUCCESS": "SUCCESS", "REJECTED": "REJECTED", "TIMEOUT": "TIMEOUT"}
    call.org.accounts.answer_push(user(call), results[one_of(call, "result", *results)])


def _issue_activation(call: Call) -> web.Response:
    token = call.org.activation_token(text(call, "login"))
    return json_answer({"activationToken": token, "activationUrl": f"{call.origin}/welcome/{token}"}, 201)


PREFIX = "/.standin"
_PROXY_FIELDS = ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via")
_SESSIONS = f"{PREFIX}/sessions/"


def is_control(call: Call, port: int) -> bool:
    """Return whether the request is for the control paths and came directly to the org's own port."""
    if not call.path.startswith(f"{PREFIX}/"):
        return False
    own = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    is_foreign_page = call.fields.get("Origin", call.origin) != call.origin
    return call.host.lower() in own and not is_foreign_page and not any(name in call.fields for name in _PROXY_FIELDS)


def control(call: Call) -> web.Response:
    """Do what an order says; 400 with the reason if it cannot be understood, 404 for an unknown path or session."""
    try:
        if call.path.startswith(_SESSIONS):
            return _one_session(call, call.path.removeprefix(_SESSIONS))
        handler = _HANDLERS.get((call.method, call.path.removeprefix(PREFIX)))
        if handler is None:
            return json_answer({"error": "no such control path"}, 404)
        answer = handler(call)
        return answer if answer is not None else no_content()
    except KeyError as unknown:
        return json_answer({"error": f"unknown: {unknown.args[0]}"}, 404)
    except ValueError as wrong:
        return json_answer({"error": str(wrong)}, 400)


def _now(call: Call) -> web.Response:
    return json_answer({"now": date_time(call.org.clock.now())})


def _advance(call: Call) -> web.Response:
    call.org.clock.advance(duration_seconds(order(call).get("advance")))
    return _now(call)


def _sign_in(call: Call) -> web.Response:
    session = call.org.sign_in(text(call, "login"))
    return json_answer({"id": session.id, "sid": session.sid, "idx": session.idx}, 201)


def _issue_token(call: Call) -> web.Response:
    org, user = call.org, call.org.known_user(text(call, "login"))
    if order(call).get("kind") == "stateToken":
        return json_answer({"stateToken": org.state_tokens.issue(user)}, 201)
    return json_answer({"sessionToken": org.session_tokens.issue(user)}, 201)


def _require_step_up(call: Call) -> None:
    path, answer = text(call, "path"), order(call).get("answer", "redirect")
    if answer not in ("redirect", "page"):
        raise ValueError("answer: redirect or page is needed")
    call.org.app_links.require_step_up(path, "page" if answer == "page" else "redirect")


def _limit(call: Call) -> None:
    limit = order(call).get("per_minute")
    if not isinstance(limit, int) or limit < 0:
        raise ValueError("per_minute: a whole number is needed")
    call.org.limits.per_minute = limit


def _one_session(call: Call, session_id: str) -> web.Response:
    session = call.org.sessions.by_id(session_id)
    if session is None:
        raise KeyError(session_id)
    if call.method == "DELETE":
        call.org.sessions.end(session)
        return no_content()
    if call.method == "POST":
        status = order(call).get("status")
        if status not in ("ACTIVE", "MFA_REQUIRED", "MFA_ENROLL"):
            raise ValueError("status: ACTIVE, MFA_REQUIRED or MFA_ENROLL is needed")
        session.status = status
    return json_answer(_described(session))


def _described(session: OrgSession) -> dict[str, object]:
    return {
        "id": session.id,
        "login": session.user.login,
        "userId": session.user.id,
        "status": session.status,
        "live": not session.is_over,
        "sid": fingerprint(session.sid) if session.sid is not None else None,
        "idx": fingerprint(session.idx) if session.idx is not None else None,
        "expiresAt": date_time(session.expires_at),
    }


_HANDLERS: Mapping[tuple[str, str], Callable[[Call], web.Response | None]] = {
    ("GET", "/journal"): lambda call: json_answer([row.as_json() for row in call.org.journal.rows]),
    ("DELETE", "/journal"): lambda call: call.org.journal.clear(),
    ("POST", "/faults"): lambda call: call.org.faults.add(fault(order(call))),
    ("DELETE", "/faults"): lambda call: call.org.faults.clear(),
    ("GET", "/clock"): _now,
    ("POST", "/clock"): _advance,
    ("GET", "/sessions"): lambda call: json_answer([_described(session) for session in call.org.sessions.active()]),
    ("POST", "/sessions"): _sign_in,
    ("POST", "/tokens"): _issue_token,
    ("POST", "/step-up"): _require_step_up,
    ("DELETE", "/step-up"): lambda call: call.org.app_links.forget_step_ups(),
    ("POST", "/links"): lambda call: call.org.app_links.lead_elsewhere(text(call, "path"), text(call, "location")),
    ("DELETE", "/links"): lambda call: call.org.app_links.forget_locations(),
    ("POST", "/limits"): _limit,
    ("POST", "/accounts"): _set_status,
    ("POST", "/factors"): _enroll,
    ("POST", "/pushes"): _answer_push,
    ("POST", "/activations"): _issue_activation,
    ("POST", "/administrators"): lambda call: call.org.administrators.add(user(call).login),
    ("POST", "/clients"): lambda call: call.org.clients.register(client_of(order(call))),
    ("POST", "/apps"): lambda call: call.org.apps.register(app_of(order(call))),
}
"""What each order does. None is answered with 204."""
