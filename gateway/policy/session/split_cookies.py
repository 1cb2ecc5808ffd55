"""A sealed value in cookies: one where it fits, several where it does not.

Owns the form of a value that is spread: the first cookie holds ``N~`` and the first part, ``NAME-2`` to ``NAME-N`` hold the others. Must
never put together parts that are not all there. Browsers drop a cookie whose name and value are longer than 4096 bytes (RFC 6265bis §5.6).

A value is spread over cookies, and not kept at the server, so that every replica can read it, and after a restart too.
"""

from collections.abc import Sequence
from typing import Final

from gateway.policy.http.cookies import MOST_PARTS, expired, pairs, parts_of, set_cookie, single_in
from gateway.policy.http.messages import Fields

LARGEST_PART: Final = 3900
"""Characters of one part: name and attributes have room beside it."""
_MARK: Final = b"~"
"""Behind the number of parts; no sealed text holds it."""


def set_lines(name: bytes, text: str, presented: Fields, max_age: int | None = None) -> Fields | None:
    """The Set-Cookie lines for a sealed text, and those that expire what the browser has left of a longer one; None where it is too long.

    ``presented``: the fields of the request. ``max_age`` in seconds, None: until the browser closes.
    """
    values = _parts(text)
    names = parts_of(name)
    if len(values) > len(names):
        return None
    made = tuple(set_cookie(part, value, max_age) for part, value in zip(names, values, strict=False))
    return made + _expired_of(names[len(values) :], presented)


def expired_lines(name: bytes, presented: Fields) -> Fields:
    """The Set-Cookie lines that remove the value: its first cookie in any case, the others where the browser presented them."""
    return (expired(name), *_expired_of(parts_of(name)[1:], presented))


def joined(lines: Sequence[bytes], name: bytes) -> bytes | None:
    """The sealed text in the values of the Cookie field; None where a part is absent or repeated."""
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


def _expired_of(names: Sequence[bytes], presented: Fields) -> Fields:
    there = {name for name, _ in pairs(presented)} if names else set()
    return tuple(expired(name) for name in names if name in there)
