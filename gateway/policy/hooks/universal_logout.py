"""Universal Logout (global token revocation): checks the claims of Okta's signed request, and finds the user whom it is about.

The signature is checked before, outside of this module. It must never raise an exception, whatever the content is. Sources: Okta, "Build
Universal Logout for your app"; draft-parecki-oauth-global-token-revocation; RFC 9493 (``email``, ``iss_sub``).
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.policy.http.messages import Malformed

TOKEN_TYPE: Final = "global-token-revocation+jwt"  # noqa: S105 - the name of a media type
LARGEST_REQUEST_BYTES: Final = 16 * 1024
LARGEST_TOKEN: Final = 8 * 1024
SKEW_SECONDS: Final = 60.0
OLDEST_SECONDS: Final = 600.0
"""The longest time for which a ``jti`` is remembered. Okta's tokens expire five minutes after they were made; this is twice as long."""

LONGEST_NAME: Final = 256


@dataclass(frozen=True, slots=True)
class ExpectedLogoutToken:
    """What the token must contain: one of the ``issuers``, this ``audience``, and one of the ``apps`` (OIDC client ids)."""

    issuers: frozenset[str]
    audience: str
    apps: frozenset[str]


@dataclass(frozen=True, slots=True)
class Subject:
    """The user whose sessions end: id or login, as Okta wrote it. ``issuer``: who uses this name for the user; "" for an e-mail address."""

    name: str
    issuer: str = ""


def key_asked(token: str, expected: ExpectedLogoutToken, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str | None:
    """The app whose public keys may verify this token, from its unverified header and claims; None if no key needs to be fetched."""
    if len(token) > LARGEST_TOKEN or header.get("typ") != TOKEN_TYPE or header.get("alg") != "RS256":
        return None
    if not _is_one_of(claims.get("iss"), expected.issuers) or not _names(claims.get("aud"), expected.audience):
        return None
    app = claims.get("sub")
    return app if isinstance(app, str) and app else None


def claims_problem(claims: Mapping[str, Any], expected: ExpectedLogoutToken, wall: float) -> Malformed | None:
    """Why a token with a valid signature is refused: 401 if the token is wrong, 403 if its app is not allowed to ask."""
    if not _is_one_of(claims.get("iss"), expected.issuers):
        return Malformed(401, "issuer")
    if not _names(claims.get("aud"), expected.audience):
        return Malformed(401, "audience")
    expires_at, issued_at, valid_from = _second(claims.get("exp")), _second(claims.get("iat")), _second(claims.get("nbf"))
    if expires_at is None or issued_at is None:
        return Malformed(401, "times_missing")
    if wall >= expires_at + SKEW_SECONDS or issued_at + OLDEST_SECONDS < wall:
        return Malformed(401, "expired")
    if issued_at > wall + SKEW_SECONDS or (valid_from is not None and valid_from > wall + SKEW_SECONDS):
        return Malformed(401, "not_yet_valid")
    if not _is_name(claims.get("jti")):
        return Malformed(401, "jti_missing")
    return None if _is_one_of(claims.get("sub"), expected.apps) else Malformed(403, "app_not_allowed")


def subject_of(body: bytes) -> Subject | Malformed:
    """The user whom the request is about; 400 if it does not name one. Older drafts called the member ``sub_id`` ``subject``."""
    try:
        content: Any = json.loads(body)
    except (ValueError, RecursionError):
        return Malformed(400, "not_json")
    if not isinstance(content, dict):
        return Malformed(400, "not_an_object")
    named = content.get("sub_id", content.get("subject"))
    if not isinstance(named, dict):
        return Malformed(400, "no_subject")
    match named:
        case {"format": "email", "email": str(email)} if _is_name(email) and "@" in email:
            return Subject(email)
        case {"format": "iss_sub", "iss": str(issuer), "sub": str(name)} if _is_name(issuer) and _is_name(name):
            return Subject(name, issuer)
        case {"format": "email" | "iss_sub"}:
            return Malformed(400, "incomplete_subject")
        case _:
            return Malformed(400, "subject_format")


def is_ours(subject: Subject, issuers: Collection[str]) -> bool:
    """Whether the subject is named by this org."""
    return not subject.issuer or subject.issuer.rstrip("/") in issuers


def _is_one_of(value: object, names: Collection[str]) -> bool:
    return isinstance(value, str) and value in names


def _names(audience: object, endpoint: str) -> bool:
    return audience == endpoint or (isinstance(audience, list) and endpoint in audience)


def _second(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12 else None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()
