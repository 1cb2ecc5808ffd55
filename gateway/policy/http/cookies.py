"""Cookies on the wire: what a Cookie field holds, which of it may go on, and how ours are set and expired.

Owns the reading of ``Cookie`` (every pair of every line, repeated names included) and the names of the gateway's and of
Okta's cookies. Must never re-serialise a cookie that it keeps: what stays is byte-identical. Must never decide who somebody
is. Rules from: RFC 6265bis §5 and its `__Host-` prefix; Okta deletes a session by ``sid=``.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from gateway.policy.http.messages import Fields
from gateway.policy.session.session import COMPANION_NAMES, SESSION_NAMES, SessionCookie

PASS_NAME: Final = b"__Host-gateway"
START_NAME: Final = b"__Host-gateway-start"
PENDING_NAME: Final = b"__Host-gateway-pending"
OWNER_NAME: Final = b"__Host-gateway-owner"
BROWSER_NAME: Final = b"__Host-gateway-browser"

MOST_PARTS: Final = 3
"""A value that one cookie cannot hold is spread over at most so many."""

_OWN_PREFIX: Final = PASS_NAME.lower()
_OKTA_NAMES: Final = frozenset(SESSION_NAMES + COMPANION_NAMES + (b"DT",))
_BLANKS: Final = b" \t"
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_VALUE: Final = re.compile(rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*\Z")
_DOMAIN: Final = re.compile(r"[a-z0-9.-]+\Z")

# Parsers of the RFC 2109 kind also split at commas and blanks and read through quotes; a pair without a name is its value.
_HIDDEN: Final = re.compile(rb'(?:^[ \t]*=[ \t=]*|[ \t,"])(sid|idx)[ \t"]*=')
_HIDDEN_AGAIN: Final = re.compile(rb'[ \t=]*(sid|idx)[ \t"]*=')
# Where none of these occurs, there is no cookie, and no hidden one, that no app may see.
_SUSPICIOUS: Final = re.compile(rb"sid|idx|DT|myr|xids|__[hH]")
_CUT: Final = re.compile(rb'[ \t,"]')
_MOST_HIDDEN: Final = 8
MOST_ASKED: Final = 64
_SHORTEST_FOUND: Final = 16
"""A shorter value may stand in another one by chance."""
_MOST_OWN: Final = MOST_PARTS + 2

Unwanted = Callable[[bytes, bytes], bool]
"""Whether a cookie of this name and raw value must not go on."""


def pairs(fields: Fields) -> tuple[tuple[bytes, bytes], ...]:
    """Every name and raw value of every Cookie line, in order; a piece without ``=`` is a name with an empty value."""
    return tuple(_pair(piece) for key, line in fields if key.lower() == b"cookie" for piece in line.split(b";") if piece.strip(_BLANKS))


def session_cookies(fields: Fields) -> tuple[SessionCookie, ...]:
    """All ``sid`` and ``idx`` that have a value, in order, repeated ones too; names compare exactly, ``sid=""`` is none."""
    return tuple(SessionCookie(name, value) for name, value in pairs(fields) if name in SESSION_NAMES and value.strip(b' \t"'))


def repeated(cookies: Iterable[SessionCookie]) -> bool:
    """Whether one name occurs twice: then no two parsers agree on which one counts."""
    names = [cookie.name for cookie in cookies]
    return len(names) != len(set(names))


def single(fields: Fields, name: bytes) -> bytes | None:
    """The raw value of a cookie that occurs exactly once; None where it is absent or repeated."""
    return single_in([line for key, line in fields if key.lower() == b"cookie"], name)


def single_in(lines: Sequence[bytes], name: bytes) -> bytes | None:
    """As ``single``, of the values of the Cookie field; ``name``: a token."""
    found: list[bytes] = []
    for line in lines:
        parts = line.split(name)  # only a piece that holds these bytes can be a cookie of this name; nearly always there are one or two
        if len(parts) > 2 and not all(b";" in part for part in parts[1:-1]):
            return _single_of_all(lines, name)  # two of them in one piece
        before = parts[0]
        for after in parts[1:]:
            between, _, value = after.partition(b";")[0].partition(b"=")
            if not between.strip(_BLANKS) and not before.rpartition(b";")[2].strip(_BLANKS):
                found.append(value.strip(_BLANKS))
            before = after
    return found[0] if len(found) == 1 else None


def _single_of_all(lines: Sequence[bytes], name: bytes) -> bytes | None:
    found = [value for line in lines for key, value in map(_pair, line.split(b";")) if key == name]
    return found[0] if len(found) == 1 else None


def without(fields: Fields, unwanted: Unwanted) -> Fields:
    """The fields less the unwanted cookies; the others byte-identical and in order, a line with nothing left is gone.

    A pair that some parsers would take apart further (``a=1, sid=2``, ``a="x sid=2``, ``=sid=2``) goes as a whole when the
    session cookie that it hides is unwanted, or when it hides so many that nobody means well.
    """
    kept = []
    for key, line in fields:
        if key.lower() != b"cookie":
            kept.append((key, line))
            continue
        rest = line_without(line, unwanted)
        if rest is not None:
            kept.append((key, rest))
    return tuple(kept)


def line_without(line: bytes, unwanted: Unwanted) -> bytes | None:
    """The value of a Cookie field less the unwanted cookies, as ``without``; None where nothing is left of it."""
    rest = line
    if isinstance(unwanted, NotTheApps):
        rest = without_own(line)
        if unwanted.clears(rest):
            return rest if rest.strip(b"; \t") or rest is line else None
    pieces = line.split(b";")
    kept = [index for index, piece in enumerate(pieces) if not _is_unwanted(piece, unwanted)]
    if len(kept) == len(pieces):
        return line
    if not any(pieces[index].strip(_BLANKS) for index in kept):
        return None
    rest = b";".join(pieces[index] for index in kept)
    return rest if kept[0] == 0 else rest.lstrip(_BLANKS)


def holds_oktas(lines: Iterable[bytes], unwanted: "NotTheApps") -> bool:
    """Whether one of the values of the Cookie field holds a cookie that is Okta's; the gateway's own are none."""
    for line in lines:
        rest = without_own(line)
        if not unwanted.clears(rest) and any(
            not is_gateway_name(_pair(piece)[0]) and _is_unwanted(piece, unwanted) for piece in rest.split(b";")
        ):
            return True
    return False


def without_own(line: bytes) -> bytes:
    """The line less the first pieces that begin with the pass's name, as all names of ours do; at most as many as an app host sets."""
    for _ in range(_MOST_OWN):
        before, found, after = line.partition(PASS_NAME)
        left, semicolon, blanks = before.rpartition(b";")
        if not found or blanks.strip(_BLANKS):
            break
        _, next_semicolon, right = after.partition(b";")
        line = left + next_semicolon + right if semicolon else right.lstrip(_BLANKS)
    return line


class NotTheApps:
    """Whether an app may not see a cookie: the gateway's own, and what is Okta's by its value. A mere name makes none Okta's.

    What comes after ``MOST_ASKED`` questions is taken for Okta's: no browser has so many, and each costs a few hashes.
    """

    __slots__ = ("_asked", "_is_oktas", "_values")

    def __init__(self, is_oktas: Callable[[bytes], bool], values: Iterable[bytes] = ()) -> None:
        """``is_oktas``: for the values of cookies with Okta's names; ``values``: of Okta's, whatever a cookie with one is called."""
        self._is_oktas = is_oktas
        self._values = [value for value in values if len(value) >= _SHORTEST_FOUND]
        self._asked = 0

    @property
    def was_asked(self) -> bool:
        """Whether ``is_oktas`` was; what it says may change with what Okta sets."""
        return self._asked > 0

    def __call__(self, name: bytes, value: bytes) -> bool:
        """For a cookie's name and its raw value."""
        if is_gateway_name(name) or self.finds(value) or self.finds(name):
            return True
        if name not in _OKTA_NAMES:
            return False
        self._asked += 1
        return self._asked > MOST_ASKED or self._is_oktas(value)

    def finds(self, text: bytes) -> bool:
        """Whether one of the values stands anywhere in this text."""
        for value in self._values:  # noqa: SIM110 - a generator would be made for every head
            if text.find(value) >= 0:
                return True
        return False

    def clears(self, text: bytes) -> bool:
        """Whether nothing in the value of a Cookie field can be a cookie that no app may see; False where each must be looked at."""
        return _SUSPICIOUS.search(text) is None and not self.finds(text)


not_the_apps: Final = NotTheApps(lambda value: True)
"""As if every value under a name of Okta's were Okta's."""


def is_gateway_name(name: bytes) -> bool:
    """Whether the name is one of ours; in any case, because browsers read the prefix ``__Host-`` in any case."""
    return name.lower().startswith(_OWN_PREFIX)


def is_okta_name(name: bytes) -> bool:
    """Whether Okta has cookies of this name; exact, and an app may have one of its own."""
    return name in _OKTA_NAMES


def parts_of(name: bytes) -> tuple[bytes, ...]:
    """The names of the cookies that a value of this name may be spread over, in order: its own first."""
    return (name, *(b"%b-%d" % (name, number) for number in range(2, MOST_PARTS + 1)))


_CROSS_SITE: Final = frozenset((BROWSER_NAME, *parts_of(PENDING_NAME)))
"""What a form or a frame of another site must bring to the login host: redemptions come that way too."""


def _same_site(name: bytes) -> bytes:
    return b"Lax" if is_gateway_name(name) and name not in _CROSS_SITE else b"None"


def set_cookie(name: bytes, value: str, max_age: int | None = None) -> tuple[bytes, bytes]:
    """The Set-Cookie line of one of our cookies; ``max_age`` in seconds, None: until the browser closes.

    Raises ValueError for a name without the prefix or a value that is no plain cookie value: both are bugs.
    """
    raw = value.encode("ascii")
    if not is_gateway_name(name) or not _NAME.match(name) or not _VALUE.match(raw):
        raise ValueError("not a cookie that the gateway sets")
    age = b"" if max_age is None else b"; Max-Age=%d" % max_age
    return b"Set-Cookie", name + b"=" + raw + age + b"; Path=/; Secure; HttpOnly; SameSite=" + _same_site(name)


def expired(name: bytes, domain: str | None = None) -> tuple[bytes, bytes]:
    """The Set-Cookie line that removes a cookie: ours with the attributes it was set with, others as Okta sets them.

    ``domain`` reaches a cookie that a sibling host planted for the parent domain; ours never have one (ValueError).
    """
    own = is_gateway_name(name)
    if not _NAME.match(name) or (domain is not None and (own or not _DOMAIN.match(domain))):
        raise ValueError("not a cookie that can be expired so")
    scope = b"" if domain is None else b"; Domain=" + domain.encode("ascii")
    gone = b"=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
    return b"Set-Cookie", name + gone + scope + b"; Secure; HttpOnly; SameSite=" + _same_site(name)


def set_cookie_name(value: bytes) -> bytes:
    """The name of a Set-Cookie line's cookie as the browser will send it back (``=sid=1`` comes back as ``sid=1``)."""
    return _set_pair(value)[0]


def set_cookie_value(value: bytes) -> bytes:
    """The raw value of a Set-Cookie line's cookie, quotes included; empty where the line deletes by emptiness."""
    return _set_pair(value)[1]


def _set_pair(line: bytes) -> tuple[bytes, bytes]:
    return _pair(line.partition(b";")[0].lstrip(b" \t="))


def _pair(piece: bytes) -> tuple[bytes, bytes]:
    name, _, value = piece.partition(b"=")
    return name.strip(_BLANKS), value.strip(_BLANKS)


def _is_unwanted(piece: bytes, unwanted: Unwanted) -> bool:
    if not piece.strip(_BLANKS):
        return False
    if unwanted(*_pair(piece)):
        return True
    hidden = tuple(islice(_hidden(piece), _MOST_HIDDEN + 1))
    return len(hidden) > _MOST_HIDDEN or any(unwanted(name, value) for name, rest in hidden for value in _readings(rest))


def _hidden(piece: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The session cookies hidden in a pair, from left to right, each with all that follows it."""
    found = _HIDDEN.search(piece)
    while found is not None:
        yield found[1], piece[found.end() :]
        found = _HIDDEN_AGAIN.match(piece, found.end()) or _HIDDEN.search(piece, found.end())


def _readings(rest: bytes) -> tuple[bytes, bytes]:
    """What may be the value of a hidden cookie: all that follows, or the first word of it."""
    return rest.strip(_BLANKS), _CUT.split(rest.strip(b' \t"'), maxsplit=1)[0]
