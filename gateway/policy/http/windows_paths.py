"""How a server on Windows may read a path: streams, short names, and characters that become others in its code page.

Owns these readings and the refusal of paths that Windows could read as any other. Used only for apps with ``case_insensitive``. Must never
change what is forwarded. Sources: Microsoft's [MS-FSCC] 2.1.5 (streams) and 2.1.5.2.1 (8.3 names); Windows code pages' best-fit mappings
(unicode.org, MAPPINGS/VENDORS/MICSFT/WindowsBestFit).
"""

import re
import unicodedata
from typing import Final

from gateway.policy.http.messages import Malformed
from gateway.policy.http.paths import case_folded, normalised, path_of, readings, text_of, trimmed
from gateway.policy.learned import Learned

# What some code page writes as a slash or a backslash: U+00A5 is 0x5C in Japan, U+20A9 in Korea.
_SLASHES: Final = frozenset("\u2044\u2215\u29f8\uff0f" + "\u00a5\u20a9\u2216\u29f5\u29f9\ufe68\uff3c")
_SHORT_NAME: Final = re.compile(r"/(?=[^./]{2,8}(?:[./]|\Z))[^./]{0,6}~[0-9]{1,6}(?:\.[^./]{0,3})?(?:/|\Z)")
_STREAM: Final = re.compile(":[^/]*")
_STREAM_BYTES: Final = re.compile(rb":[^/]*")
_TO_SLASH: Final = str.maketrans(dict.fromkeys(_SLASHES, "/"))
_WIDE_SLASH: Final = Malformed(400, "path_wide_slash")
_SHORT: Final = Malformed(400, "path_short_name")


def is_read_apart(path: str) -> bool:
    """Whether a path that has one reading elsewhere (``is_plain``) may have another on Windows."""
    return ":" in path or "~" in path


def windows_readings(path: str) -> tuple[str, ...] | Malformed:
    """Every reading of a normalised path, ``case_folded`` and the path itself first: those of ``readings``, each also without its streams.

    400 where nobody can tell which path Windows would find: a short name (``ADMINI~1``) stands for any long one, and a character that a
    code page writes as a slash makes two segments of one.
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
    """A decoded path with ASCII characters in place of those that Windows may write so, and slashes in place of those that it may."""
    if raw.isascii():
        return ()
    text = "".join(map(_ascii, raw.decode("utf-8", "surrogateescape")))
    return tuple(dict.fromkeys(one.encode("utf-8", "surrogateescape") for one in (text, text.translate(_TO_SLASH))))


def without_streams(raw: bytes) -> tuple[bytes, ...]:
    """A decoded path without what follows a colon in its segments."""
    return (_STREAM_BYTES.sub(b"", raw),)


def has_short_name(path: str) -> bool:
    """Whether a canonical path holds a name that Windows may have made of a longer one (``ADMINI~1``)."""
    return "~" in path and _SHORT_NAME.search(text_of(trimmed(path, case_insensitive=True), "replace")) is not None


def _without_streams(path: str) -> str:
    return _STREAM.sub("", path) if ":" in path else path


def _folded(path: str) -> str | Malformed:
    """The path with ASCII characters in place of those that Windows may write so (full-width letters, dots, blanks)."""
    text = text_of(path) if "%" in path else path
    if text.isascii():
        return path
    if not _SLASHES.isdisjoint(text):
        return _WIDE_SLASH
    plain = "".join(map(_ascii, text))
    return path if plain == text else normalised(path_of(plain))


def _ascii_of(char: str) -> str:
    # One character alone: normalising a whole text costs the square of its length where combining marks follow each other.
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and plain.isascii() else char


_ascii: Final = Learned(_ascii_of).__getitem__
