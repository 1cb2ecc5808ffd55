"""The values that describe an Okta session: cookies, tokens, fingerprints, and the meaning of an answer of the Sessions API.

This module owns ``SessionCookie``, ``SessionToken``, ``Fingerprint`` and ``Session``, and the table of answers to
``GET /api/v1/sessions/me``. It must never show a raw cookie or token in a ``repr``. It must never treat an unclear answer as "signed out":
an answer that is neither exactly a session nor exactly ``404 E0000007`` is ``Unknown``.

Source: Okta Sessions API (``getCurrentSession``, ``closeCurrentSession``).
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NewType
from unicodedata import normalize

SESSION_NAMES = (b"sid", b"idx")
"""Cookies that carry an Okta session: ``sid`` (Classic, and still set on Identity Engine), ``idx`` (Identity Engine)."""

OWN_NAME = b"gateway"
"""The gateway's own session, used when it asks Okta by OpenID Connect (``policy.oidc.own_session``).

It is never a cookie of this name in a browser. It exists only inside values that the gateway seals.
"""

KEPT_NAMES = (*SESSION_NAMES, OWN_NAME)
"""The names of session cookies that a sealed value may hold."""

COMPANION_NAMES = (b"xids", b"myr")
"""Cookies that Okta sets and clears together with the session. They do not prove a session, but they are removed with it."""

LARGEST_ANSWER_BYTES = 64 * 1024

FINGERPRINT_BYTES = 16

Fingerprint = NewType("Fingerprint", bytes)
"""16 bytes of keyed BLAKE2b over (org, cookie name, value): cache key, revocation key, log field."""


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """One session cookie, exactly as the browser sent it. It is a secret."""

    name: bytes
    value: bytes

    def __repr__(self) -> str:
        return f"SessionCookie({self.name.decode('ascii', 'replace')}, {_masked(self.value)})"


Cookies = tuple[SessionCookie, ...]


@dataclass(frozen=True, slots=True)
class SessionToken:
    """A one-time token from a request, decoded. It is as secret as a password."""

    value: str

    def __repr__(self) -> str:
        return f"SessionToken({_masked(self.value.encode('utf-8', 'surrogatepass'))})"


def _masked(value: bytes) -> str:
    return hashlib.blake2b(value, digest_size=4).hexdigest() + "…"


@dataclass(frozen=True, slots=True)
class Marks:
    """The names under which the session cache knows some cookies.

    ``fingerprints``: one for each cookie. ``key``: one key for all of them, the same in any order. ``is_repeated``: a cookie name occurs
    twice. ``shown``: how the log names the first cookie.
    """

    fingerprints: tuple[Fingerprint, ...] = ()
    key: bytes = b""
    is_repeated: bool = False
    shown: str = ""


def key_of(fingerprints: tuple[Fingerprint, ...]) -> bytes:
    """One key for a set of cookies. The order of the fingerprints makes no difference."""
    return fingerprints[0] if len(fingerprints) == 1 else b"".join(sorted(fingerprints))


def parts_of(key: bytes) -> tuple[bytes, ...]:
    """The fingerprints in a key of ``key_of``; none if the key is a single fingerprint."""
    size = FINGERPRINT_BYTES
    return tuple(key[start : start + size] for start in range(0, len(key), size)) if len(key) > size else ()


class Fingerprinter:
    """Makes fingerprints for one org. Two orgs, or two keys, never give the same fingerprint."""

    __slots__ = ("_hashes", "_sessions", "_tokens")

    def __init__(self, key: bytes, org: str) -> None:
        """``key``: 16 to 64 secret bytes. ``org``: the org's address, so that no cache entry of one org is used for another."""
        org_key = hmac.digest(key, b"fingerprint\0" + org.encode(), "sha256")
        self._hashes = {name: hashlib.blake2b(name + b"\0", digest_size=FINGERPRINT_BYTES, key=org_key) for name in KEPT_NAMES}
        self._sessions = hashlib.blake2b(b"session\0", digest_size=FINGERPRINT_BYTES, key=org_key)
        self._tokens = hashlib.blake2b(b"token\0", digest_size=FINGERPRINT_BYTES, key=org_key)

    def of(self, cookie: SessionCookie) -> Fingerprint:
        """The fingerprint of one cookie. Blanks and quotes around the value make no difference, because servers ignore them."""
        known = self._hashes.get(cookie.name)
        if known is None:
            raise ValueError(f"{cookie.name!r} is no session cookie")
        state = known.copy()
        state.update(cookie.value.strip(b' \t"'))
        return Fingerprint(state.digest())

    def all(self, cookies: Iterable[SessionCookie]) -> tuple[Fingerprint, ...]:
        """The fingerprints of several cookies, in their order."""
        return tuple(self.of(cookie) for cookie in cookies)

    def marks(self, cookies: tuple[SessionCookie, ...]) -> Marks:
        """The marks of these cookies, in their order."""
        fingerprints = self.all(cookies)
        is_repeated = len({cookie.name for cookie in cookies}) != len(cookies)
        return Marks(fingerprints, key_of(fingerprints), is_repeated, shown(fingerprints[0]) if fingerprints else "")

    def of_session(self, session_id: str) -> str:
        """A keyed hash of Okta's session id, in hex digits. On Classic the id may be the value of ``sid``, which is a secret."""
        state = self._sessions.copy()
        state.update(session_id.encode("utf-8", "surrogatepass"))
        return state.hexdigest()

    def of_token(self, token: SessionToken) -> Fingerprint:
        """The fingerprint of a session token. It never equals the fingerprint of a cookie."""
        state = self._tokens.copy()
        state.update(token.value.encode("utf-8", "surrogatepass"))
        return Fingerprint(state.digest())


def login_key(login: str) -> str:
    """One key for all spellings of a login: case is folded, and letters are decomposed (Unicode NFD)."""
    return normalize("NFD", login.casefold())


def shown(fingerprint: Fingerprint) -> str:
    """The form of a fingerprint for logs: 12 hex digits."""
    return fingerprint[:6].hex()


class SessionStatus(StrEnum):
    """Okta's ``SessionStatus``."""

    ACTIVE = "ACTIVE"
    MFA_REQUIRED = "MFA_REQUIRED"
    MFA_ENROLL = "MFA_ENROLL"


@dataclass(frozen=True, slots=True)
class Session:
    """A session that Okta confirmed. Times are aware UTC; ``login`` and ``user_id`` are never empty.

    ``created_at``: by Okta's clock, in whole seconds; None if the answer does not say. ``names``: the names by which a revocation may
    name the user.
    """

    id: str
    user_id: str
    login: str
    expires_at: datetime
    amr: tuple[str, ...] = ()
    last_password_verification: datetime | None = None
    last_factor_verification: datetime | None = None
    created_at: datetime | None = None
    ends_at: float = field(init=False, repr=False, compare=False)
    names: tuple[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """``ends_at``: ``expires_at`` in Unix seconds; ``names``: the id, and the login as ``login_key``."""
        object.__setattr__(self, "ends_at", self.expires_at.timestamp())
        object.__setattr__(self, "names", (self.user_id, login_key(self.login)))


@dataclass(frozen=True, slots=True)
class NoSession:
    """Okta said that these cookies carry no usable session. ``reason``: a word for the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Okta gave no clear answer. Never treat it as "signed out". ``retry_at``: the epoch second that Okta named for the next try."""

    reason: str
    retry_at: float | None = None


Finding = Session | NoSession | Unknown


def interpret(status: int, fields: Mapping[str, str], body: bytes) -> Finding:
    """The meaning of an answer to ``GET /sessions/me``. It never raises.

    ``fields`` must be a mapping that ignores the case of names. A 404 counts as "no session" only with Okta's error code ``E0000007``,
    because a 404 of a proxy between the gateway and Okta proves nothing. An answer whose ``Content-Type`` is not JSON is not read.
    """
    if status == 429:
        return Unknown("rate_limited", _epoch(fields.get("X-Rate-Limit-Reset")))
    if len(body) > LARGEST_ANSWER_BYTES:
        return Unknown("too_large")
    if status in (200, 404) and not is_json(fields.get("Content-Type")):
        return Unknown("strange_type")
    if status == 404:
        return NoSession("not_found") if error_code(body) == "E0000007" else Unknown("strange_404")
    if status != 200:
        return Unknown(f"status_{status}")
    answer = _object(body)
    if answer is None:
        return Unknown("not_json")
    return _session(answer)


def is_json(content_type: str | None) -> bool:
    """Whether a Content-Type field says ``application/json`` or another JSON type (``application/*+json``, RFC 6839 section 3.1)."""
    named = (content_type or "").partition(";")[0].strip(" \t").lower()
    if named == "application/json":
        return True
    return named.startswith("application/") and named.endswith("+json") and len(named) > len("application/+json") and named.count("/") == 1


def error_code(body: bytes) -> str | None:
    """The ``errorCode`` of Okta's error object; None if the body is no such object."""
    answer = _object(body)
    code = answer.get("errorCode") if answer is not None else None
    return code if isinstance(code, str) else None


def _session(answer: Mapping[str, Any]) -> Finding:
    status = answer.get("status")
    if status in (SessionStatus.MFA_REQUIRED, SessionStatus.MFA_ENROLL):
        return NoSession("mfa_pending")
    if status != SessionStatus.ACTIVE:
        return Unknown("strange_status")
    texts = [answer.get(name) for name in ("id", "userId", "login")]
    expires_at = moment(answer.get("expiresAt"))
    if not all(_is_text(text) and text for text in texts) or expires_at is None:
        return Unknown("incomplete_session")
    amr = answer.get("amr")
    return Session(
        id=str(texts[0]),
        user_id=str(texts[1]),
        login=str(texts[2]),
        expires_at=expires_at,
        amr=tuple(item for item in amr if _is_text(item)) if isinstance(amr, list) else (),
        last_password_verification=moment(answer.get("lastPasswordVerification")),
        last_factor_verification=moment(answer.get("lastFactorVerification")),
        created_at=moment(answer.get("createdAt")),
    )


def moment(text: object) -> datetime | None:
    """An RFC 3339 date-time as aware UTC. None for any other text, and if the offset leads to a year that Python cannot hold."""
    if not isinstance(text, str):
        return None
    try:
        parsed = datetime.fromisoformat(text)
        return parsed.astimezone(UTC) if parsed.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _is_text(value: object) -> bool:
    """Whether a JSON value is a text without lone surrogates such as ``"\\ud800"``, which no header field and no log can carry."""
    return isinstance(value, str) and not any(0xD800 <= ord(character) <= 0xDFFF for character in value)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _epoch(text: str | None) -> float | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 12:
        return None
    return float(text)
