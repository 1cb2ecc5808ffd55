"""The API that a server calls with an API token, and an administrator with the session of her browser.

Owns: `/api/v1/sessions/{id}` and below, `/api/v1/users/{id}` and its sessions.
Must never: accept the session of somebody who is no administrator.
Rules: Sessions API (getSession, revokeSession, refreshSession). Since 2025 they act on Identity Engine's sessions too (release
2025.10.1; Okta's upgrade guide took DELETE off its list of calls that know `sid` alone in September 2025).
"""

from collections.abc import Callable

from aiohttp import web

from gateway.standin.answers import error, json_answer, no_content, session_by_id, user_object, with_cookies
from gateway.standin.call import Call
from gateway.standin.cookies import program_cookie
from gateway.standin.presence import presence
from gateway.standin.quirks import BY_ID_IGNORES_IDX
from gateway.standin.sessions import OrgSession


def _refusal(call: Call) -> web.Response | None:
    authorization = call.fields.get("Authorization", "")
    # Okta's Python client 3.4 writes no space after the scheme, and lives: so none is asked for.
    if authorization[:4].upper() == "SSWS":
        return None if authorization[4:].strip() == call.org.api_token else error("E0000011")
    if authorization:
        return error("E0000011")
    session = presence(call.org, call.cookies).current
    if session is None:
        return error("E0000005")
    return None if session.user.login in call.org.administrators else error("E0000006")


def _with_session(call: Call, act: Callable[[OrgSession], web.Response]) -> web.Response:
    refusal = _refusal(call)
    if refusal is not None:
        return refusal
    session_id = call.path_names["id"]
    session = call.org.sessions.by_id(session_id)
    if session is None or (session.sid is None and call.org.has(BY_ID_IGNORES_IDX)):
        return error("E0000007", f"{session_id} (AppSession)")
    return act(session)


def show_session(call: Call) -> web.Response:
    """Answer with the Session of this id."""
    return _with_session(call, lambda session: json_answer(session_by_id(call.org, session, call.origin)))


def close_session_by_id(call: Call) -> web.Response:
    """End the session of this id; with the quirk `by-id-ignores-idx` its `sid` half alone."""

    def close(session: OrgSession) -> web.Response:
        if call.org.has(BY_ID_IGNORES_IDX):
            call.org.sessions.end_sid(session)
        else:
            call.org.sessions.end(session)
        return no_content()

    return _with_session(call, close)


def refresh_session_by_id(call: Call) -> web.Response:
    """Let the session live for a lifetime from now; the answer sets its `sid` and `xids` at the caller."""

    def refresh(session: OrgSession) -> web.Response:
        call.org.sessions.refresh(session)
        lines = [program_cookie("xids", session.xids), *([program_cookie("sid", session.sid)] if session.sid is not None else [])]
        return with_cookies(json_answer(session_by_id(call.org, session, call.origin)), lines)

    return _with_session(call, refresh)


def user_by_id(call: Call) -> web.Response:
    """Answer with a User, by id or login."""
    refusal, user = _refusal(call), call.org.user(call.path_names["id"])
    if refusal is not None:
        return refusal
    if user is None:
        return error("E0000007", f"{call.path_names['id']} (User)")
    return json_answer(user_object(user, call.origin))


def close_user_sessions(call: Call) -> web.Response:
    """End every session of a user, both halves."""
    refusal, user = _refusal(call), call.org.user(call.path_names["id"])
    if refusal is not None:
        return refusal
    if user is None:
        return error("E0000007", f"{call.path_names['id']} (User)")
    for session in call.org.sessions.of_user(user):
        call.org.sessions.end(session)
    return no_content()
