"""The control paths for tests: journal, faults, clock, sessions, tokens, app links, limits. control_people.py has those about users.

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

Must never: answer a request that came to another name than the org's own address, or through a proxy, or from a page of another
site. Otherwise a browser could use the control paths through the gateway.
"""

from collections.abc import Callable, Mapping

from aiohttp import web

from gateway.dev.standin.answers import json_answer, no_content
from gateway.dev.standin.call import Call
from gateway.dev.standin.clock import date_time, duration_seconds
from gateway.dev.standin.control_people import PEOPLE
from gateway.dev.standin.faults import fault
from gateway.dev.standin.journal import fingerprint
from gateway.dev.standin.orders import order, text
from gateway.dev.standin.sessions import OrgSession

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
        return handler(call) if handler is not None else json_answer({"error": "no such control path"}, 404)
    except KeyError as unknown:
        return json_answer({"error": f"unknown: {unknown.args[0]}"}, 404)
    except ValueError as wrong:
        return json_answer({"error": str(wrong)}, 400)


def _journal(call: Call) -> web.Response:
    return json_answer([row.as_json() for row in call.org.journal.rows])


def _clear_journal(call: Call) -> web.Response:
    call.org.journal.clear()
    return no_content()


def _add_fault(call: Call) -> web.Response:
    call.org.faults.add(fault(order(call)))
    return no_content()


def _clear_faults(call: Call) -> web.Response:
    call.org.faults.clear()
    return no_content()


def _now(call: Call) -> web.Response:
    return json_answer({"now": date_time(call.org.clock.now())})


def _advance(call: Call) -> web.Response:
    call.org.clock.advance(duration_seconds(order(call).get("advance")))
    return _now(call)


def _sessions(call: Call) -> web.Response:
    return json_answer([_described(session) for session in call.org.sessions.live()])


def _sign_in(call: Call) -> web.Response:
    session = call.org.sign_in(text(call, "login"))
    return json_answer({"id": session.id, "sid": session.sid, "idx": session.idx}, 201)


def _issue_token(call: Call) -> web.Response:
    org, user = call.org, call.org.known_user(text(call, "login"))
    if order(call).get("kind") == "stateToken":
        return json_answer({"stateToken": org.state_tokens.issue(user)}, 201)
    return json_answer({"sessionToken": org.session_tokens.issue(user)}, 201)


def _require_step_up(call: Call) -> web.Response:
    path, answer = text(call, "path"), order(call).get("answer", "redirect")
    if answer not in ("redirect", "page"):
        raise ValueError("answer: redirect or page is needed")
    call.org.app_links.require_step_up(path, "page" if answer == "page" else "redirect")
    return no_content()


def _forget_step_ups(call: Call) -> web.Response:
    call.org.app_links.forget_step_ups()
    return no_content()


def _lead_elsewhere(call: Call) -> web.Response:
    call.org.app_links.lead_elsewhere(text(call, "path"), text(call, "location"))
    return no_content()


def _forget_locations(call: Call) -> web.Response:
    call.org.app_links.forget_locations()
    return no_content()


def _limit(call: Call) -> web.Response:
    limit = order(call).get("per_minute")
    if not isinstance(limit, int) or limit < 0:
        raise ValueError("per_minute: a whole number is needed")
    call.org.limits.per_minute = limit
    return no_content()


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


_HANDLERS: Mapping[tuple[str, str], Callable[[Call], web.Response]] = {
    ("GET", "/journal"): _journal,
    ("DELETE", "/journal"): _clear_journal,
    ("POST", "/faults"): _add_fault,
    ("DELETE", "/faults"): _clear_faults,
    ("GET", "/clock"): _now,
    ("POST", "/clock"): _advance,
    ("GET", "/sessions"): _sessions,
    ("POST", "/sessions"): _sign_in,
    ("POST", "/tokens"): _issue_token,
    ("POST", "/step-up"): _require_step_up,
    ("DELETE", "/step-up"): _forget_step_ups,
    ("POST", "/links"): _lead_elsewhere,
    ("DELETE", "/links"): _forget_locations,
    ("POST", "/limits"): _limit,
    **PEOPLE,
}
