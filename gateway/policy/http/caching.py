"""What a browser may store of an app's answer to a signed-in user, and show again without asking.

Why: the browser shows a fresh answer from its cache without any request. The gateway could then not notice that the user has signed out, or
is another one. The rules, by what the browser wants (``Use``):

- Pages are not stored (``policy.http.answer_fields``).
- What scripts read is stored, but the browser asks again each time.
- Parts of a page (scripts, styles, images, fonts, sound) stay in the cache as long as the app itself allows it, with ``public`` or
  ``private``, or by fields that servers send with files: ``Expires``, ``Last-Modified`` or ``ETag``. The gateway only forbids shared
  caches.
- Other parts are not stored.

The cache is cleared when another user takes over the browser (``policy.session.owner``). This is not enough for parts that differ by user:
Chromium 156 then clears its HTTP cache, but not the memory of the process that shows the pages of a site. When the user goes back, Chromium
takes parts from that memory even if they are ``no-cache``; only ``no-store`` prevents it (tests/browser/test_caches.py). So an app that
makes a part for one user, at an address that other users share, must send ``no-store``, or none of these fields.

Must never allow more caching than the app does. Sources: RFC 9111 §4.2, §4.2.2, §5.2.2 and §5.2.2.9, Fetch Metadata (``Sec-Fetch-Dest``),
the Fetch standard (destinations).
"""

from enum import IntEnum
from typing import Final

from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.routing.navigation import is_document


class Use(IntEnum):
    """What the browser wants an answer for: a page, a part of a page, data for a script; or the browser did not say."""

    PAGE = 0
    PART = 1
    READ = 2
    UNSAID = 3


# Module names, because they are used for every answer, and access to a member of an enumeration is slower.
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
    """What the browser wants the answer to this request for."""
    if is_document(head):
        return Use.PAGE
    destinations = head.values(b"sec-fetch-dest")
    if not destinations:
        return Use.UNSAID
    return Use.PART if len(destinations) == 1 and destinations[0] in _PARTS else Use.READ


def asked_again(fields: Fields, given: Fields, use: Use) -> Fields:
    """The fields of an answer to a signed-in user, so that the browser asks again before it shows what may be another user's.

    ``fields``: made private by ``policy.http.answer_fields``, with exactly one ``Cache-Control``, the last field. ``given``: as the app
    sent them.

    - Pages stay as they are, and so does every ``no-store``.
    - What scripts read becomes ``private, no-cache``. This replaces any freshness of the app's, and has priority over ``Expires``.
    - Parts that the app allows the browser to keep become ``private``, with the app's own freshness. Other parts become ``no-store``.
    - If the browser did not say what it wants, the media type decides whether it is a part.
    """
    said = fields[-1][1]
    # An app's ``no-store`` stays. Pages have it already, from ``policy.http.answer_fields``.
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
    """Whether the app sent a ``Cache-Control`` field itself."""
    return any(name.lower() == b"cache-control" for name, _ in fields)
