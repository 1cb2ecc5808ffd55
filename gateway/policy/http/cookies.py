"""Cookies in HTTP fields: reads ``Cookie``, removes cookies that must not be forwarded, and writes ``Set-Cookie`` for the gateway's own
cookies.

Reads every pair of every ``Cookie`` line, repeated names included, and knows the names of the gateway's and of Okta's cookies. A cookie
that is kept must stay byte-identical: it is never serialised again. Which user a cookie belongs to is not decided here. Sources: RFC
6265bis §5 and its `__Host-` prefix; Okta deletes a session by ``sid=``.
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
"""A value that is too large for one cookie is split into at most so many cookies."""

_OWN_PREFIX: Final = PASS_NAME.lower()
_OKTA_NAMES: Final = frozenset(SESSION_NAMES + COMPANION_NAMES + (b"DT",))
_BLANKS: Final = b" \t"
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_VALUE: Final = re.compile(rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*\Z")
_DOMAIN: Final = re.compile(r"[a-z0-9.-]+\Z")

# A hidden cookie: parsers in the manner of RFC 2109 also split at commas and blanks, and ignore quotes. Some parsers
# read ``=sid=2`` as a cookie ``sid``.
_HIDDEN: Final = re.compile(rb'(?:^[ \t]*=[ \t=]*|[ \t,"])(sid|idx)[ \t"]*=')
_HIDDEN_AGAIN: Final = re.compile(rb'[ \t=]*(sid|idx)[ \t"]*=')
# A line in which none of these occurs contains no cookie that is withheld from apps, not even a hidden one.
_SUSPICIOUS: Final = re.compile(rb"sid|idx|DT|myr|xids|__[hH]")
_CUT: Final = re.compile(rb'[ \t,"]')
_MOST_HIDDEN: Final = 8
MOST_CHECKED: Final = 64
"""How many cookies with names of Okta's are checked in one request."""
_SHORTEST_FOUND: Final = 16
"""A shorter value could be part of another cookie's value by chance."""
_MOST_OWN: Final = MOST_PARTS + 2

Unwanted = Callable[[bytes, bytes], bool]
"""Whether a cookie with this name and raw value must not be forwarded."""


def pairs(fields: Fields) -> tuple[tuple[bytes, bytes], ...]:
    """The name and raw value of every cookie in every ``Cookie`` line, in order. A piece without ``=`` is a name with an empty value."""
    return tuple(_pair(piece) for key, line in fields if key.lower() == b"cookie" for piece in line.split(b";") if piece.strip(_BLANKS))


def session_cookies(fields: Fields) -> tuple[SessionCookie, ...]:
    """All ``sid`` and ``idx`` cookies with a value, in order, repeated ones too. Names compare exactly; ``sid=""`` has no value."""
    return tuple(SessionCookie(name, value) for name, value in pairs(fields) if name in SESSION_NAMES and value.strip(b' \t"'))


def repeated(cookies: Iterable[SessionCookie]) -> bool:
    """Whether one name occurs twice. Then parsers disagree about which cookie counts."""
    names = [cookie.name for cookie in cookies]
    return len(names) != len(set(names))


def single(fields: Fields, name: bytes) -> bytes | None:
    """The raw value of a cookie that occurs exactly once; None if it is absent or repeated."""
    return single_in([line for key, line in fields if key.lower() == b"cookie"], name)


def single_in(lines: Sequence[bytes], name: bytes) -> bytes | None:
    """The same as ``single``, from the values of the ``Cookie`` lines. ``name``: a token."""
    found: list[bytes] = []
    for line in lines:
        parts = line.split(name)  # a cookie of this name must contain these bytes; nearly always there are one or two parts
        if len(parts) > 2 and not all(b";" in part for part in parts[1:-1]):
            return _single_of_all(lines, name)  # the name occurs twice between two semicolons
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
    """The fields without the unwanted cookies. All other cookies stay byte-identical and in order; an empty ``Cookie`` line is removed.

    Some parsers split one pair into several cookies (``a=1, sid=2``, ``a="x sid=2``, ``=sid=2``). Such a pair is removed as a whole if it
    hides an unwanted session cookie, or if it hides so many that it must be an attack.
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
    """The value of a ``Cookie`` line without the unwanted cookies, as ``without``; None if nothing is left."""
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
    """Whether one of these ``Cookie`` values contains a cookie of Okta's. The gateway's own cookies do not count."""
    for line in lines:
        rest = without_own(line)
        if not unwanted.clears(rest) and any(
            not is_gateway_name(_pair(piece)[0]) and _is_unwanted(piece, unwanted) for piece in rest.split(b";")
        ):
            return True
    return False


def without_own(line: bytes) -> bytes:
    """The ``Cookie`` value without the gateway's own cookies. At most as many are removed as the gateway sets at an app host."""
    for _ in range(_MOST_OWN):
        before, found, after = line.partition(PASS_NAME)
        left, semicolon, blanks = before.rpartition(b";")
        if not found or blanks.strip(_BLANKS):
            break
        _, next_semicolon, right = after.partition(b";")
        line = left + next_semicolon + right if semicolon else right.lstrip(_BLANKS)
    return line


class NotTheApps:
    """Decides whether a cookie is withheld from apps: the gateway's own cookies, and cookies whose value is from Okta.

    A name of Okta's alone is not enough, because an app may use the same name; the value decides. After ``MOST_CHECKED`` checks every
    further cookie with such a name counts as Okta's: no browser has so many, and each check costs a few hashes.
    """

    __slots__ = ("_checked", "_is_oktas", "_values")

    def __init__(self, is_oktas: Callable[[bytes], bool], values: Iterable[bytes] = ()) -> None:
        """``is_oktas``: checks the value of a cookie with a name of Okta's. ``values``: Okta's values, withheld under every name."""
        self._is_oktas = is_oktas
        self._values = [value for value in values if len(value) >= _SHORTEST_FOUND]
        self._checked = 0

    @property
    def was_checked(self) -> bool:
        """Whether ``is_oktas`` was called. Its result may change when Okta sets new cookies, so a result that used it cannot be cached."""
        return self._checked > 0

    def __call__(self, name: bytes, value: bytes) -> bool:
        """Whether the cookie with this name and raw value is withheld."""
        if is_gateway_name(name) or self.finds(value) or self.finds(name):
            return True
        if name not in _OKTA_NAMES:
            return False
        self._checked += 1
        return self._checked > MOST_CHECKED or self._is_oktas(value)

    def finds(self, text: bytes) -> bool:
        """Whether one of Okta's values occurs anywhere in this text."""
        for value in self._values:  # noqa: SIM110 - a generator would be made for every head
            if text.find(value) >= 0:
                return True
        return False

    def clears(self, text: bytes) -> bool:
        """Whether no cookie in this ``Cookie`` value can be withheld. False means that each cookie must be checked."""
        return _SUSPICIOUS.search(text) is None and not self.finds(text)


not_the_apps: Final = NotTheApps(lambda value: True)
"""Withholds every cookie with a name of Okta's, whatever its value is."""


def is_gateway_name(name: bytes) -> bool:
    """Whether the name is one of the gateway's, in upper or lower case: browsers accept the prefix ``__Host-`` in any case."""
    return name.lower().startswith(_OWN_PREFIX)


def is_okta_name(name: bytes) -> bool:
    """Whether Okta uses a cookie of exactly this name. An app may use the same name for its own cookie."""
    return name in _OKTA_NAMES


def parts_of(name: bytes) -> tuple[bytes, ...]:
    """The names of the cookies over which a large value of this cookie is split, in order; the first is the name itself."""
    return (name, *(b"%b-%d" % (name, number) for number in range(2, MOST_PARTS + 1)))


_CROSS_SITE: Final = frozenset((BROWSER_NAME, *parts_of(PENDING_NAME)))
"""The cookies with ``SameSite=None``: forms and frames of other sites also bring tokens to the login host, and need them there."""


def _same_site(name: bytes) -> bytes:
    return b"Lax" if is_gateway_name(name) and name not in _CROSS_SITE else b"None"


def set_cookie(name: bytes, value: str, max_age: int | None = None) -> tuple[bytes, bytes]:
    """The ``Set-Cookie`` field for one of the gateway's cookies. ``max_age``: in seconds; None: until the browser closes.

    ValueError for a name without the prefix, or a value that is not a plain cookie value: both are bugs in the gateway.
    """
    raw = value.encode("ascii")
    if not is_gateway_name(name) or not _NAME.match(name) or not _VALUE.match(raw):
        raise ValueError("not a cookie that the gateway sets")
    age = b"" if max_age is None else b"; Max-Age=%d" % max_age
    return b"Set-Cookie", name + b"=" + raw + age + b"; Path=/; Secure; HttpOnly; SameSite=" + _same_site(name)


def expired(name: bytes, domain: str | None = None) -> tuple[bytes, bytes]:
    """The ``Set-Cookie`` field that removes a cookie: with the attributes that the gateway, or Okta, sets it with.

    ``domain``: also removes a cookie that another host of the site set for the parent domain. The gateway's cookies never have a domain
    (ValueError).
    """
    own = is_gateway_name(name)
    if not _NAME.match(name) or (domain is not None and (own or not _DOMAIN.match(domain))):
        raise ValueError("not a cookie that can be expired so")
    scope = b"" if domain is None else b"; Domain=" + domain.encode("ascii")
    gone = b"=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
    return b"Set-Cookie", name + gone + scope + b"; Secure; HttpOnly; SameSite=" + _same_site(name)


def set_cookie_name(value: bytes) -> bytes:
    """The name of the cookie in a ``Set-Cookie`` value, as the browser will send it back (``=sid=1`` comes back as ``sid=1``)."""
    return _set_pair(value)[0]


def set_cookie_value(value: bytes) -> bytes:
    """The raw value of the cookie in a ``Set-Cookie`` value, including quotes; empty if the line removes the cookie by an empty value."""
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
    """The session cookies that are hidden in a pair, from left to right, each with everything that follows it."""
    found = _HIDDEN.search(piece)
    while found is not None:
        yield found[1], piece[found.end() :]
        found = _HIDDEN_AGAIN.match(piece, found.end()) or _HIDDEN.search(piece, found.end())


def _readings(rest: bytes) -> tuple[bytes, bytes]:
    """The possible values of a hidden cookie: everything that follows it, or only the first word."""
    return rest.strip(_BLANKS), _CUT.split(rest.strip(b' \t"'), maxsplit=1)[0]
