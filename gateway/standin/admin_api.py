"""The API that a server calls with an API token, and an administrator with the session of her browser.

Owns: `/api/v1/sessions/{id}` and below, `/api/v1/users/{id}` and its sessions.
Must never: act on an `idx` half by session id.
Rules: Sessions API (getSession, revokeSession, refreshSession); "these operations work only on the sid session".
"""

from collections.abc import Callable

from aiohttp import web

from gateway.standin.answers import error, json_answer, no_content, session_object, user_object
from gateway.standin.call import Call
from gateway.standin.presence import presence
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
    if session is None or session.sid is None:
        return error("E0000007", f"{session_id} (Session)")
    return act(session)


def session_by_id(call: Call) -> web.Response:
    """Answer with the Session of this id while its `sid` half lives."""
    return _with_session(call, lambda session: json_answer(session_object(call.org, session, call.origin, session.id)))


def close_session_by_id(call: Call) -> web.Response:
    """End the `sid` half of the session; an `idx` half lives on."""

    def close(session: OrgSession) -> web.Response:
        call.org.sessions.end_sid(session)
        return no_content()

    return _with_session(call, close)


def refresh_session_by_id(call: Call) -> web.Response:
    """Let the session live for a lifetime from now."""

    def refresh(session: OrgSession) -> web.Response:
        call.org.sessions.refresh(session)
        return json_answer(session_object(call.org, session, call.origin, session.id))

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
