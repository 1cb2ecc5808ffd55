"""The API for administrators: servers call it with an API token, an administrator with the session of her browser.

Owns: who may call it (an API token, an OAuth token of the org's own authorization server, an administrator), `/api/v1/sessions/{id}` and
below, `/api/v1/users/{id}` and its sessions, `/oauth2/v1/clients`.
Must never: accept the session of a user who is no administrator.
Rules: Okta's API conventions (`Authorization: SSWS`), the guide "Implement OAuth for Okta" (scopes `okta.sessions.read`, `.manage`; a
token of a custom authorization server opens nothing), RFC 6750 §3.1; Sessions API (getSession, revokeSession, refreshSession). Since 2025
they also act on sessions of Identity Engine (release 2025.10.1; in September 2025 Okta's upgrade guide removed DELETE from its list of
calls that know only `sid`).
"""

import secrets

from aiohttp import web

from gateway.dev.standin.answers import ErrorAnswer, error, json_answer, no_content, session_by_id, user_object, with_cookies
from gateway.dev.standin.call import Call
from gateway.dev.standin.clients import client_of
from gateway.dev.standin.cookies import program_cookie
from gateway.dev.standin.oauth_endpoints import bearer_grant, challenged
from gateway.dev.standin.oauth_grants import end_tokens_of
from gateway.dev.standin.presence import presence
from gateway.dev.standin.quirks import BY_ID_IGNORES_IDX
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.users import User


def require_right(call: Call, area: str) -> None:
    """Refuse a caller that may not act on an area (`sessions`, `users`, `clients`)."""
    authorization = call.fields.get("Authorization", "")
    # Okta's Python client 3.4 writes no space after the scheme, and Okta accepts that. So the space is optional here.
    if authorization[:4].upper() == "SSWS":
        if authorization[4:].strip() != call.org.api_token:
            raise ErrorAnswer(error("E0000011"))
    elif authorization:
        _require_scope(call, area)
    else:
        session = presence(call.org, call.cookies).current
        if session is None or session.user.login not in call.org.administrators:
            raise ErrorAnswer(error("E0000005" if session is None else "E0000006"))


def _require_scope(call: Call, area: str) -> None:
    grant = bearer_grant(call)
    if grant is None or "/oauth2/" in grant.issuer:
        raise ErrorAnswer(challenged(call, error("E0000011")))
    wanted = {f"okta.{area}.manage"} | ({f"okta.{area}.read"} if call.method in ("GET", "HEAD") else set())
    is_user_allowed = grant.user is None or grant.user.login in call.org.administrators
    if not is_user_allowed or not wanted & set(grant.scope.split()):
        raise ErrorAnswer(challenged(call, error("E0000006"), "insufficient_scope"))


def _session(call: Call) -> OrgSession:
    require_right(call, "sessions")
    session_id = call.path_names["id"]
    session = call.org.sessions.by_id(session_id)
    if session is None or (session.sid is None and call.org.has(BY_ID_IGNORES_IDX)):
        raise ErrorAnswer(error("E0000007", f"{session_id} (AppSession)"))
    return session


def show_session(call: Call) -> web.Response:
    """Answer with the Session of this id."""
    return json_answer(session_by_id(call.org, _session(call), call.origin))


def close_session_by_id(call: Call) -> web.Response:
    """End the session of this id; with the quirk `by-id-ignores-idx` only its `sid` half."""
    ends = call.org.sessions.end_sid if call.org.has(BY_ID_IGNORES_IDX) else call.org.sessions.end
    ends(_session(call))
    return no_content()


def refresh_session_by_id(call: Call) -> web.Response:
    """Extend the session by a whole lifetime from now. The answer sets its `sid` and `xids` cookies."""
    session = _session(call)
    call.org.sessions.refresh(session)
    lines = [program_cookie("xids", session.xids), *([program_cookie("sid", session.sid)] if session.sid is not None else [])]
    return with_cookies(json_answer(session_by_id(call.org, session, call.origin)), lines)


def _user(call: Call) -> User:
    require_right(call, "users")
    user = call.org.user(call.path_names["id"])
    if user is None:
        raise ErrorAnswer(error("E0000007", f"{call.path_names['id']} (User)"))
    return user


def user_by_id(call: Call) -> web.Response:
    """Answer with a User, by id or login."""
    return json_answer(user_object(_user(call), call.origin))


def close_user_sessions(call: Call) -> web.Response:
    """End every session of a user, both halves; with `oauthTokens=true` the user's tokens too."""
    user = _user(call)
    for session in call.org.sessions.of_user(user):
        call.org.sessions.end(session)
    if call.first("oauthTokens") == "true":
        end_tokens_of(call.org, user)
    return no_content()


def register_client(call: Call) -> web.Response:
    """Register a client (RFC 7591): 201 with its metadata, a new id and, unless it is public, a new secret."""
    require_right(call, "clients")
    metadata = call.payload()
    if metadata is None:
        return error("E0000003")
    made: dict[str, object] = {**metadata, "client_id": "0oa" + secrets.token_hex(8) + "0"}
    if metadata.get("token_endpoint_auth_method") not in ("none", "private_key_jwt"):
        made["client_secret"] = secrets.token_urlsafe(30)
    try:
        call.org.clients.register(client_of(made))
    except ValueError as wrong:
        return error("E0000001", str(wrong))
    return json_answer(made, 201)
