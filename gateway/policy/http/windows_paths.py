"""How a server on Windows may read a path: NTFS streams, short names (8.3), and characters that a code page converts to other ones.

Used only for apps with ``case_insensitive``. Refuses a path that Windows could read as any other path. Must never change what is forwarded.
Sources: Microsoft's [MS-FSCC] 2.1.5 (streams) and 2.1.5.2.1 (8.3 names); best-fit mappings of the Windows code pages (unicode.org,
MAPPINGS/VENDORS/MICSFT/WindowsBestFit).
"""

import re
import unicodedata
from typing import Final

from gateway.memo import Memo
from gateway.policy.http.messages import Malformed
from gateway.policy.http.paths import case_folded, normalised, path_of, readings, text_of, trimmed

# Characters that some code page converts to a slash or a backslash: U+00A5 becomes 0x5C in Japan, U+20A9 in Korea.
_SLASHES: Final = frozenset("\u2044\u2215\u29f8\uff0f" + "\u00a5\u20a9\u2216\u29f5\u29f9\ufe68\uff3c")
_SHORT_NAME: Final = re.compile(r"/(?=[^./]{2,8}(?:[./]|\Z))[^./]{0,6}~[0-9]{1,6}(?:\.[^./]{0,3})?(?:/|\Z)")
_STREAM: Final = re.compile(":[^/]*")
_STREAM_BYTES: Final = re.compile(rb":[^/]*")
_TO_SLASH: Final = str.maketrans(dict.fromkeys(_SLASHES, "/"))
_WIDE_SLASH: Final = Malformed(400, "path_wide_slash")
_SHORT: Final = Malformed(400, "path_short_name")


def is_read_apart(path: str) -> bool:
    """Whether a path that has only one reading elsewhere (``is_plain``) may have another one on Windows."""
    return ":" in path or "~" in path


def windows_readings(path: str) -> tuple[str, ...] | Malformed:
    """All readings of a normalised path, in one case (``case_folded``), the path itself first. Each of ``readings`` occurs with and without
    streams.

    400 if it is not known which path Windows would find: a short name (``ADMINI~1``) can stand for any long name, and a character that
    becomes a slash splits one segment in two.
    """
    folded = _folded(path)
    if isinstance(folded, Malformed):
        return folded
    bases = dict.fromkeys((case_folded(path), case_folded(folded)))
    found = dict.fromkeys(reading for base in bases for reading in readings(base))
    for bare in dict.fromkeys(map(_without_streams, found)):
        if bare not in found and isinstance(shape := normalised(bare), Malformed):
            return shape
        if has_short_name(bare):
            return _SHORT
        found[bare] = None
    return tuple(found)


def wide_characters_folded(raw: bytes) -> tuple[bytes, ...]:
    """A decoded path after a conversion to ASCII as Windows may do it; a second result has slashes where characters can become slashes."""
    if raw.isascii():
        return ()
    text = "".join(map(_ascii, raw.decode("utf-8", "surrogateescape")))
    return tuple(dict.fromkeys(one.encode("utf-8", "surrogateescape") for one in (text, text.translate(_TO_SLASH))))


def without_streams(raw: bytes) -> tuple[bytes, ...]:
    """A decoded path without stream names: in each segment, everything from a colon on is removed."""
    return (_STREAM_BYTES.sub(b"", raw),)


def has_short_name(path: str) -> bool:
    """Whether a canonical path contains a name that may be the short form of a longer one (``ADMINI~1``)."""
    return "~" in path and _SHORT_NAME.search(text_of(trimmed(path, case_insensitive=True), "replace")) is not None


def _without_streams(path: str) -> str:
    return _STREAM.sub("", path) if ":" in path else path


def _folded(path: str) -> str | Malformed:
    """The path with ASCII characters in place of those that Windows may convert to them (full-width letters, dots, blanks)."""
    text = text_of(path) if "%" in path else path
    if text.isascii():
        return path
    if not _SLASHES.isdisjoint(text):
        return _WIDE_SLASH
    plain = "".join(map(_ascii, text))
    return path if plain == text else normalised(path_of(plain))


def _ascii_of(char: str) -> str:
    # Character by character: to normalise a whole text takes quadratic time if many combining marks follow each other.
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and plain.isascii() else char


_ascii: Final = Memo(_ascii_of).__getitem__
