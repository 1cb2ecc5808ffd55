"""Okta's session as the gateway sees it: cookies, tokens, fingerprints, and what an answer of the Sessions API means.

Owns the vocabulary (``SessionCookie``, ``SessionToken``, ``Fingerprint``, ``Session``) and the table of answers of
``GET /api/v1/sessions/me``. Must never let a raw value reach a ``repr``, and must never read "signed out" into an answer
that does not say so: everything that is not exactly a session or exactly ``404 E0000007`` is ``Unknown``.

Rules from: Okta Sessions API (``getCurrentSession``, ``closeCurrentSession``).
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
"""The session that the gateway itself keeps where it asks Okta by OpenID Connect (``policy.oidc.own_session``).

No browser sends it as a cookie of this name: it stands only inside what the gateway seals.
"""

KEPT_NAMES = (*SESSION_NAMES, OWN_NAME)
"""What sealed values may hold as a session."""

COMPANION_NAMES = (b"xids", b"myr")
"""Cookies that Okta sets and clears together with the session; never evidence of one, but they leave with it."""

LARGEST_ANSWER_BYTES = 64 * 1024

FINGERPRINT_BYTES = 16

Fingerprint = NewType("Fingerprint", bytes)
"""16 bytes of keyed BLAKE2b over (org, cookie name, value): cache key, revocation key, log field."""


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """One session cookie of one browser, exactly as presented; a secret."""

    name: bytes
    value: bytes

    def __repr__(self) -> str:
        return f"SessionCookie({self.name.decode('ascii', 'replace')}, {_masked(self.value)})"


@dataclass(frozen=True, slots=True)
class SessionToken:
    """A one-time token as a request carried it, decoded; worth as much as the password."""

    value: str

    def __repr__(self) -> str:
        return f"SessionToken({_masked(self.value.encode('utf-8', 'surrogatepass'))})"


def _masked(value: bytes) -> str:
    return hashlib.blake2b(value, digest_size=4).hexdigest() + "…"


@dataclass(frozen=True, slots=True)
class Marks:
    """Some cookies as the memory knows them: each one's fingerprint, one ``key`` for them in any order, and whether a name occurs twice."""

    fingerprints: tuple[Fingerprint, ...] = ()
    key: bytes = b""
    is_repeated: bool = False
    shown: str = ""


def key_of(fingerprints: tuple[Fingerprint, ...]) -> bytes:
    """One key for the same cookies in any order."""
    return fingerprints[0] if len(fingerprints) == 1 else b"".join(sorted(fingerprints))


def parts_of(key: bytes) -> tuple[bytes, ...]:
    """The fingerprints of which ``key_of`` made a key; none where the key is one fingerprint itself."""
    size = FINGERPRINT_BYTES
    return tuple(key[start : start + size] for start in range(0, len(key), size)) if len(key) > size else ()


class Fingerprinter:
    """Makes fingerprints for one org; two orgs, or two keys, never share one."""

    __slots__ = ("_hashes", "_sessions", "_tokens")

    def __init__(self, key: bytes, org: str) -> None:
        """``key`` is 16 to 64 secret bytes; ``org`` the org's address, so that no cache entry crosses orgs."""
        org_key = hmac.digest(key, b"fingerprint\0" + org.encode(), "sha256")
        self._hashes = {name: hashlib.blake2b(name + b"\0", digest_size=FINGERPRINT_BYTES, key=org_key) for name in KEPT_NAMES}
        self._sessions = hashlib.blake2b(b"session\0", digest_size=FINGERPRINT_BYTES, key=org_key)
        self._tokens = hashlib.blake2b(b"token\0", digest_size=FINGERPRINT_BYTES, key=org_key)

    def of(self, cookie: SessionCookie) -> Fingerprint:
        """The fingerprint of one cookie; surrounding blanks and quotes, which a server would ignore, make no difference."""
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
        """What the memory knows these cookies by; ``shown``: how the log names the first of them, if there is one."""
        fingerprints = self.all(cookies)
        is_repeated = len({cookie.name for cookie in cookies}) != len(cookies)
        return Marks(fingerprints, key_of(fingerprints), is_repeated, shown(fingerprints[0]) if fingerprints else "")

    def of_session(self, session_id: str) -> str:
        """What stands for Okta's id of a session, in hex digits: on Classic the id may be the value of ``sid``, which is a secret."""
        state = self._sessions.copy()
        state.update(session_id.encode("utf-8", "surrogatepass"))
        return state.hexdigest()

    def of_token(self, token: SessionToken) -> Fingerprint:
        """The fingerprint of a session token, in a space of its own."""
        state = self._tokens.copy()
        state.update(token.value.encode("utf-8", "surrogatepass"))
        return Fingerprint(state.digest())


def login_key(login: str) -> str:
    """What all spellings of one login have in common: upper and lower case, and how letters are composed, make no difference."""
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

    ``created_at``: by Okta's clock, in whole seconds; None where it did not say. ``names``: what others may call its user by.
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
    """Okta said that these cookies carry no usable session (``reason``: a word for the log)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Okta did not say. Never to be read as "signed out". ``retry_at``: Okta's epoch second to wait for, if it named one."""

    reason: str
    retry_at: float | None = None


Finding = Session | NoSession | Unknown


def interpret(status: int, fields: Mapping[str, str], body: bytes) -> Finding:
    """What an answer of ``GET /sessions/me`` means.

    ``fields`` are looked up case-insensitively by the caller's mapping. 404 counts as "no session" only with Okta's own
    ``E0000007``: a 404 of something between us and Okta proves nothing. Okta's answers are JSON and say so; whatever says that it is
    something else is not read. Never raises, whatever the answer is.
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
    """The ``errorCode`` of Okta's error object, or None where the body is none."""
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
    """An RFC 3339 date-time of Okta as aware UTC; None for anything else, and for an offset that leads out of the calendar."""
    if not isinstance(text, str):
        return None
    try:
        parsed = datetime.fromisoformat(text)
        return parsed.astimezone(UTC) if parsed.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _is_text(value: object) -> bool:
    """Whether a JSON value is a text that can be written down: ``"\\ud800"`` is half a character, which no field and no log can carry."""
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
