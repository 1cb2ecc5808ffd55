"""What a browser may keep of an app's answer to a signed-in user, and show again without asking.

Owns the rule. A fresh answer in the browser's cache is shown without any request, so nobody would notice that its user has signed out or is
another one. Therefore pages are not stored (``policy.http.answer_fields``), and what scripts read is asked for again each time. Parts of a
page (scripts, styles, images, fonts, sound) stay in the cache as long as the app itself lets a browser keep them: it calls them ``public``
or ``private``, or sends them as a file is sent, with ``Expires``, ``Last-Modified`` or ``ETag``. The gateway then adds only that no shared
cache may have them. Other parts are not stored. The cache is cleared when the owner of the browser changes (``policy.session.owner``), and
that is not enough for parts that differ by user: Chromium 156 clears its HTTP cache then, but not the memory of the process that shows the
pages of a site. When the user goes back, it takes parts from there even where they are ``no-cache``, and only ``no-store`` keeps them out
(tests/browser/test_caches.py). So a part made for one user, at an address that others have too, must say ``no-store``, or nothing at all.
Must never lengthen what an app allows. Source: RFC 9111 §4.2, §4.2.2, §5.2.2 and §5.2.2.9, Fetch Metadata (``Sec-Fetch-Dest``), the Fetch
standard (destinations).
"""

from enum import IntEnum
from typing import Final

from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.routing.navigation import is_document


class Use(IntEnum):
    """What the browser wants an answer for: a page, a part of a page, something that a script reads; or it did not say."""

    PAGE = 0
    PART = 1
    READ = 2
    UNSAID = 3


# Each is looked up for every answer, and a member of an enumeration takes longer than a name of the module.
_PAGE: Final = Use.PAGE
_PART: Final = Use.PART
_UNSAID: Final = Use.UNSAID


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
_NO_STORE: Final = b"no-store"
_NOT_STORED: Final = (b"Cache-Control", _NO_STORE)
_ASK_AGAIN: Final = (b"Cache-Control", b"private, no-cache")
_PRIVATE: Final = (b"Cache-Control", b"private")
_KEPT_WORDS: Final = frozenset((b"public", b"private"))
_OF_FILES: Final = frozenset((b"expires", b"last-modified", b"etag"))
_LENGTHS: Final = frozenset(map(len, (*_OF_FILES, b"cache-control")))


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

    ``fields``: as ``policy.http.answer_fields`` makes them private, with one Cache-Control at the end; ``given``: as the app said them.
    What a script reads is ``private, no-cache`` in place of any freshness, which outweighs ``Expires``; an app's ``no-store`` stays. Pages
    are as they are. Parts that the app lets a browser keep are private, and as fresh as it says; other parts are ``no-store``. Where the
    browser did not say what it wants, the media type decides what is a part.
    """
    said = fields[-1][1]
    if said == _NO_STORE or use is _PAGE:
        return fields
    if use is _PART or (use is _UNSAID and _is_part(given)):
        if not any(_lets_keep(line) for line in given):
            return (*fields[:-1], _NOT_STORED)
        return (*fields[:-1], _PRIVATE) if said == _ASK_AGAIN[1] and not _says_how(given) else fields
    return fields if said == _ASK_AGAIN[1] else (*fields[:-1], _ASK_AGAIN)


def _is_part(fields: Fields) -> bool:
    types = [value.partition(b";")[0].strip(b" \t").lower() for name, value in fields if name.lower() == b"content-type"]
    return len(types) == 1 and (types[0] in _TYPES or types[0].startswith(_KINDS))


def _lets_keep(line: tuple[bytes, bytes]) -> bool:
    name, value = line
    if len(name) not in _LENGTHS:
        return False
    lowered = name.lower()
    if lowered != b"cache-control":
        return lowered in _OF_FILES
    return not _KEPT_WORDS.isdisjoint([piece.strip(b" \t").lower() for piece in value.split(b",")])


def _says_how(fields: Fields) -> bool:
    """Whether the app said itself how the answer may be kept."""
    return any(name.lower() == b"cache-control" for name, _ in fields)
