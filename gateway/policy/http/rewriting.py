"""Translates the app's own addresses in response fields to the public ones, if the app has another name or path for itself.

Handles ``Location``, ``Content-Location``, ``Refresh``, ``URI``, ``Link``, and the scope of ``Set-Cookie``. Two kinds of addresses are
translated: those with exactly one of the app's own origins, and paths that begin with a slash. Everything else must never be changed:
another host, a host name that only ends alike, a relative path, a body. A translated reference must never leave the app's public host, and
a cookie must never reach further than the app's own did. Sources: RFC 3986 §4.2, RFC 9110 §10.2.2, RFC 6265bis §5.6.
"""

import re
from dataclasses import dataclass

from gateway.policy.http.app_cookies import MOST_ATTRIBUTES
from gateway.policy.http.cookies import set_cookie_name
from gateway.policy.http.messages import Authority, Fields, parse_authority
from gateway.policy.routing.prefixes import Prefixes

Origin = tuple[str, Authority]
"""Scheme and authority. The port is always filled in."""

_WITH_HOST = re.compile(r"(?:(?P<scheme>https?):)?//(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<tail>.*)", re.IGNORECASE)
_PATH_ONLY = re.compile(r"(?P<path>/[^?#]*)(?P<tail>.*)")
_REFRESH = re.compile(r"(?P<front>[ ]*[0-9.]+[ ]*[;,][ ]*url[ ]*=[ ]*(?P<quote>[\"']?))(?P<url>.*?)(?P<end>(?P=quote))", re.IGNORECASE)
_LINKS = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)|<([^<>]*)>', re.DOTALL)
"""Finds quoted strings, which stay unchanged, and addresses in angle brackets."""
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_ADDRESS = re.compile(r"[0-9.]+|\[.*\]")


@dataclass(frozen=True, slots=True)
class Rewriting:
    """The names of one app: its ``inner`` origins, its ``public`` origin, and the prefixes of its paths."""

    public: str
    inner: frozenset[Origin]
    prefixes: Prefixes

    def answer(self, fields: Fields) -> Fields:
        """The response's fields, in order. A field without an address of the app stays byte-identical."""
        return tuple((name, self.value(name.lower(), value)) for name, value in fields)

    def value(self, name: bytes, value: bytes) -> bytes:
        """The value of one field for browsers. ``name``: in lower case."""
        match name:
            case b"location" | b"content-location" if not _CONTROL.search(value):  # browsers drop a tab from a URL
                return self.reference(value.decode("latin-1")).encode("latin-1")
            case b"refresh" if not _CONTROL.search(value):
                return self._refresh(value.decode("latin-1")).encode("latin-1")
            case b"link" | b"uri" if not _CONTROL.search(value):
                return _LINKS.sub(self._link, value.decode("latin-1")).encode("latin-1")
            case b"set-cookie" if _may_be_mapped(value):
                first, *attributes = value.split(b";")
                kept = (self._attribute(attribute) for attribute in attributes)
                return b";".join((first, *(attribute for attribute in kept if attribute is not None)))
            case _:
                return value

    def reference(self, text: str) -> str:
        """The public form of a reference that leads to the app itself; any other reference unchanged."""
        if found := _WITH_HOST.fullmatch(text):
            scheme = (found["scheme"] or "").lower()
            if not self._is_inner(scheme, found["authority"]):
                return text
            path = self.prefixes.outer(found["path"] or ("/" if self.prefixes != Prefixes() else ""))
            origin = self.public if scheme else self.public[self.public.index("//") :]
            return text if path is None else f"{origin}{path}{found['tail']}"
        if found := _PATH_ONLY.fullmatch(text):
            path = self.prefixes.outer(found["path"])
            return text if path is None else f"{path}{found['tail']}"
        return text

    def _is_inner(self, scheme: str, authority: str) -> bool:
        return any((one, parse_authority(authority, one == "https")) in self.inner for one in ((scheme,) if scheme else ("http", "https")))

    def _link(self, found: re.Match[str]) -> str:
        return found[0] if found[1] is None else f"<{self.reference(found[1])}>"

    def _refresh(self, text: str) -> str:
        trimmed = text.rstrip(" ")  # a pattern for it would take quadratic time on long runs of blanks
        found = _REFRESH.fullmatch(trimmed)
        return text if found is None else f"{found['front']}{self.reference(found['url'])}{found['end']}{text[len(trimmed) :]}"

    def _attribute(self, attribute: bytes) -> bytes | None:
        name, equals, value = attribute.partition(b"=")
        match name.strip(b" \t").lower():
            case b"path" if (path := value.strip(b" \t").decode("latin-1")).startswith("/"):
                scope = self.prefixes.outer_scope(path)
                return attribute if scope is None or scope == path else name + equals + scope.encode("latin-1")
            case b"domain" if self._is_inner_domain(value.strip(b" \t").decode("latin-1").removeprefix(".").lower()):
                return None  # without a Domain the cookie is for the public host only, so it reaches no further than before
            case _:
                return attribute

    def _is_inner_domain(self, domain: str) -> bool:
        public = parse_authority(self.public.partition("://")[2], secure=True)
        is_public = public is not None and _covers(domain, public.host)
        return not is_public and any(_covers(domain, authority.host) for _, authority in self.inner)


def _may_be_mapped(cookie: bytes) -> bool:
    """False for a ``__Host-`` cookie, whose scope is fixed, and for one with more attributes than any real cookie. Both stay unchanged."""
    return cookie.count(b";") <= MOST_ATTRIBUTES and not set_cookie_name(cookie).lower().startswith(b"__host-")


def _covers(domain: str, host: str) -> bool:
    return bool(domain) and (host == domain or (host.endswith(f".{domain}") and not _ADDRESS.fullmatch(host)))
