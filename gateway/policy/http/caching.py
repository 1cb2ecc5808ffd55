"""What a browser may keep of an app's answer to a signed-in user, and show again without asking.

Owns the rule. A fresh answer in the browser's cache is shown without any request, so nobody would notice that its user has signed out or
is another one. Therefore pages are not stored (``core.answer_fields``), and what scripts read is asked for again each time. Only the parts
of a page that the app itself lets be cached (scripts, styles, images, fonts, sound) are taken from the cache; when the owner of the browser
changes, they are cleared at the hand-off. Must never lengthen what an app allows.
Source: RFC 9111 §4.2 and §5.2.2, Fetch Metadata (``Sec-Fetch-Dest``), the Fetch standard (destinations).
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


def asked_again(fields: Fields, use: Use) -> Fields:
    """The fields of an answer to a signed-in user, so that the browser asks again before it shows what a script reads.

    In place of any freshness there is ``private, no-cache``; an app's ``no-store`` stays. Pages and parts of pages are as given. Where the
    browser did not say what it wants, the media type decides.
    """
    if use is Use.PAGE or use is Use.PART or (use is Use.UNSAID and _is_part(fields)):
        return fields
    control = _NO_STORE if any(_forbids_keeping(line) for line in fields) else _ASK_AGAIN
    return (*[line for line in fields if not _speaks_of_keeping[line[0]]], control)


def _is_part(fields: Fields) -> bool:
    types = [value.partition(b";")[0].strip(b" \t").lower() for name, value in fields if name.lower() == b"content-type"]
    return len(types) == 1 and (types[0] in _TYPES or types[0].startswith(_KINDS))


def _forbids_keeping(line: tuple[bytes, bytes]) -> bool:
    name, value = line
    return name.lower() == b"cache-control" and b"no-store" in [piece.strip(b" \t").lower() for piece in value.split(b",")]
