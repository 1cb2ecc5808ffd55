"""How a path can be read: its canonical spelling, the other readings that an app could use, and the patterns of rules that match it.

Also says which paths are the gateway's own. A reading must never be left out, because the path could then avoid its rule. Readings of oddly
spelled paths are in ``policy.http.odd_paths``. Source: RFC 3986 §6.2.2.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import Final

from gateway.memo import Memo
from gateway.policy.http.messages import Malformed
from gateway.policy.http.percent import all_unescaped, unescaped_bytes

LITERAL: Final = "!$&'()*+,-.:;=@_~"
"""The characters that stay unescaped in a canonical path, besides letters, digits and slashes."""

_SPELLED_PLAINLY: Final = f"{LITERAL}/{ascii_letters}{digits}".encode()
_SPELLINGS: Final = {byte: chr(byte) if byte in _SPELLED_PLAINLY else f"%{byte:02X}" for byte in range(256)} | {0: "%2F"}
_spelled: Final = _SPELLINGS.__getitem__
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
ODD: Final = frozenset(("path_backslash", "path_overlong", "path_empty_segment", "path_dot_segment"))
"""The reasons with which ``normalised`` refuses a path although all its readings are known (``policy.http.odd_paths``)."""

_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
# Overlong UTF-8: C0 and C1 only begin overlong forms; the other lead bytes only if a small continuation byte follows.
_OVERLONG: Final = re.compile(rb"[\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]|\xf8[\x80-\x87]|\xfc[\x80-\x83]")
# A segment of dots and blanks only, before whatever ends a segment. A server that decodes before it looks for the query reads
# "/a/..%3F" as "/a/..". Servlet containers read "/;x/" as "//".
_DOTTED: Final = re.compile(rb"/(?:[. ]+(?:[/;?#]|\Z)|;[^/]*/)")
_ESCAPED_END: Final = re.compile("%3F|%23")
_PARAMETERS: Final = re.compile(";[^/]*")
_TRIMMED_INSIDE: Final = re.compile(r"(?:\.|%20)/")
_ASCII_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
_OWN: Final = ".gateway"
_AT_SEGMENT_END: Final = r"(?=/|\Z)"

LONGEST_PATTERN: Final = 1024
MOST_WILDCARDS: Final = 8
MOST_SEGMENTS_BEHIND_REST: Final = 16
LONGEST_PIECE: Final = 32
"""The bounds for the pattern of a rule; see ``pattern_problem``."""

_PLAIN_CHARACTERS: Final = r"[A-Za-z0-9_~!$&'()*+,:=@-]+"
# No escape, no parameter, a dot only between other characters. Such a path has one reading, apart from a slash at its end.
_PLAIN: Final = re.compile(rf"/\Z|(?=/)(?:[/.]{_PLAIN_CHARACTERS})+/?\Z")


def ascii_lower(text: str) -> str:
    """Lower case for ASCII letters only. No other letter becomes an ASCII letter (the Kelvin sign does not become k)."""
    return text.translate(_ASCII_LOWER)


def normalised(path: str) -> str | Malformed:
    """The canonical spelling of a path as sent: decoded once, then escaped in one way. ``%2F`` stays different from ``/``.

    400 for paths that apps are known to read differently: broken escapes, control characters, and the ``ODD`` ones. These are dot segments
    and empty segments (also behind ``%2F``, and before ``;`` and an escaped ``?`` or ``#``), backslashes, and overlong UTF-8. Applying this
    function twice gives the same result as once.
    """
    if not path.startswith("/") or _BAD_ESCAPE.search(path):
        return Malformed(400, "path_escape" if path.startswith("/") else "path")
    decoded = all_unescaped(path.encode("utf-8", "surrogatepass"))
    if _CONTROL.search(decoded):
        return Malformed(400, "path_control")
    if b"\\" in decoded:
        return Malformed(400, "path_backslash")
    if _OVERLONG.search(decoded):
        return Malformed(400, "path_overlong")
    if b"//" in decoded:
        return Malformed(400, "path_empty_segment")
    if _DOTTED.search(decoded):
        return Malformed(400, "path_dot_segment")
    return _escaped(_unescaped(path.replace("%2f", "%2F")))


# A path that is accepted contains no control character, so NUL can stand for the escaped slash while the rest is decoded.
def _unescaped(path: str) -> bytes:
    return all_unescaped(path.replace("%2F", "\0").encode("utf-8", "surrogatepass"))


def _escaped(decoded: bytes) -> str:
    return "".join(map(_spelled, decoded)) if decoded.translate(None, _SPELLED_PLAINLY) else decoded.decode("ascii")


def raw_of(path: str) -> bytes:
    """A path as sent, decoded once; an escaped slash is NUL. The path must have no broken escapes and no control characters."""
    return _unescaped(path.replace("%2f", "%2F"))


def spelled(raw: bytes) -> str:
    """The canonical spelling of a result of ``raw_of``, or of a reading that was made from it."""
    return _escaped(raw)


def text_of(path: str, errors: str = "surrogateescape") -> str:
    """A canonical path, completely decoded; an escaped slash is NUL."""
    return _unescaped(path).decode("utf-8", errors)


def path_of(text: str) -> str:
    """The inverse of ``text_of``: the canonical path of this text."""
    return _escaped(text.encode("utf-8", "surrogateescape"))


def is_own(path: str) -> bool:
    """Whether a path, raw or normalised, lies under ``/.gateway`` in any reading. Such a path is never forwarded."""
    if "%" not in path and not path.startswith(("/.", ".")):
        return False
    decoded = unescaped_bytes(path.encode("utf-8", "surrogatepass")).decode("latin-1")
    first = re.split("[/;?#]", decoded.removeprefix("/"), maxsplit=1)[0]
    return ascii_lower(first).rstrip(" .") == _OWN


def is_plain(path: str) -> bool:
    """Whether a path is its own canonical spelling and has one reading, apart from a trailing slash. False means: not known."""
    return _PLAIN.match(path) is not None


def readings(path: str) -> Iterator[str]:
    """What an app may read a normalised path as, the path itself first: ``%2F`` as a slash; ``;`` and an escaped ``?`` or ``#`` as an
    end.
    """
    for base in dict.fromkeys((path, path.replace("%2F", "/"))):
        for reading in dict.fromkeys((base, _ESCAPED_END.split(base, maxsplit=1)[0])):
            yield reading
            if ";" in reading:
                yield _PARAMETERS.sub("", reading)


def trimmed(path: str, case_insensitive: bool) -> str:
    """The path without what many servers ignore at its end; for a case-insensitive server also at the end of every segment."""
    if case_insensitive and _TRIMMED_INSIDE.search(path):
        # A blank in a canonical path is always %20, so replacing it loses nothing. The pattern (\.|%20)+ would take quadratic time.
        path = "/".join(segment.rstrip(" .") for segment in path.replace("%20", " ").split("/")).replace(" ", "%20")
    elif case_insensitive:
        path = path.replace("%20", " ").rstrip(" .").replace(" ", "%20")
    return path.rstrip("/") or "/"


def case_folded(path: str) -> str:
    """A canonical path in which letters beyond ASCII have one case, letter by letter, as Windows compares names. ASCII is unchanged."""
    if "%" not in path:
        return path
    text = text_of(path)
    return path if text.isascii() else path_of("".join(map(_one_case, text)))


def _one_case_of(char: str) -> str:
    for changed in (char.upper(), char.upper().lower()):
        # A letter that would become several letters, or an ASCII letter (the long s), is left as it is.
        if len(changed) != 1 or changed.isascii():
            return char
    return char.upper().lower()


_one_case: Final = Memo(_one_case_of).__getitem__


def pattern_problem(pattern: str) -> str | None:
    """What is wrong with the pattern of a rule, for the check of the configuration; None if it is usable."""
    if not pattern.startswith("/"):
        return "must begin with a slash"
    if any(char in pattern for char in "?#"):
        return "must be a path, without query or fragment (write %3F or %23 for the characters)"
    if any("**" in segment and segment != "**" for segment in pattern.split("/")):
        return "** must stand alone between slashes"
    shape = normalised(pattern)
    return f"can never match: {shape.reason}" if isinstance(shape, Malformed) else _cost_problem(shape)


def _cost_problem(canonical: str) -> str | None:
    """Which bound the pattern exceeds. With these bounds the longest match on a path of 32 KiB takes less than two milliseconds."""
    segments = canonical.split("/")[1:]
    wildcards = sum(1 if segment == "**" else segment.count("*") for segment in segments)
    if len(canonical) > LONGEST_PATTERN:
        return f"has more than {LONGEST_PATTERN} characters"
    if wildcards > MOST_WILDCARDS:
        return f"has more than {MOST_WILDCARDS} wildcards"
    if "**" in segments and len(segments) - segments.index("**") > MOST_SEGMENTS_BEHIND_REST + 1:
        return f"has more than {MOST_SEGMENTS_BEHIND_REST} segments behind its first **"
    if any(len(piece) > LONGEST_PIECE for segment in segments for piece in segment.split("*")[1:-1]):
        return f"has more than {LONGEST_PIECE} characters between two * of one segment"
    return None


@lru_cache(maxsize=4096)
def expression(pattern: str, case_insensitive: bool) -> re.Pattern[str]:
    """The regular expression that matches exactly the paths that a rule's pattern means. An invalid pattern matches nothing.

    It takes time linear in the length of the path. Each piece of the pattern takes its leftmost match and never gives it back (atomic
    groups, possessive repeats). This loses no match: a piece has a fixed number of segments or characters, so the leftmost match leaves the
    most for the pieces behind it.
    """
    canonical = normalised(pattern)
    if case_insensitive and not isinstance(canonical, Malformed):
        canonical = case_folded(canonical)
    text = "" if isinstance(canonical, Malformed) else _whole(canonical.split("/")[1:])
    return re.compile(text, re.DOTALL | re.ASCII | (re.IGNORECASE if case_insensitive else re.NOFLAG))


def _whole(segments: list[str]) -> str:
    """The expression for the segments of a pattern: runs of segments, with any number of segments (``**``) between the runs."""
    runs: list[list[str]] = [[]]
    for segment in segments:
        if segment == "**":
            runs.append([])
        else:
            runs[-1].append(segment)
    first, *between = runs
    text = "".join(map(_segment, first))
    if not between:
        return text
    *between, last = [run for run in between[:-1] if run] + between[-1:]
    if between or last:
        text += _AT_SEGMENT_END
    return text + "".join(map(_run_somewhere, between)) + _run_at_end(last)


def _run_somewhere(run: list[str]) -> str:
    return f"(?>(?:/[^/]*+)*?{''.join(map(_segment, run))}{_AT_SEGMENT_END})"


def _run_at_end(run: list[str]) -> str:
    """Any number of segments, then the run as the last segments of the path."""
    if not run:
        return r"(?:/.*)?"
    if not any("*" in segment for segment in run):
        tail = "/" + "/".join(run)
        # The rest of the path begins with a slash. So a tail that fits into it, at its end, begins at a segment.
        return rf"(?=.{{{len(tail)}}}).*+(?<={re.escape(tail)})"
    others = "/[^/]*+" * (len(run) - 1)
    return rf"(?>.*/(?=[^/]*+{others}\Z))" + "".join(map(_segment, run)).removeprefix("/")


def _segment(segment: str) -> str:
    """The expression for one segment and its slash. The last star takes the rest of the segment, so a slash or the end must follow."""
    if segment == "*":
        return r"/[^/]++"
    first, *pieces = (re.escape(part) for part in segment.split("*"))
    if not pieces:
        return f"/{first}"
    *between, last = pieces
    text = f"/{first}" + "".join(f"(?>[^/]*?{piece})" for piece in between if piece)
    if not last:
        return text + r"[^/]*+"
    # The lookahead makes sure that the last piece does not overlap text that is matched already.
    return text + rf"(?=[^/]{{{len(segment) - segment.rindex('*') - 1}}})[^/]*+(?<={last})"
