"""What a request to the org is: a redemption, a sign-out, a legacy session call, or anything else.

Owns the list of places where a token can become a session (OKTA facts section 2) and finds them at least as liberally as Okta
could. A path is not parsed, because parsers differ in what they drop and decode first: a place is known by its words, in
any of the path's decodings, whatever stands around them. Parameters are split at ``&`` and ``;``, repeated, re-encoded, in
any case; forms, JSON, request objects are read, and what cannot be read is doubt. In doubt it is a redemption: the cost
of a wrong "yes" is a session closed too early, the cost of a wrong "no" is the promise. Must never be used to rewrite a
request: it only says what the request is.
"""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus

from gateway.core.messages import RequestHead
from gateway.core.org_places import TOKEN_NAMES, Ending, Place
from gateway.core.session import SessionToken

LARGEST_BODY_BYTES = 256 * 1024
"""A body at a known place that is larger is refused (413); a SAML request of an app link fits well."""

MOST_PARAMETERS = 1000
DEEPEST_JSON = 32

_HIDDEN = re.compile(rb"session_?token|onetimetoken", re.IGNORECASE)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([^\"';\s]*)", re.IGNORECASE)
_PLAIN_CHARSETS = (b"", b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252")  # names are ASCII in all of them

_LEGACY = re.compile(r"/api/v1/sessions/(?P<id>[A-Za-z0-9._~-]+)(?P<refresh>/lifecycle/refresh)?")


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
    """A request that ends the browser's session at Okta. ``how`` far a stranger could send the browser there decides what is done."""

    how: Ending


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
    return head.method not in ("GET", "HEAD", "OPTIONS") and Place.of(head.path).takes_bodies


def read(head: RequestHead, body: bytes = b"") -> OrgRequest:
    """What the request is. ``body`` is the whole body where ``has_readable_body`` said so, else empty."""
    place = Place.of(head.path)
    found = _Found(place.names, authorize=place.is_authorize or place.is_pushed)
    found.take_pairs(head.query)
    if body.strip():
        found.take_body(head, body)
        if place.is_cookie_redirect and not found.tokens:
            found.doubt = found.doubt or "no_token_seen"
    if found.tokens or found.doubt:
        return Redemption(tuple(dict.fromkeys(found.tokens)), found.doubt)
    if found.request_uris and not place.is_pushed:
        return PushedByReference(found.request_uris[0])
    return _ending(head.method, place) or _legacy(head.path) or Plain()


def without_tokens(target: str) -> str:
    """The target without every parameter that names a token anywhere (for the reload of a link that was redeemed)."""
    path, _, query = target.partition("?")
    kept = [pair for pair in re.split("[&;]", query) if _name(pair.partition("=")[0]) not in TOKEN_NAMES]
    return path + ("?" + "&".join(kept) if any(kept) else "")


def is_pushed_request(head: RequestHead) -> bool:
    """Whether this is a pushed authorization request (RFC 9126), whose answer names a ``request_uri``."""
    return Place.of(head.path).is_pushed


def is_cookie_redirect(head: RequestHead) -> bool:
    """Whether the request has no meaning without its token, so that a reload goes to where Okta pointed before."""
    return Place.of(head.path).needs_token


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
        if text.count("&") + text.count(";") > MOST_PARAMETERS:
            self.doubt = "too_many_parameters"
            return
        for pair in re.split("[&;]", text):
            name, _, value = pair.partition("=")
            self.take(_name(name), unquote_plus(value))

    def take_body(self, head: RequestHead, body: bytes) -> None:
        """Read forms and JSON; whatever else seems to name a token, or cannot be read, is doubt."""
        kind = b",".join(head.values(b"content-type")).strip().lower()
        encoded = any(value.strip().lower() not in (b"", b"identity") for value in head.values(b"content-encoding"))
        charsets = _CHARSET.findall(kind)
        if encoded or b"multipart" in kind or any(charset not in _PLAIN_CHARSETS for charset in charsets):
            self.doubt = "unreadable_body"
            return
        before = len(self.tokens)
        plain = body.replace(b"\0", b"")
        if b"json" in kind or plain.lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n")[:1] in (b"{", b"["):
            self.take_json(body)
        if b"json" not in kind:
            self.take_pairs(body.decode("utf-8", "replace"))
        if len(self.tokens) == before and (_HIDDEN.search(plain) or _HIDDEN.search(unquote(plain.decode("latin-1")).encode())):
            self.doubt = self.doubt or "hidden_token"

    def take_json(self, body: bytes | str) -> None:
        pairs = _members(body)
        if pairs is None:
            self.doubt = "strange_json"
            return
        for name, value in pairs:
            self.take(_name(name), value)

    def take_request_object(self, text: str) -> None:
        """A request object (RFC 9101) is a JWT; an encrypted or unreadable one may hold anything."""
        parts = text.split(".")
        try:
            claims = base64.urlsafe_b64decode(parts[1] + "==") if len(parts) == 3 else b""
        except ValueError:
            claims = b""
        before = self.doubt
        self.take_json(claims)
        if self.doubt != before:
            self.doubt = "request_object"


class _Members(list[tuple[str, Any]]):
    """A JSON object with every member kept, repeated names too."""


def _members(text: bytes | str) -> list[tuple[str, str]] | None:
    """Every text in a JSON document with the name of the member that it stands under; None where it is no JSON, or too much."""
    try:
        waiting: list[tuple[str, Any, int]] = [("", json.loads(text, object_pairs_hook=_Members), 0)]
    except (ValueError, RecursionError):
        return None
    found: list[tuple[str, str]] = []
    while waiting:
        name, value, depth = waiting.pop()
        if depth > DEEPEST_JSON or len(waiting) + len(found) > MOST_PARAMETERS:
            return None
        if isinstance(value, str):
            found.append((name, value))
        elif isinstance(value, _Members):
            waiting.extend((member, inner, depth + 1) for member, inner in value)
        elif isinstance(value, list):
            waiting.extend((name, inner, depth + 1) for inner in value)
    return found[::-1]


def _name(raw: str) -> str:
    decoded = raw
    for _ in range(3):
        decoded = unquote_plus(decoded)
    return "".join(letter for letter in decoded if letter.isprintable() and not letter.isspace()).casefold()


def _ending(method: str, place: Place) -> SignOut | None:
    how = place.ending if method in ("GET", "HEAD", "POST") else Ending.API if method == "DELETE" and place.is_current_session else None
    return SignOut(how) if how is not None else None


def _legacy(path: str) -> LegacySession | None:
    found = _LEGACY.fullmatch(path)
    if found is None or found["id"] == "me":
        return None
    return LegacySession(found["id"], "/lifecycle/refresh" if found["refresh"] else "")
