"""Translates the app's own addresses in request fields, from the public address to the one that the app has for itself.

The app may be configured with another host name, or with plain http. It then takes its own public address for another site: a WebDAV server
refuses the ``Destination``, and a CSRF check refuses the ``Origin`` of the app's own pages. An address with exactly the app's public origin
is therefore translated. Every other origin stays unchanged, so that the app's check still refuses other sites.

Handles ``Destination``, ``If``, ``Origin`` and ``Referer``. The opposite direction is ``policy.http.rewriting``. An address of another site
must never become the app's own. Sources: RFC 4918 §10.3 (Destination), §10.4 (If); RFC 6454 §7; RFC 9110 §10.1.3.
"""

import re
from dataclasses import dataclass
from typing import Final

from gateway.policy.http.messages import Malformed, RequestHead, parse_authority
from gateway.policy.http.paths import is_own
from gateway.policy.routing.prefixes import Prefixes

_ABSOLUTE: Final = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<target>[^#]*)", re.IGNORECASE)
_TAGS: Final = re.compile(r"\((?:\[[^\]]*(?:\]|\Z)|<[^>]*(?:>|\Z)|[^)\[<])*(?:\)|\Z)|<([^<>]*)>")
"""Finds two things in an ``If`` field: lists of conditions in parentheses, which contain tokens; and tags outside of them, which are
addresses.
"""
_DAV: Final = frozenset((b"destination", b"if"))
_PAGE: Final = frozenset((b"origin", b"referer"))
BAD_DESTINATION: Final = Malformed(400, "destination")


@dataclass(frozen=True, slots=True)
class OwnReferences:
    """The names of one app. ``public``: its origin for browsers. ``inner``: the origin that the app takes for its own.

    ``is_renamed``: the gateway sends the app another ``Host`` than the public one, so ``Origin`` and ``Referer`` are translated to that
    name. Their scheme stays public, because most apps that compare it believe ``X-Forwarded-Proto``. WebDAV servers do not: they compare
    with the scheme of their own connection, so ``Destination`` and ``If`` get the inner scheme.
    """

    public: str
    inner: str
    prefixes: Prefixes
    is_renamed: bool

    @property
    def page(self) -> str:
        """The origin of the app's own pages, as the app gets it: the public scheme with the inner host."""
        return f"{self.public.partition('://')[0]}://{self.inner.partition('://')[2]}"

    @property
    def names(self) -> frozenset[bytes]:
        """The fields that may have to be translated, in lower case."""
        knows_itself = self.public == self.inner and self.prefixes == Prefixes()
        return (frozenset() if knows_itself else _DAV) | (_PAGE if self.is_renamed else frozenset())

    def value(self, name: bytes, value: bytes) -> bytes | None:
        """The value that the app gets in place of this one. ``name``: one of ``names``, in lower case. None: the field is left out."""
        text = value.decode("latin-1")
        match name:
            case b"destination":
                said: str | None = self._reference(text)
            case b"if":
                said = _TAGS.sub(lambda found: found[0] if found[1] is None else f"<{self._reference(found[1])}>", text)
            case b"origin":
                said = self._origin(text)
            case _:
                said = self._referer(text)
        return None if said is None else said.encode("latin-1")

    def _reference(self, text: str) -> str:
        path = _target_of(text, self.public)
        if path is None:
            return text
        target = self.prefixes.inner(path)
        if target is None:
            return text
        return target if text.startswith("/") else f"{self.inner}{target}"

    def _origin(self, text: str) -> str:
        if _is_same(text, self.public):
            return self.page
        # For the browser, a page with the inner name is another site. The app would take it for its own, so it gets "null".
        found = _ABSOLUTE.match(text)
        return "null" if found is not None and self._looks_own(f"{found['scheme']}://{found['authority']}") else text

    def _referer(self, text: str) -> str | None:
        found = _ABSOLUTE.match(text)
        if found is None:
            return text
        origin = f"{found['scheme']}://{found['authority']}"
        if not _is_same(origin, self.public):
            return None if self._looks_own(origin) else text
        target = found["target"] or "/"
        return f"{self.page}{self.prefixes.inner(target) or target}"

    def _looks_own(self, origin: str) -> bool:
        return _is_same(origin, self.inner) or _is_same(origin, self.page)


def destination_path(head: RequestHead, public: str) -> str | Malformed | None:
    """The path of this app that the request names as its ``Destination``; None if there is none, or it is on another site.

    400 if there are several, if it is not an address, or if it is one of the gateway's own paths. The caller judges this path too, because
    the request writes there.
    """
    values = head.values(b"destination")
    if not values:
        return None
    text = values[0].decode("latin-1")
    if len(values) > 1 or not text.startswith(("/", "http://", "https://", "HTTP://", "HTTPS://")) or text.startswith("//"):
        return BAD_DESTINATION
    target = _target_of(text, public)
    if target is None:
        return BAD_DESTINATION if "#" in text else None
    path = target.partition("?")[0]
    return BAD_DESTINATION if is_own(path) else path


def _target_of(text: str, public: str) -> str | None:
    """Path and query of an address of the app, or of a path without origin; None for any other address."""
    if text.startswith("/"):
        return None if text.startswith("//") or "#" in text else text
    found = _ABSOLUTE.fullmatch(text)
    if found is None or not _is_same(f"{found['scheme']}://{found['authority']}", public):
        return None
    return found["target"] if found["target"].startswith("/") else f"/{found['target']}"


def _is_same(origin: str, other: str) -> bool:
    """Whether two origins are the same. A missing port is filled in from the scheme."""
    ours, theirs = _parsed(origin), _parsed(other)
    return ours is not None and ours == theirs


def _parsed(origin: str) -> tuple[str, object] | None:
    scheme, _, authority = origin.partition("://")
    scheme = scheme.lower()
    parsed = parse_authority(authority, scheme == "https") if scheme in ("http", "https") else None
    return None if parsed is None else (scheme, parsed)
