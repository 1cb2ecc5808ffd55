"""Which host and which rule a request belongs to.

Owns the reading of a path: the one canonical spelling that rules are matched on, and the other readings that an app behind
us might make of the same bytes. Must never change what is forwarded, and never widen: where two readings of a path meet
different rules, both bind. Rules from: RFC 3986 §6.2.2; ATTACKS P1 to P24; PEERS section 3 (Oathkeeper, oauth2-proxy).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, reduce
from string import ascii_lowercase, ascii_uppercase
from urllib.parse import quote, unquote_to_bytes

from gateway.core.messages import Authority, Malformed

_LITERAL = "!$&'()*+,-.:;=@_~"
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
# C0 and C1 begin nothing but overlong forms; the other lead bytes only before small continuations.
_OVERLONG = re.compile(rb"[\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]|\xf8[\x80-\x87]|\xfc[\x80-\x83]")
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_OWN = ".gateway"


class Access(StrEnum):
    """Who may come: only those with a session, anyone without being asked, or anyone but known when signed in."""

    SESSION = "session"
    ANYONE = "anyone"
    OPTIONAL = "optional"


_STRICTNESS = (Access.ANYONE, Access.OPTIONAL, Access.SESSION)


def ascii_lower(text: str) -> str:
    """Lower case in ASCII only: no other letter becomes an ASCII one (the Kelvin sign is no k)."""
    return text.translate(_ASCII_LOWER)


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for the paths that ``pattern`` matches whole: ``*`` is one segment or a part of one, ``**`` any rest.

    None means "no condition". ``users``: logins, or ``@domain`` for all of one domain; ``amr``: all of them are needed;
    ``authenticated_within_seconds``: how long ago the user may have proven who it is.
    """

    pattern: str
    access: Access
    methods: frozenset[str] | None = None
    users: frozenset[str] | None = None
    amr: frozenset[str] | None = None
    authenticated_within_seconds: int | None = None

    def matches(self, path: str, case_insensitive: bool = False) -> bool:
        """Whether the whole of a normalised path matches."""
        return _expression(self.pattern, case_insensitive).fullmatch(path) is not None

    def permits(self, login: str) -> bool:
        """Whether ``users`` lets this login in; ASCII case aside, and a domain only behind the one and only ``@`` (H21)."""
        if self.users is None:
            return True
        wanted = {ascii_lower(user) for user in self.users}
        folded = ascii_lower(login)
        name, _, domain = folded.partition("@")
        of_domain = folded.count("@") == 1 and bool(name) and bool(domain) and f"@{domain}" in wanted
        return of_domain or (bool(name) and folded in wanted)

    def and_also(self, other: "Rule") -> "Rule":
        """The rule that admits only what both admit."""
        if self == other:
            return self
        return Rule(
            pattern=f"{self.pattern} and {other.pattern}",
            access=max(self.access, other.access, key=_STRICTNESS.index),
            methods=_both(self.methods, other.methods),
            users=self._users_of_both(other),
            amr=(self.amr or frozenset()) | (other.amr or frozenset()) or None,
            authenticated_within_seconds=min(
                (age for age in (self.authenticated_within_seconds, other.authenticated_within_seconds) if age is not None),
                default=None,
            ),
        )

    def _users_of_both(self, other: "Rule") -> frozenset[str] | None:
        if self.users is None or other.users is None:
            return self.users if other.users is None else other.users
        ours, theirs = (frozenset(ascii_lower(user) for user in users) for users in (self.users, other.users))
        named = {user for user in ours | theirs if self.permits(user) and other.permits(user)}
        return frozenset(named) | (ours & theirs)


DEFAULT_RULE = Rule("/**", Access.SESSION)
"""What holds where no rule matches: never an implicit public path (P22)."""


def _both(ours: frozenset[str] | None, theirs: frozenset[str] | None) -> frozenset[str] | None:
    if ours is None or theirs is None:
        return ours if theirs is None else theirs
    return ours & theirs


@dataclass(frozen=True, slots=True)
class App:
    """One protected app: its public origin, the rules in their order, and how its server reads paths."""

    name: str
    origin: str
    authority: Authority
    rules: tuple[Rule, ...] = ()
    case_insensitive: bool = False
    websocket_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoginHost:
    """The host that speaks for the Okta org."""

    origin: str
    authority: Authority


class RouteTable:
    """All configured hosts; what is not here does not exist (421)."""

    def __init__(self, login: LoginHost, apps: Sequence[App]) -> None:
        """Two hosts of one authority cannot be told apart: ValueError."""
        self.login = login
        self.apps = tuple(apps)
        self._hosts: dict[Authority, App | LoginHost] = {login.authority: login}
        for app in self.apps:
            if self._hosts.setdefault(app.authority, app) is not app:
                raise ValueError(f"two hosts at {app.authority}")
        self._by_text = {text: app for app in self.apps for text in (app.origin, str(app.authority))}

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of all configured hosts: where a browser may be sent."""
        return (self.login.origin, *(app.origin for app in self.apps))

    def host(self, authority: Authority) -> App | LoginHost | None:
        """The configured host of an authority, or None."""
        return self._hosts.get(authority)

    def app(self, text: str) -> App | None:
        """The app of an origin (``https://hr.example.com``) or of an authority's text (``hr.example.com:443``), or None."""
        return self._by_text.get(text)


def normalised(path: str) -> str | Malformed:
    """The canonical spelling of a path as sent: decoded once, then escaped in one way; ``%2F`` stays apart from ``/``.

    400 for what apps are known to read in several ways: broken escapes, dot or empty segments (also behind ``%2F``, and
    before ``;`` and escaped ``?`` or ``#``), backslash, controls, overlong UTF-8. Applying it twice changes nothing.
    """
    if not path.startswith("/") or _BAD_ESCAPE.search(path):
        return Malformed(400, "path_escape" if path.startswith("/") else "path")
    decoded = unquote_to_bytes(path.encode("utf-8", "surrogatepass"))
    if _CONTROL.search(decoded):
        return Malformed(400, "path_control")
    if b"\\" in decoded:
        return Malformed(400, "path_backslash")
    if _OVERLONG.search(decoded):
        return Malformed(400, "path_overlong")
    segments = decoded.split(b"/")[1:]
    if b"" in segments[:-1]:
        return Malformed(400, "path_empty_segment")
    if any(_is_dotted(segment, index == len(segments) - 1) for index, segment in enumerate(segments)):
        return Malformed(400, "path_dot_segment")
    return "/".join(quote(unquote_to_bytes(segment.encode("utf-8", "surrogatepass")), safe=_LITERAL) for segment in path.split("/"))


def _is_dotted(segment: bytes, is_last: bool) -> bool:
    name = re.split(b"[;?#]", segment, maxsplit=1)[0]  # whoever decodes before looking for the query reads "/a/..%3F" as "/a/.."
    if not name:
        return segment.startswith(b";") and not is_last  # servlet containers read "/;x/" as "//"
    return not name.strip(b". ")


def is_own(path: str) -> bool:
    """Whether a path, raw or normalised, lies under ``/.gateway`` in any reading; such a path is never forwarded."""
    decoded = unquote_to_bytes(path.encode("utf-8", "surrogatepass")).decode("latin-1")
    first = re.split("[/;?#]", decoded.removeprefix("/"), maxsplit=1)[0]
    return ascii_lower(first).rstrip(" .") == _OWN


def rule_for(app: App, path: str) -> Rule:
    """The rule for a normalised path: the first that matches it whole, and also that of every other reading of it.

    Other readings: ``%2F`` as a slash, path parameters (``;…``) taken off, cut at an escaped ``?`` or ``#``. A trailing
    slash (and, for a case-insensitive server, trailing dots and blanks) cannot shake off a rule that names the path.
    """
    readings = tuple(dict.fromkeys(_readings(path)))
    found = [_first_match(app, reading) or DEFAULT_RULE for reading in readings]
    return reduce(Rule.and_also, found + [rule for reading in readings if (rule := _shaken_off(app, reading)) is not None])


def _shaken_off(app: App, path: str) -> Rule | None:
    rule = _first_match(app, _trimmed(path, app.case_insensitive))
    return rule if rule is not None and not rule.matches(path, app.case_insensitive) else None


def _first_match(app: App, path: str) -> Rule | None:
    return next((rule for rule in app.rules if rule.matches(path, app.case_insensitive)), None)


def _readings(path: str) -> Iterator[str]:
    for base in (path, path.replace("%2F", "/")):
        for reading in (base, re.split("%3F|%23", base, maxsplit=1)[0]):
            yield from (reading, "/".join(segment.partition(";")[0] for segment in reading.split("/")))


def _trimmed(path: str, case_insensitive: bool) -> str:
    if case_insensitive:
        path = "/".join(re.sub(r"(?:\.|%20)+\Z", "", segment) for segment in path.split("/"))
    return path.rstrip("/") or "/"


def pattern_problem(pattern: str) -> str | None:
    """What is wrong with a rule's pattern, for the check of the configuration; None where it is usable."""
    if not pattern.startswith("/"):
        return "must begin with a slash"
    if any(char in pattern for char in "?#"):
        return "must be a path, without query or fragment (write %3F or %23 for the characters)"
    if any("**" in segment and segment != "**" for segment in pattern.split("/")):
        return "** must stand alone between slashes"
    shape = normalised(pattern)
    return f"can never match: {shape.reason}" if isinstance(shape, Malformed) else None


@lru_cache(maxsize=4096)
def _expression(pattern: str, case_insensitive: bool) -> re.Pattern[str]:
    canonical = normalised(pattern)
    text = "" if isinstance(canonical, Malformed) else "".join(_part(segment) for segment in canonical.split("/")[1:])
    return re.compile(text, re.DOTALL | re.ASCII | (re.IGNORECASE if case_insensitive else re.NOFLAG))


def _part(segment: str) -> str:
    if segment == "**":
        return r"(?:/.*)?"
    if segment == "*":
        return r"/[^/]+"
    return "/" + "[^/]*".join(re.escape(part) for part in segment.split("*"))
