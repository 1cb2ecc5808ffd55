"""The API that a browser calls: the current session, the current user.

Owns: `/api/v1/sessions` (POST), `/api/v1/sessions/me` and below, `/api/v1/users/me` and below.
Must never: accept an API token instead of a cookie.
Rules: Sessions API (createSession, getCurrentSession, closeCurrentSession, refreshCurrentSession).
"""

from aiohttp import web

from gateway.dev.standin.answers import created_session, error, json_answer, no_content, own_session, user_object, with_cookies
from gateway.dev.standin.call import Call
from gateway.dev.standin.cookies import blank
from gateway.dev.standin.presence import ended_cookies, presence
from gateway.dev.standin.quirks import BY_ID_IGNORES_IDX, DELETE_404_LEAVES_SID, FORBIDDEN_BUT_ACTIVE
from gateway.dev.standin.sessions import OrgSession

_NOBODY = "me (Session)"


def create_session(call: Call) -> web.Response:
    """Use a session token up, and open a session that no browser has: the answer sets no cookie.

    On Classic Engine `additionalFields=cookieToken,cookieTokenUrl` asks for a token by which a browser gets this session's cookie.
    """
    payload = call.payload()
    if payload is None:
        return error("E0000003")
    token = payload.get("sessionToken")
    if not isinstance(token, str) or not token:
        return error("E0000001", "sessionToken")
    user = call.org.session_tokens.spend(token)
    if user is None:
        return error("E0000004")
    session = call.org.sessions.open(user, with_idx=False)
    if call.org.proven_factors.spend(token):
        call.org.sessions.verify(session)
    found = created_session(call.org, session, call.origin)
    if not call.org.is_identity:
        found |= _cookie_token(call, session)
    return json_answer(found)


def _cookie_token(call: Call, session: OrgSession) -> dict[str, str]:
    """Return what `additionalFields` asks for, by which a browser gets the cookie of this session."""
    wanted = (call.first("additionalFields") or "").split(",")
    if not {"cookieToken", "cookieTokenUrl"} & set(wanted):
        return {}
    token = call.org.cookie_tokens.issue(session)
    url = f"{call.origin}/login/sessionCookie?token={token}"
    return {name: value for name, value in (("cookieToken", token), ("cookieTokenUrl", url)) if name in wanted}


def current_session(call: Call) -> web.Response:
    """Answer with the Session of the cookies; 404 without one."""
    session = presence(call.org, call.cookies).current
    if session is None:
        return error("E0000007", _NOBODY)
    if call.org.has(FORBIDDEN_BUT_ACTIVE):
        return error("E0000006")
    return json_answer(own_session(call.org, session, call.origin))


def close_current_session(call: Call) -> web.Response:
    """End every session that the cookies name, both halves, and blank the cookies; 404 without one."""
    org, here = call.org, presence(call.org, call.cookies)
    carries_idx = any(name == "idx" and value for name, value in call.cookies)
    if org.has(DELETE_404_LEAVES_SID) and org.is_identity and here.by_sid is not None and carries_idx:
        if here.by_idx is not None:
            org.sessions.end_idx(here.by_idx)
        return with_cookies(error("E0000007", _NOBODY), [blank("idx")])
    if here.current is None:
        return error("E0000007", _NOBODY)
    for session in here.sessions:
        org.sessions.end(session)
    return with_cookies(no_content(), ended_cookies(org))


def refresh_current_session(call: Call) -> web.Response:
    """Extend the session by a whole lifetime from now; 200 with the Session, 204 for `Prefer: return=minimal`, 404 without one."""
    session = presence(call.org, call.cookies).current
    if session is None:
        return error("E0000007", _NOBODY)
    call.org.sessions.refresh(session)
    if "return=minimal" in call.fields.get("Prefer", "").replace(" ", "").lower():
        response = no_content()
        response.headers["Preference-Applied"] = "return=minimal"
        return response
    return json_answer(own_session(call.org, session, call.origin))


def current_user(call: Call) -> web.Response:
    """Answer with the User of the cookies; 403 E0000005 without a session."""
    session = presence(call.org, call.cookies).current
    if session is None:
        return error("E0000005")
    return json_answer(user_object(session.user, call.origin))


def close_my_sessions(call: Call) -> web.Response:
    """End the current user's sessions; with the quirk `by-id-ignores-idx` only their `sid` halves.

    The session that makes the call stays, unless the body says `{"keepCurrent": false}` (User Sessions API, endUserSessions).
    """
    session = presence(call.org, call.cookies).current
    if session is None:
        return error("E0000005")
    keeps_current = (call.payload() or {}).get("keepCurrent") is not False
    ends = call.org.sessions.end_sid if call.org.has(BY_ID_IGNORES_IDX) else call.org.sessions.end
    for each in call.org.sessions.of_user(session.user):
        if each is not session or not keeps_current:
            ends(each)
    return no_content()
