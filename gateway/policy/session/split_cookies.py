"""A sealed value in one cookie, or in several cookies if it is too long for one.

Browsers drop a cookie whose name and value together are longer than 4096 bytes (RFC 6265bis §5.6). A longer value is split: the first
cookie holds ``N~`` and the first part, and ``NAME-2`` to ``NAME-N`` hold the other parts. It must never join the parts if one is missing.

The value is in the browser, not on the server, so that every replica can read it, and also after a restart.
"""

from collections.abc import Sequence
from typing import Final

from gateway.policy.http.cookies import MOST_PARTS, expired, pairs, parts_of, set_cookie, single_in
from gateway.policy.http.messages import Fields

LARGEST_PART: Final = 3900
"""The most characters of one part. The rest of the 4096 bytes is for the cookie's name."""
_MARK: Final = b"~"
"""The character after the number of parts. It never occurs in a sealed text."""


def set_lines(name: bytes, text: str, request_fields: Fields, max_age: int | None = None) -> Fields | None:
    """The ``Set-Cookie`` lines for a sealed text, and the lines that delete unused parts of a longer older one. None if it is too long.

    ``request_fields``: the fields of the request. ``max_age``: seconds; None: until the browser closes.
    """
    values = _parts(text)
    names = parts_of(name)
    if len(values) > len(names):
        return None
    made = tuple(set_cookie(part, value, max_age) for part, value in zip(names, values, strict=False))
    return made + _expired_of(names[len(values) :], request_fields)


def expired_lines(name: bytes, request_fields: Fields) -> Fields:
    """The ``Set-Cookie`` lines that delete the value: its first cookie always, and each other part that the browser presented."""
    return (expired(name), *_expired_of(parts_of(name)[1:], request_fields))


def joined(lines: Sequence[bytes], name: bytes) -> bytes | None:
    """The sealed text in the ``Cookie`` fields; None if a part is absent or repeated."""
    first = single_in(lines, name)
    if first is None or first[1:2] != _MARK:
        return first
    count = first[0] - ord("0")
    if not 2 <= count <= MOST_PARTS:
        return None
    rest = [single_in(lines, part) for part in parts_of(name)[1:count]]
    found = [part for part in rest if part is not None]
    return b"".join((first[2:], *found)) if len(found) == len(rest) else None


def _parts(text: str) -> list[str]:
    if len(text) <= LARGEST_PART:
        return [text]
    parts = [text[at : at + LARGEST_PART] for at in range(0, len(text), LARGEST_PART)]
    return [f"{len(parts)}{_MARK.decode()}{parts[0]}", *parts[1:]]


def _expired_of(names: Sequence[bytes], request_fields: Fields) -> Fields:
    there = {name for name, _ in pairs(request_fields)} if names else set()
    return tuple(expired(name) for name in names if name in there)
