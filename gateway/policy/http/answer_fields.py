"""Which fields of a response go back to the browser, and which caches may store the response.

``policy.http.app_cookies`` decides about cookies. A shared cache must never get anything of a response that is for one user. Sources: RFC
9110 §7.6.1, RFC 9111 §5.2.2.
"""

import re
from collections.abc import Callable
from typing import Final

from gateway.memo import Memo
from gateway.policy.http.app_cookies import KeepCookie
from gateway.policy.http.hop_by_hop import HOP_BY_HOP, SPOKEN_FOR, USUAL_CONNECTIONS, end_to_end
from gateway.policy.http.messages import Fields
from gateway.policy.http.proxy_fields import REQUEST_ID

Refer = Callable[[bytes, bytes], bytes]
"""Takes the name of a field in lower case and its value. Returns the value that the browser gets."""

_QUOTED_ARGUMENT: Final = re.compile(rb'=[ \t]*"[^"]*"?')
_NOT_PRIVATE: Final = (b"public", b"private", b"s-maxage", b"proxy-revalidate")
_SHARED_CACHES: Final = (b"cdn-cache-control", b"surrogate-control")
_UNTOLD: Final = b"private, no-cache"

# ``Alt-Svc`` would lead the browser past the gateway; the gateway sets the request id itself.
_NOT_THEIRS: Final = (b"alt-svc", REQUEST_ID)

# What happens to a field, by its name.
_KEPT: Final = 0
_GONE: Final = 1
_SET_COOKIE: Final = 2
_CONNECTION: Final = 3
_CACHE_CONTROL: Final = 4
_OTHER_CACHES: Final = 5
_ALONE: Final = 6
_REFERENCE: Final = 7
REFERENCES: Final = frozenset((b"location", b"content-location", b"refresh", b"uri", b"link"))
"""Fields that contain addresses, which may be the app's internal ones."""


def from_outside(fields: Fields) -> Fields:
    """The fields of a response without hop-by-hop fields, without ``Alt-Svc`` (it leads past the gateway) and without the request id."""
    return tuple((name, value) for name, value in end_to_end(fields) if name.lower() not in _NOT_THEIRS)


def from_app(fields: Fields, keep_cookie: KeepCookie) -> Fields:
    """An app's fields as ``from_outside``. ``keep_cookie`` decides about each ``Set-Cookie`` line."""
    kept = []
    for name, value in from_outside(fields):
        cookie = keep_cookie(value) if name.lower() == b"set-cookie" else value
        if cookie is not None:
            kept.append((name, cookie))
    return tuple(kept)


def private(fields: Fields, is_document: bool) -> Fields:
    """The fields of a response that only its user may see: no shared cache may store it.

    A document gets exactly ``Cache-Control: no-store``. Other responses keep their ``Cache-Control``, without ``public`` and ``s-maxage``
    and with ``private``. If there is none, it becomes ``private, no-cache``.
    """
    given = [value for name, value in fields if name.lower() == b"cache-control"]
    kept = tuple((name, value) for name, value in fields if not _steers_caches(name.lower()))
    if is_document:
        return (*kept, (b"Cache-Control", b"no-store"))
    if not given:
        return (*kept, (b"Cache-Control", _UNTOLD))
    return (*kept, (b"Cache-Control", _made_private(b",".join(given))))


def _steers_caches(name: bytes) -> bool:
    return name == b"cache-control" or name.endswith(_SHARED_CACHES)


def _made_private(value: bytes) -> bytes:
    # `private="X"` and `no-cache="X"` apply to the named fields only; without the argument they apply to the whole response.
    directives = [piece.strip().lower() for piece in _QUOTED_ARGUMENT.sub(b"", value).split(b",") if piece.strip()]
    if b"no-store" in directives:
        return b"no-store"
    return b", ".join([b"private", *(one for one in directives if one.partition(b"=")[0].strip() not in _NOT_PRIVATE)])


def answered(fields: Fields, is_private: bool, is_document: bool, keep_cookie: KeepCookie, refer: Refer | None = None) -> Fields:
    """``from_app``, then ``private`` if ``is_private``, in one pass. ``refer`` translates the addresses in ``REFERENCES``."""
    kept, given = [], []
    for line in fields:
        fate = _fates[line[0]]
        if fate == _KEPT:
            kept.append(line)
        elif fate == _SET_COOKIE:
            cookie = keep_cookie(line[1])
            if cookie is not None:
                kept.append((line[0], cookie))
        elif fate == _REFERENCE:
            kept.append(line if refer is None else (line[0], refer(line[0].lower(), line[1])))
        elif fate == _CACHE_CONTROL and is_private:
            given.append(line[1])
        elif fate in (_CACHE_CONTROL, _OTHER_CACHES) and not is_private:
            kept.append(line)
        elif fate == _ALONE or (fate == _CONNECTION and line[1] not in USUAL_CONNECTIONS):
            own = from_app(fields, keep_cookie)
            if refer is not None:
                own = tuple((name, refer(lowered, value) if (lowered := name.lower()) in REFERENCES else value) for name, value in own)
            return private(own, is_document) if is_private else own
    if is_private:
        kept.append((b"Cache-Control", b"no-store" if is_document else _privately[b",".join(given)] if given else _UNTOLD))
    return tuple(kept)


def _fate(name: bytes) -> int:
    lowered = name.lower()
    if lowered == b"connection":
        return _CONNECTION
    if lowered in SPOKEN_FOR:
        return _ALONE
    if lowered in HOP_BY_HOP or lowered in _NOT_THEIRS:
        return _GONE
    if lowered == b"set-cookie":
        return _SET_COOKIE
    if lowered in REFERENCES:
        return _REFERENCE
    if lowered == b"cache-control":
        return _CACHE_CONTROL
    return _OTHER_CACHES if _steers_caches(lowered) else _KEPT


_fates: Final = Memo(_fate)
_privately: Final = Memo(_made_private, longest=256)
