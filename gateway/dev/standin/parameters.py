"""Reads parameters and paths as a Java servlet container does.

Owns: what a path and a list of parameters mean to the org.
Must never: be stricter than such a container. Where Okta's reading is not known, this module accepts the most spellings, because the
gateway must be safe against all of them.
Rules: Servlet specification §3.1 (query before body, the first value wins), §3.5 (path parameters are no part of the path);
Tomcat's `Parameters` (a pair that does not decode is dropped, `&` alone separates).
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote, unquote_plus

Pairs = tuple[tuple[str, str], ...]
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def parameter_pairs(encoded: str) -> Pairs:
    """Return the decoded names and values of a query or form body, in order; pairs with a broken escape are dropped."""
    pairs = []
    for part in encoded.split("&"):
        if part and not _BAD_ESCAPE.search(part):
            name, _, value = part.partition("=")
            pairs.append((unquote_plus(name), unquote_plus(value)))
    return tuple(pairs)


def first(pairs: Iterable[tuple[str, str]], name: str) -> str | None:
    """Return the first value of a name; None when it is absent or empty."""
    return next((value for key, value in pairs if key == name), None) or None


def servlet_path(raw: str) -> str:
    """Return the path for matching: without path parameters, decoded, empty and dot segments resolved, no slash at the end."""
    segments: list[str] = []
    for part in raw.split("/"):
        for segment in unquote(part.partition(";")[0]).split("/"):
            if segment == "..":
                del segments[-1:]
            elif segment not in ("", "."):
                segments.append(segment)
    return "/" + "/".join(segments)
