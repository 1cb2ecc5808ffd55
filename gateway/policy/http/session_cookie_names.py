"""The names of the cookies that contain an app's own session (``app.session_cookies``), and the search for them in a ``Cookie`` line.

The search finds each name in every spelling that some server accepts for it. It must never take longer than linear time. Case does not
matter, because IIS ignores it.
"""

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final

from gateway.memo import Memo
from gateway.policy.http.percent import unescaped_bytes

WELL_KNOWN: Final = (
    *("JSESSIONID", "PHPSESSID", "sessionid", "connect.sid", "ASP.NET_SessionId", "ASPSESSIONID*", ".AspNetCore.Session"),
    *("laravel_session", "ci_session", "CFID", "CFTOKEN", "CGISESSID", "_session_id", "PLAY_SESSION", "beaker.session.id"),
)
"""Names of Java, PHP, Django, Express, ASP.NET and classic ASP; then of frameworks.

Names that scripts also use, such as ``session``, are not in the list. A server marks such a session cookie ``HttpOnly``, and this is enough
to bind it to its user.
"""

LEFT_ALONE_MARK: Final = "!"
SHORTEST_LITERAL: Final = 4
"""How many characters an entry must have beside its ``*``."""
ENTRY_PATTERN: Final = r"^!?[!#$%&'+\-.^_`|~0-9A-Za-z]*\*?[!#$%&'+\-.^_`|~0-9A-Za-z]*$"

_ESCAPED_NAME: Final = re.compile(rb";[^;=%]*%")
_AROUND_NAMES: Final = b" \t\"'=\x85\xa0"
_TO_PHP_NAME: Final = bytes.maketrans(b". [", b"___")
_BETWEEN: Final = rb"[ \t,\"'\x80-\xff]"
_ANY_REST: Final = rb"[^ \t,\"'=]*"
_COMMON: Final = b"sess"
_BEGINNING: Final = 2


class NameKind(Enum):
    """What the gateway does with a cookie, by its name."""

    LISTED = "bound to their user, and refused where they are not"
    LEFT_ALONE = "never touched"
    ALIAS = "another spelling of a listed name: refused"
    OTHER = "bound to their user where the app marks them HttpOnly"


class SessionCookieNames:
    """The list of one app. An entry is a name, with at most one ``*`` for any text; or ``!`` and a name that the gateway leaves alone."""

    __slots__ = ("_fragments", "_hidden", "_left_alone", "_listed", "exact", "kinds")

    def __init__(self, entries: Sequence[str]) -> None:
        """``kinds``: the kind of each name. ``exact``: the listed names without a ``*``."""
        listed = [entry.encode("ascii") for entry in entries if not entry.startswith(LEFT_ALONE_MARK)]
        self._listed = _any_of(listed, b".*")
        self._left_alone = _any_of((entry[1:].encode("ascii") for entry in entries if entry.startswith(LEFT_ALONE_MARK)), b".*")
        self._hidden = re.compile(_BETWEEN + b"(?:" + _alternatives(listed, _ANY_REST) + b")[ \t\"']*=", re.IGNORECASE)
        self._fragments = _covering(_fragment(entry.lower()) for entry in listed)
        self.exact = tuple(entry for entry in listed if b"*" not in entry)
        self.kinds: Memo[bytes, NameKind] = Memo(self._kind)

    def may_be_in(self, line: bytes) -> bool:
        """Whether a ``Cookie`` line may contain a listed name in any spelling. A quick check, for every request."""
        found = line.lower().find  # a third faster than ``in``, and this runs for every request
        for fragment in self._fragments:
            if found(fragment) >= 0:
                return True
        return line.find(b"%") >= 0 and _ESCAPED_NAME.search(b";" + line) is not None

    def is_hidden_in(self, name: bytes, piece: bytes) -> bool:
        """Whether a cookie with another name hides a listed one that some parsers would find (``a=1, sessionid=2``, ``=sessionid=2``)."""
        inner = piece.lstrip(_AROUND_NAMES) if not name else b""
        return (bool(inner) and self.kinds[inner.partition(b"=")[0]] in _LISTED_OR_ALIAS) or self._hidden.search(piece) is not None

    def _kind(self, name: bytes) -> NameKind:
        if self._left_alone.fullmatch(name):
            return NameKind.LEFT_ALONE
        if self._listed.fullmatch(name):
            return NameKind.LISTED
        # Old PHP decodes escapes in names; every PHP reads a dot as an underscore; other servers strip various blanks.
        read = unescaped_bytes(name).strip(_AROUND_NAMES)
        if self._listed.fullmatch(read) or (b"_" in (php := read.translate(_TO_PHP_NAME)) and self._listed.fullmatch(php)):
            return NameKind.ALIAS
        return NameKind.OTHER


_LISTED_OR_ALIAS: Final = (NameKind.LISTED, NameKind.ALIAS)


def _any_of(entries: Iterable[bytes], rest: bytes) -> re.Pattern[bytes]:
    return re.compile(_alternatives(entries, rest), re.IGNORECASE | re.DOTALL)


def _alternatives(entries: Iterable[bytes], rest: bytes) -> bytes:
    """One regular expression for all entries. It matches nothing if there is no entry."""
    return b"|".join(re.escape(entry).replace(b"\\*", rest) for entry in entries) or b"(?!)"


def _fragment(entry: bytes) -> bytes:
    """Bytes that occur in every spelling of an entry, apart from escapes."""
    return _COMMON if _COMMON in entry else max(re.split(rb"[*._ \[]", entry), key=len)


def _covering(fragments: Iterable[bytes]) -> tuple[bytes, ...]:
    """A shorter list of fragments: those with the same beginning are replaced by that beginning. Lines without session cookies seldom
    contain it.
    """
    found: list[bytes] = []
    for fragment in sorted(set(fragments)):
        beginning = fragment[:_BEGINNING]
        if found and beginning and found[-1].startswith(beginning):
            found[-1] = beginning
        else:
            found.append(fragment)
    return tuple(found)
