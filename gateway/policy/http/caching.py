"""What a browser may keep of an app's answer to a signed-in user, and show again without asking.

Owns the rule. A fresh answer in the browser's cache is shown without any request, so nobody would notice that its user has signed out or
is another one. Therefore pages are not stored (``core.answer_fields``), and all else is asked for again each time. Only parts of a page
(scripts, styles, images, fonts, sound) that the app itself calls ``public``, the same for everybody, are taken from the cache. Clearing the
cache when the owner of the browser changes is not enough: Chromium 156 clears its HTTP cache then, but not the memory of the process that
shows the pages of a site, which serves fresh scripts once more. Must never lengthen what an app allows.
Source: RFC 9111 §4.2, §5.2.2 and §5.2.2.9, Fetch Metadata (``Sec-Fetch-Dest``), the Fetch standard (destinations).
"""

from enum import Enum
from typing import Final

from gateway.core.learned import Learned
from gateway.core.messages import Fields, RequestHead
from gateway.core.navigation import is_document


class Use(Enum):
    """What the browser wants an answer for: a page, a part of a page, something that a script reads; or it did not say."""

    PAGE = "page"
    PART = "part"
    READ = "read"
    UNSAID = "unsaid"


_PARTS: Final = frozenset(
    (
        *(b"script", b"style", b"image", b"font", b"audio", b"video", b"track", b"manifest", b"xslt"),
        *(b"worker", b"sharedworker", b"serviceworker", b"audioworklet", b"paintworklet"),
    )
)
_KINDS: Final = (b"image/", b"font/", b"audio/", b"video/")
_TYPES: Final = frozenset(
    (
        *(b"text/css", b"text/javascript", b"application/javascript", b"application/x-javascript", b"application/ecmascript"),
        *(b"application/font-woff", b"application/vnd.ms-fontobject", b"application/manifest+json", b"application/wasm"),
    )
)
_NO_STORE: Final = (b"Cache-Control", b"no-store")
_ASK_AGAIN: Final = (b"Cache-Control", b"private, no-cache")
_speaks_of_keeping: Final = Learned(lambda name: name.lower() in (b"cache-control", b"expires"))


def use_of(head: RequestHead) -> Use:
    """What the answer to this request is for."""
    if is_document(head):
        return Use.PAGE
    destinations = head.values(b"sec-fetch-dest")
    if not destinations:
        return Use.UNSAID
    return Use.PART if len(destinations) == 1 and destinations[0] in _PARTS else Use.READ


def asked_again(fields: Fields, given: Fields, use: Use) -> Fields:
    """The fields of an answer to a signed-in user, so that the browser asks again before it shows what may be another user's.

    ``fields``: as they would go out; ``given``: as the app said them. In place of any freshness there is ``private, no-cache``; an app's
    ``no-store`` stays. Pages are as they are, and so are parts of pages that the app calls public; where the browser did not say what it
    wants, the media type decides what is a part.
    """
    if use is Use.PAGE:
        return fields
    if (use is Use.PART or (use is Use.UNSAID and _is_part(given))) and any(_calls_public(line) for line in given):
        return fields
    control = _NO_STORE if any(_forbids_keeping(line) for line in fields) else _ASK_AGAIN
    return (*[line for line in fields if not _speaks_of_keeping[line[0]]], control)


def _is_part(fields: Fields) -> bool:
    types = [value.partition(b";")[0].strip(b" \t").lower() for name, value in fields if name.lower() == b"content-type"]
    return len(types) == 1 and (types[0] in _TYPES or types[0].startswith(_KINDS))


def _calls_public(line: tuple[bytes, bytes]) -> bool:
    return _speaks_of_keeping[line[0]] and b"public" in _directives(line[1])


def _forbids_keeping(line: tuple[bytes, bytes]) -> bool:
    return _speaks_of_keeping[line[0]] and b"no-store" in _directives(line[1])


def _directives(value: bytes) -> list[bytes]:
    return [piece.strip(b" \t").lower() for piece in value.split(b",")]
