"""All readings of an oddly spelled path: with dot segments, empty segments, backslashes or overlong UTF-8, which servers read in different
ways.

    the path, decoded once ─▶ overlong bytes ─▶ %2F ─▶ backslash ─▶ escaped ? and # ─▶ ;parameters ─▶ //host ─▶ // ─▶ dots ─▶ //

Each arrow is a change that a server may make or not. Every combination of these choices gives one reading. Such a path is forwarded only if
all its readings have the same rule.

A reading must never be left out because it seems unlikely. A path with too many readings counts as a path without any, and is refused.
Sources: RFC 3986 §5.2.4 (dots); RFC 3629 §10 (overlong forms); the Servlet specification 6.0 §3.5.2 (parameters); the WHATWG URL standard
(backslash); RFC 3986 §3.3 (generic parsers of references read a path that begins with ``//`` as a host).
"""

import re
from collections.abc import Callable, Collection
from typing import Final

from gateway.policy.http.paths import raw_of, spelled
from gateway.policy.http.windows_paths import wide_characters_folded, without_streams

MOST_READINGS: Final = 32
MOST_BYTES: Final = 12 * 1024
"""For all readings of one path together. A path of 4 KiB may have three readings, one of 384 bytes ``MOST_READINGS``."""

_ESCAPED_SLASH: Final = b"\0"
_LEAD_BYTES: Final = re.compile(rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]{2}")
_LONGER_LEAD_BYTES: Final = re.compile(rb"\xf8[\x80-\x87][\x80-\xbf]{3}|\xfc[\x80-\x83][\x80-\xbf]{4}")
_CONTROL: Final = re.compile(rb"[\x01-\x1f\x7f]")
_END: Final = re.compile(rb"[?#]")
_PARAMETERS: Final = re.compile(rb";[^/]*")
_SLASHES: Final = re.compile(rb"/{2,}")
_DOTS: Final = re.compile(rb"/[. ]+(?=/|\Z)")
_OWN: Final = b".gateway"

Change = Callable[[bytes], tuple[bytes, ...] | None]
"""One change that a server may make to a reading: the possible results, or None if the path climbs above the root."""


def odd_readings(path: str, case_insensitive: bool) -> tuple[str, ...] | None:
    """All readings of a path as sent, in canonical spelling, without repetition. The first is the path without any change.

    ``path``: one that ``normalised`` refuses as ``ODD``. ``case_insensitive``: include the readings of a server on Windows. None if there
    are too many readings, or one of them climbs above the root.
    """
    found = dict.fromkeys((raw_of(path),))
    size = len(path)
    for change in _WINDOWS_CHANGES if case_insensitive else _CHANGES:
        for reading in tuple(found):
            changed = change(reading)
            if changed is None:
                return None
            for one in changed:
                if one not in found:
                    found[one] = None
                    size += len(one)
            if len(found) > MOST_READINGS or size > MOST_BYTES:
                return None
    return tuple(map(spelled, found))


def may_leave(path: str, case_insensitive: bool) -> bool:
    """A quick check whether some reading of such a path may lie under ``/.gateway`` or above the root. True means: not sure."""
    raw = raw_of(path)
    if case_insensitive and not raw.isascii():
        return True
    return any(b".." in one or _OWN in one.lower() for one in (raw, *_overlong_decoded(raw)))


def _overlong_decoded(raw: bytes) -> tuple[bytes, ...]:
    """The path with overlong forms decoded. Some servers end the path at a control character in it: this is a further reading."""
    if raw.isascii():
        return ()
    decoded = _LONGER_LEAD_BYTES.sub(_character, _LEAD_BYTES.sub(_character, raw))
    if decoded == raw:
        return ()
    control = _CONTROL.search(decoded)
    return (decoded,) if control is None else (decoded, decoded[: control.start()] or b"/")


def _character(found: re.Match[bytes]) -> bytes:
    """The character that an overlong form stands for. NUL becomes another control character, because NUL marks an escaped slash here."""
    lead, *rest = found[0]
    number = lead & (0xFF >> (len(rest) + 2))
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return chr(number or 1).encode("utf-8", "surrogatepass") if number < 0x110000 else found[0]


def _slashes_unescaped(raw: bytes) -> tuple[bytes, ...]:
    return (raw.replace(_ESCAPED_SLASH, b"/"),)


def _backslashes_turned(raw: bytes) -> tuple[bytes, ...]:
    return (raw.replace(b"\\", b"/"),)


def _cut_at_end(raw: bytes) -> tuple[bytes, ...]:
    return (_END.split(raw, maxsplit=1)[0] or b"/",)


def _without_parameters(raw: bytes) -> tuple[bytes, ...]:
    return (_PARAMETERS.sub(b"", raw) or b"/",)


def _without_host(raw: bytes) -> tuple[bytes, ...]:
    return (b"/" + raw[2:].partition(b"/")[2],) if raw.startswith(b"//") else ()


def _merged(raw: bytes) -> tuple[bytes, ...]:
    return (_SLASHES.sub(b"/", raw),)


def _dots_resolved(raw: bytes) -> tuple[bytes, ...] | None:
    """The path without its dot segments, in up to three ways. Servers agree on ``.`` and ``..`` only.

    Segments of other dots and blanks are left in the first result. In the second they count as ``.``. In the third, those with two dots or
    more count as ``..``.
    """
    if not _DOTS.search(raw):
        return ()
    segments = raw.split(b"/")[1:]
    strictly = _resolved(segments)
    loose = {segment for segment in segments if segment and not segment.strip(b". ")} - {b".", b".."}
    if not loose or strictly is None:
        return None if strictly is None else (strictly,)
    climbing = {segment for segment in loose if segment.count(b".") > 1}
    others = (_resolved(segments, loose), _resolved(segments, loose - climbing, climbing))
    return (strictly, *(one for one in others if one is not None))


def _resolved(segments: list[bytes], dropped: Collection[bytes] = (), climbing: Collection[bytes] = ()) -> bytes | None:
    """The path of these segments. ``dropped`` ones count as ``.``, ``climbing`` ones as ``..``. None if the path climbs above the root."""
    kept: list[bytes] = []
    is_dotted = False
    for segment in segments:
        climbs = segment == b".." or segment in climbing
        is_dotted = climbs or segment == b"." or segment in dropped
        if not is_dotted:
            kept.append(segment)
        elif climbs and not kept:
            return None
        elif climbs:
            kept.pop()
    return b"/" + b"/".join([*kept, b""] if kept and is_dotted else kept)


_CHANGES: Final[tuple[Change, ...]] = (
    _overlong_decoded,
    _slashes_unescaped,
    _backslashes_turned,
    _cut_at_end,
    _without_parameters,
    _without_host,
    _merged,
    _dots_resolved,
    _merged,
)
_WINDOWS_CHANGES: Final[tuple[Change, ...]] = (_overlong_decoded, wide_characters_folded, *_CHANGES[1:4], without_streams, *_CHANGES[4:])
