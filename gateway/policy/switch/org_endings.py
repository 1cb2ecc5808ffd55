"""The requests to the org that end sessions: sign-outs, and API calls that name a session or a user.

A sign-out is recognized in many spellings (see org_places). An API call must match exactly, because the gateway revokes the session or user
that it names, after Okta has answered that the call succeeded. Nothing here proves who sent the request: an ``id_token_hint`` is decoded
but not verified.
Sources: Okta's API reference (Sessions, User Sessions, MyAccount Sessions) and its help on Single Logout (SAML); OpenID Connect
RP-Initiated Logout 1.0 §2.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.policy.http.messages import RequestHead
from gateway.policy.http.percent import unescaped
from gateway.policy.switch.org_parameters import jwt_claims
from gateway.policy.switch.org_places import OrgPath, SignOutKind

LARGEST_HINT: Final = 32 * 1024
"""Characters of an ``id_token_hint``; public reports name hints of 9 and 18 kB."""

_LEGACY: Final = re.compile(r"/api/v1/sessions/(?P<id>[A-Za-z0-9._~-]+)(?P<refresh>/lifecycle/refresh)?")


@dataclass(frozen=True, slots=True)
class SignOut:
    """A request that ends the browser's session at Okta. ``how``: the kind of sign-out; strangers can cause some kinds more easily.

    ``hint_subject``: the user whose session an OIDC logout means to end: ``sub`` of its ``id_token_hint``, unverified. None if there is no
    such value, or more than one.
    """

    how: SignOutKind
    hint_subject: str | None = None


@dataclass(frozen=True, slots=True)
class LegacySession:
    """A call of ``/api/v1/sessions/{id}`` or of its refresh. ``tail``: the end of the path after ``/api/v1/sessions/me`` for the same call.

    ``ends``: the call is a DELETE. The session may belong to another user.
    """

    session_id: str
    tail: str
    ends: bool = False


@dataclass(frozen=True, slots=True)
class EndsSessions:
    """A call that ends the session ``session_id``, or all sessions of the user ``user_id`` (an id, a login, or ``me``), if Okta accepts it.

    ``me`` is the user of the call's ``Authorization``, or else of the browser's cookies. ``keeps_current``: the session that sends the call
    stays alive.
    """

    session_id: str | None
    user_id: str | None
    keeps_current: bool = False


def sign_out_of(method: str, place: OrgPath, hints: Sequence[str]) -> SignOut | None:
    """The sign-out in a request, or None. ``hints``: the values of its ``id_token_hint``."""
    if method == "DELETE":
        return SignOut(SignOutKind.API) if place.is_current_session else None
    how = place.sign_out_kind if method in ("GET", "HEAD", "POST") else None
    if how is None:
        return None
    return SignOut(how, hint_subject(hints) if how is SignOutKind.OIDC else None)


def hint_subject(hints: Sequence[str]) -> str | None:
    """The ``sub`` of an ID token, unverified. None if it is unreadable, larger than 32 KiB, or if two hints name two users."""
    subjects = {_subject(hint) for hint in hints}
    return subjects.pop() if len(subjects) == 1 else None


def _subject(hint: str) -> str | None:
    claims = jwt_claims(hint) if len(hint) <= LARGEST_HINT else None
    subject = _member(claims, "sub") if claims is not None else None
    return subject if isinstance(subject, str) and subject else None


def legacy_session_of(method: str, path: str) -> LegacySession | None:
    """The call on a session by its id in a request, or None."""
    found = _LEGACY.fullmatch(path)
    if found is None or found["id"] == "me":
        return None
    return LegacySession(found["id"], "/lifecycle/refresh" if found["refresh"] else "", method == "DELETE" and not found["refresh"])


def ends_sessions(head: RequestHead, body: bytes) -> EndsSessions | None:
    """The call that ends sessions of a user or a session by its id, or None.

    ``/users/me/lifecycle/delete_sessions`` keeps the calling session, unless its JSON says ``"keepCurrent": false``. The MyAccount call
    ends the calling session, unless the query says ``excludeCurrentAuthorizationContext=true``.
    """
    segments = resolved_segments(head.path)
    match head.method, [segment.casefold() for segment in segments]:
        case "DELETE", ["api", "v1", "sessions", _]:
            return EndsSessions(segments[3], None)
        case "DELETE", ["api", "v1", "users", _, "sessions"]:
            return EndsSessions(None, segments[3])
        case "POST", ["api", "v1", "users", "me", "lifecycle", "delete_sessions"]:
            return EndsSessions(None, "me", keeps_current=_member(body, "keepCurrent") is not False)
        case "DELETE", ["idp", "myaccount", "sessions"]:
            return EndsSessions(None, "me", keeps_current="excludecurrentauthorizationcontext=true" in head.query.lower().split("&"))
        case _:
            return None


def resolved_segments(path: str) -> list[str]:
    """The segments of a path as a server resolves it: decoded once, dot segments resolved, without ``;`` parameters and empty segments."""
    resolved: list[str] = []
    for raw in path.split("/"):
        segment = unescaped(raw.partition(";")[0])
        if segment == "..":
            del resolved[-1:]
        elif segment not in ("", "."):
            resolved.append(segment)
    return resolved


def _member(text: bytes, name: str) -> Any:
    """A member of a JSON object; None if there is no such member, or no object."""
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content.get(name) if isinstance(content, dict) else None
