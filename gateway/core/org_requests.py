"""What a request to the org is: a redemption, a sign-out, a legacy session call, or anything else.

Owns the list of places where a token can become a session (OKTA facts section 2) and reads them at least as liberally as
Okta could: paths percent-decoded repeatedly, without path parameters, empty and dot segments, letter case ignored;
parameters split at ``&`` and ``;``, repeated, re-encoded, in any case; forms, JSON, multipart, request objects. In doubt
it is a redemption: the cost of a wrong "yes" is a session closed too early, the cost of a wrong "no" is the promise.
Must never be used to rewrite a request: it only says what the request is.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus

from gateway.core.messages import RequestHead
from gateway.core.session import SessionToken

LARGEST_BODY_BYTES = 256 * 1024
"""A body at a known place that is larger is refused (413); a SAML request of an app link fits well."""

_EVERYWHERE = frozenset({"sessiontoken", "onetimetoken"})
_AT_COOKIE_REDIRECT = _EVERYWHERE | {"token"}
_AT_STATE_REDIRECT = _EVERYWHERE | {"statetoken"}
_STATE_REDIRECTS = (("login", "token", "redirect"), ("idp", "idx", "login", "token", "redirect"), ("login", "step-up", "redirect"))
_HIDDEN = re.compile(rb"session_?token|onetimetoken", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Redemption:
    """A request that would turn a token into a session. ``tokens`` may be empty where it only might carry one (``doubt``)."""

    tokens: tuple[SessionToken, ...]
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class PushedByReference:
    """An authorize request whose parameters, perhaps a token among them, were pushed before (RFC 9126 ``request_uri``)."""

    request_uri: str


@dataclass(frozen=True, slots=True)
class SignOut:
    """A request that ends the browser's session at Okta."""


@dataclass(frozen=True, slots=True)
class LegacySession:
    """``/api/v1/sessions/{id}`` or its refresh; ``tail`` is what follows ``/api/v1/sessions/me`` for the same call."""

    session_id: str
    tail: str


@dataclass(frozen=True, slots=True)
class Plain:
    """Anything else."""


OrgRequest = Redemption | PushedByReference | SignOut | LegacySession | Plain


def has_readable_body(head: RequestHead) -> bool:
    """Whether this request's body, if it has one, must be read before the request can be judged."""
    return _place(_segments(head.path)) is not None and head.method not in ("GET", "HEAD", "OPTIONS")


def read(head: RequestHead, body: bytes = b"") -> OrgRequest:
    """What the request is. ``body`` is the whole body where ``has_readable_body`` said so, else empty."""
    segments = _segments(head.path)
    names = _place(segments) or _EVERYWHERE
    found = _Found(names, authorize=_is_authorize(segments))
    found.take_pairs(head.query)
    if body:
        found.take_body(head, body)
    if found.tokens or found.doubt:
        return Redemption(tuple(dict.fromkeys(found.tokens)), found.doubt)
    if found.request_uris:
        return PushedByReference(found.request_uris[0])
    if _is_sign_out(head.method, segments):
        return SignOut()
    return _legacy(segments) or Plain()


def without_tokens(target: str) -> str:
    """The target without every parameter that names a token anywhere (for the reload of a link that was redeemed)."""
    path, _, query = target.partition("?")
    kept = [pair for pair in re.split("[&;]", query) if _name(pair.partition("=")[0]) not in _EVERYWHERE]
    return path + ("?" + "&".join(kept) if any(kept) else "")


def is_pushed_request(head: RequestHead) -> bool:
    """Whether this is a pushed authorization request (RFC 9126), whose answer names a ``request_uri``."""
    segments = _segments(head.path)
    return len(segments) >= 3 and segments[0] == "oauth2" and segments[-1] == "par"


def is_cookie_redirect(head: RequestHead) -> bool:
    """Whether the request has no meaning without its token, so that a reload goes to where Okta pointed before."""
    segments = _segments(head.path)
    return segments[:2] == ("login", "sessioncookieredirect") or any(segments[: len(path)] == path for path in _STATE_REDIRECTS)


class _Found:
    """Collects what one request carries; ``names`` are the parameter names, folded, that mean a token at this place."""

    __slots__ = ("authorize", "doubt", "names", "request_uris", "tokens")

    def __init__(self, names: frozenset[str], authorize: bool) -> None:
        self.names = names
        self.authorize = authorize
        self.tokens: list[SessionToken] = []
        self.request_uris: list[str] = []
        self.doubt: str | None = None

    def take(self, name: str, value: str) -> None:
        if not value:
            return
        if name in self.names:
            self.tokens.append(SessionToken(value))
        elif self.authorize and name == "request_uri":
            self.request_uris.append(value)
        elif self.authorize and name == "request":
            self.take_request_object(value)

    def take_pairs(self, text: str) -> None:
        for pair in re.split("[&;]", text):
            name, _, value = pair.partition("=")
            self.take(_name(name), unquote_plus(value))

    def take_body(self, head: RequestHead, body: bytes) -> None:
        """Read forms and JSON; whatever else seems to name a token is doubt."""
        kinds = [value.split(b";")[0].strip().lower() for value in head.values(b"content-type")]
        encoded = any(value.strip().lower() not in (b"", b"identity") for value in head.values(b"content-encoding"))
        before = len(self.tokens)
        if not encoded and kinds != [b"application/json"]:
            self.take_pairs(body.decode("utf-8", "replace"))
        if not encoded and body.lstrip()[:1] in (b"{", b"["):
            self.take_json(body)
        plain = body.replace(b"\0", b"")
        if len(self.tokens) == before and (encoded or _HIDDEN.search(plain) or _HIDDEN.search(unquote(plain.decode("latin-1")).encode())):
            self.doubt = "unreadable_body" if encoded else "hidden_token"

    def take_json(self, body: bytes) -> None:
        try:
            pairs = list(_members(json.loads(body, object_pairs_hook=_Members)))
        except (ValueError, RecursionError):
            self.doubt = "strange_json"
            return
        for name, value in pairs:
            self.take(_name(name), value)

    def take_request_object(self, text: str) -> None:
        """A request object (RFC 9101) is a JWT; an encrypted or unreadable one may hold anything."""
        parts = text.split(".")
        try:
            claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=="), object_pairs_hook=_Members)
            pairs = list(_members(claims)) if len(parts) == 3 else None
        except (ValueError, IndexError, RecursionError):
            pairs = None
        if pairs is None:
            self.doubt = "request_object"
            return
        for name, value in pairs:
            self.take(_name(name), value)


class _Members(list[tuple[str, Any]]):
    """A JSON object with every member kept, repeated names too."""


def _members(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, _Members):
        for name, member in value:
            if isinstance(member, str):
                yield name, member
            else:
                yield from _members(member)
    elif isinstance(value, list):
        for item in value:
            yield from _members(item)


def _name(raw: str) -> str:
    decoded = raw
    for _ in range(3):
        decoded = unquote_plus(decoded)
    return "".join(letter for letter in decoded if letter.isprintable() and not letter.isspace()).casefold()


def _segments(path: str) -> tuple[str, ...]:
    decoded = path
    for _ in range(3):
        decoded = unquote(decoded)
    kept: list[str] = []
    for raw in decoded.replace("\\", "/").split("/"):
        segment = "".join(letter for letter in raw.partition(";")[0] if letter.isprintable()).strip().casefold()
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return tuple(kept)


def _place(segments: tuple[str, ...]) -> frozenset[str] | None:
    """The token names of a known place, or None where only the names known everywhere count."""
    if segments[:2] == ("login", "sessioncookieredirect"):
        return _AT_COOKIE_REDIRECT
    if segments[:2] == ("app", "userhome") or any(segments[: len(path)] == path for path in _STATE_REDIRECTS):
        return _AT_STATE_REDIRECT
    known = segments[:1] in (("app",), ("home",)) or segments == ("api", "v1", "sessions")
    pushed = segments[:1] == ("oauth2",) and segments[-1:] == ("par",)
    return _EVERYWHERE if known or pushed or _is_authorize(segments) else None


def _is_authorize(segments: tuple[str, ...]) -> bool:
    return segments[:1] == ("oauth2",) and "authorize" in segments


def _is_sign_out(method: str, segments: tuple[str, ...]) -> bool:
    if segments == ("api", "v1", "sessions", "me"):
        return method == "DELETE"
    if method not in ("GET", "POST"):
        return False
    return segments[:2] == ("login", "signout") or (segments[:1] == ("oauth2",) and segments[-1:] == ("logout",))


def _legacy(segments: tuple[str, ...]) -> LegacySession | None:
    if segments[:3] != ("api", "v1", "sessions") or len(segments) not in (4, 6) or segments[3] == "me":
        return None
    if len(segments) == 6 and segments[4:] != ("lifecycle", "refresh"):
        return None
    return LegacySession(segments[3], "/lifecycle/refresh" if len(segments) == 6 else "")
