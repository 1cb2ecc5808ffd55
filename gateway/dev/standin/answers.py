"""Answers in Okta's shape: the Session and User objects, error objects, redirects.

Owns: the JSON of the public API.
Must never: add a property that Okta's description gives another type.
Rules: recorded answers of a preview org (September 2025), okta-management-openapi-spec (Session, Error), the error-code list of the
developer documentation.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from gateway.dev.standin.clock import whole_seconds
from gateway.dev.standin.org import Org
from gateway.dev.standin.quirks import IDP_MISSING
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.users import User

ERRORS: Mapping[str, tuple[int, str]] = {
    "E0000001": (400, "Api validation failed: {0}"),
    "E0000003": (400, "The request body was not well-formed."),
    "E0000004": (401, "Authentication failed"),
    "E0000005": (403, "Invalid session"),
    "E0000006": (403, "You do not have permission to perform the requested action"),
    "E0000007": (404, "Not found: Resource not found: {0}"),
    "E0000008": (404, "The requested path was not found"),
    "E0000009": (500, "Internal Server Error"),
    "E0000010": (503, "Service is in read only mode"),
    "E0000011": (401, "Invalid token provided"),
    "E0000014": (403, "Update of credentials failed"),
    "E0000021": (411, "Bad request.  Content-Length header is required."),
    "E0000022": (405, "The endpoint does not support the provided HTTP method"),
    "E0000068": (403, "Invalid Passcode/Answer"),
    "E0000069": (403, "User Locked"),
    "E0000079": (403, "This operation is not allowed in the current authentication state."),
    "E0000047": (429, "API call exceeded rate limit due to too many requests."),
}
BY_STATUS: Mapping[int, str] = {
    400: "E0000001",
    401: "E0000004",
    403: "E0000006",
    404: "E0000007",
    405: "E0000022",
    429: "E0000047",
    503: "E0000010",
}


class ErrorAnswer(Exception):
    """Ends a call with this answer."""

    def __init__(self, response: web.Response) -> None:
        super().__init__()
        self.response = response


def error_object(code: str, what: str = "") -> dict[str, Any]:
    """Return Okta's error object for a code. `what` is inserted into its summary."""
    return {
        "errorCode": code,
        "errorSummary": ERRORS[code][1].format(what),
        "errorLink": code,
        "errorId": "oae" + secrets.token_urlsafe(16),
        "errorCauses": [],
    }


def error(code: str, what: str = "") -> web.Response:
    """Return the answer for an error code, with the status of that code."""
    return json_answer(error_object(code, what), ERRORS[code][0])


def error_with_cause(code: str, cause: str) -> web.Response:
    """Return the answer for an error code, with a cause in `errorCauses`."""
    return json_answer(error_object(code) | {"errorCauses": [{"errorSummary": cause}]}, ERRORS[code][0])


def json_answer(value: object, status: int = 200) -> web.Response:
    """Return a JSON answer."""
    return web.Response(body=json.dumps(value).encode(), status=status, content_type="application/json")


def no_content() -> web.Response:
    """Return 204 without a body."""
    return web.Response(status=204)


def redirect(location: str) -> web.Response:
    """Return a 302."""
    return web.Response(status=302, headers={"Location": location})


def with_cookies(response: web.Response, lines: Iterable[str]) -> web.Response:
    """Add Set-Cookie lines to an answer, in order, and return it."""
    for line in lines:
        response.headers.add("Set-Cookie", line)
    return response


def own_session(org: Org, session: OrgSession, origin: str) -> dict[str, Any]:
    """Return the Session object as `/sessions/me` answers it: the links lead to `/me`."""
    return _session(org, session, origin, session.id, "me", "me")


def created_session(org: Org, session: OrgSession, origin: str) -> dict[str, Any]:
    """Return the Session object as `POST /sessions` answers it: `id` is the value of the `sid` cookie, the links lead to `/me`."""
    return _session(org, session, origin, session.sid or session.id, "me", "me")


def session_by_id(org: Org, session: OrgSession, origin: str) -> dict[str, Any]:
    """Return the Session object as a call by id answers it: `id` is the value of `sid`, the links name the value of `xids`."""
    return _session(org, session, origin, session.sid or session.id, session.xids, session.user.id)


def _session(org: Org, session: OrgSession, origin: str, session_id: str, name: str, user_name: str) -> dict[str, Any]:
    base = f"{origin}/api/v1/sessions/{name}"
    found: dict[str, Any] = {
        "id": session_id,
        "userId": session.user.id,
        "login": session.user.login,
        "createdAt": whole_seconds(session.created_at),
        "expiresAt": whole_seconds(session.expires_at),
        "status": session.status,
        "lastPasswordVerification": whole_seconds(session.password_at or session.created_at),
        "lastFactorVerification": whole_seconds(session.factor_at) if session.factor_at is not None else None,
        "amr": list(session.amr),
        "idp": {"id": session.idp_id or org.id, "type": "OKTA" if session.idp_id is None else "FEDERATION"},
        "mfaActive": True,
        "_links": {
            "self": {"href": base, "hints": {"allow": ["GET", "DELETE"]}},
            "refresh": {"href": f"{base}/lifecycle/refresh", "hints": {"allow": ["POST"]}},
            "user": {
                "name": session.user.name,
                "href": f"{origin}/api/v1/users/{user_name}",
                "hints": {"allow": ["GET"]},
            },
        },
    }
    if org.has(IDP_MISSING):
        del found["idp"]
    return found


def user_object(user: User, origin: str) -> dict[str, Any]:
    """Return the User object."""
    return {
        "id": user.id,
        "status": "ACTIVE",
        "profile": {"login": user.login, "email": user.login, "firstName": user.first_name, "lastName": user.last_name},
        "_links": {"self": {"href": f"{origin}/api/v1/users/{user.id}"}},
    }
