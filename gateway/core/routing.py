"""Which host and which rule a request belongs to.

Owns the choice among hosts and rules; what a path may be read as is ``core.paths``, whose names are also found here. Must never
change what is forwarded, and never widen: where two readings of a path meet different rules, both bind.
Rules from: DESIGN section 5; ATTACKS P1 to P24.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from typing import Final

from gateway.core.hop import NAMED_AWAY, USUAL_CONNECTIONS, takes_away
from gateway.core.learned import Learned, Recent
from gateway.core.messages import (
    LINE_TOO_LONG,
    Authority,
    HeadLimits,
    Malformed,
    Received,
    RequestHead,
    host_in,
    is_line_too_long,
    parse_authority,
)
from gateway.core.paths import ascii_lower, expression, is_own, is_plain, normalised, pattern_problem, readings, trimmed
from gateway.core.windows_paths import is_read_apart, windows_readings

__all__ = [
    "DEFAULT_RULE",
    "Access",
    "App",
    "LoginHost",
    "RouteTable",
    "Rule",
    "ascii_lower",
    "is_own",
    "normalised",
    "pattern_problem",
    "place_of",
    "rule_for",
]

_LONGEST_LEARNED_HOST: Final = 255
_LONGEST_LEARNED_PATH: Final = 256


class Access(StrEnum):
    """Who may come: only those with a session, anyone without being asked, or anyone but known when signed in."""

    SESSION = "session"
    ANYONE = "anyone"
    OPTIONAL = "optional"


_STRICTNESS: Final = (Access.ANYONE, Access.OPTIONAL, Access.SESSION)


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
    needs: Access = field(init=False, repr=False, compare=False)
    _wanted: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """``needs``: the access in effect; a rule that names users, amr or an age needs a session, whatever its access says."""
        asks = self.users is not None or self.amr is not None or self.authenticated_within_seconds is not None
        object.__setattr__(self, "needs", Access.SESSION if asks else self.access)
        object.__setattr__(self, "_wanted", frozenset(ascii_lower(user) for user in self.users or ()))

    def matches(self, path: str, case_insensitive: bool = False) -> bool:
        """Whether the whole of a normalised path matches."""
        return expression(self.pattern, case_insensitive).fullmatch(path) is not None

    def permits(self, login: str) -> bool:
        """Whether ``users`` lets this login in; ASCII case aside, and a domain only behind the one and only ``@`` (H21)."""
        if self.users is None:
            return True
        folded = ascii_lower(login)
        name, _, domain = folded.partition("@")
        of_domain = folded.count("@") == 1 and bool(name) and bool(domain) and f"@{domain}" in self._wanted
        return of_domain or (bool(name) and folded in self._wanted)

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
        ours, theirs = self._wanted, other._wanted
        named = {user for user in ours | theirs if self.permits(user) and other.permits(user)}
        return frozenset(named) | (ours & theirs)


DEFAULT_RULE: Final = Rule("/**", Access.SESSION)
"""What holds where no rule matches: never an implicit public path (P22)."""


def _both(ours: frozenset[str] | None, theirs: frozenset[str] | None) -> frozenset[str] | None:
    if ours is None or theirs is None:
        return ours if theirs is None else theirs
    return ours & theirs


@dataclass(frozen=True, slots=True)
class App:
    """One protected app: its public origin, the rules in their order, and how its server reads paths.

    ``title``: what pages call it; its host where nobody gave it a name.
    ``ways`` are the rules again, each behind what matches its paths. ``places``: what was found for the paths of late.
    """

    name: str
    origin: str
    authority: Authority
    rules: tuple[Rule, ...] = ()
    case_insensitive: bool = False
    websocket_origins: tuple[str, ...] = ()
    title: str = ""
    ways: tuple[tuple[Callable[[str], object], Rule], ...] = field(init=False, repr=False, compare=False)
    places: Recent[str, Rule | Malformed] = field(init=False, repr=False, compare=False, default_factory=Recent)

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", self.authority.host)
        ways = tuple((expression(rule.pattern, self.case_insensitive).fullmatch, rule) for rule in self.rules)
        object.__setattr__(self, "ways", ways)


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
        self._named = Learned(self._named_by, _LONGEST_LEARNED_HOST)

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of all configured hosts: where a browser may be sent."""
        return (self.login.origin, *(app.origin for app in self.apps))

    def host(self, authority: Authority) -> App | LoginHost | None:
        """The configured host of an authority, or None."""
        return self._hosts.get(authority)

    def admit(self, asked: Received, limits: HeadLimits) -> tuple[RequestHead, App | LoginHost | None] | Malformed:
        """The head and its host, None for one that is not ours; or why it is refused: 400 for what is no host, or as ``NAMED_AWAY``; 414.

        The scheme is that of the host's public address, whatever was received (F6, F10): a name without a port is looked for under both.
        """
        named = asked.named
        connection = named.get(b"connection")
        if connection is not None and connection not in USUAL_CONNECTIONS and takes_away(connection):
            return NAMED_AWAY
        authority, host, is_secure = self.named(host_in(named))
        if authority is None:
            return Malformed(400, "host")
        if is_line_too_long(asked.method, asked.target, limits.line_bytes) and not isinstance(host, LoginHost):
            return LINE_TOO_LONG
        return RequestHead(asked.method, asked.target, authority, asked.fields, is_secure, asked.peer, asked.address, named), host

    def named(self, value: bytes) -> tuple[Authority | None, App | LoginHost | None, bool]:
        """What a Host field's value names: its authority (None for what is none), our host, and whether that is https in public."""
        return self._named[value]

    def _named_by(self, value: bytes) -> tuple[Authority | None, App | LoginHost | None, bool]:
        text = value.decode("latin-1")
        for is_secure in (True, False):
            authority = parse_authority(text, is_secure)
            host = self._hosts.get(authority) if authority is not None else None
            if host is not None:
                return authority, host, host.origin.startswith("https://")
        return authority, None, False

    def app(self, text: str) -> App | None:
        """The app of an origin (``https://hr.example.com``) or of an authority's text (``hr.example.com:443``), or None."""
        return self._by_text.get(text)


def place_of(app: App, path: str) -> Rule | Malformed:
    """The rule for a path as sent, or why it is refused: ``rule_for`` its ``normalised`` spelling, for less."""
    place = app.places.get(path)
    if place is None:
        place = _place_of(app, path)
        if len(path) <= _LONGEST_LEARNED_PATH:
            app.places.keep(path, place)
    return place


def _place_of(app: App, path: str) -> Rule | Malformed:
    """A plain path has one other reading, without its trailing slash."""
    if not is_plain(path) or (app.case_insensitive and is_read_apart(path)):
        shape = normalised(path)
        return shape if isinstance(shape, Malformed) else rule_for(app, shape)
    rule = _first_way(app, path)
    if path[-1] == "/" and path != "/" and _first_way(app, path[:-1]) is not rule:
        return rule_for(app, path)
    return rule or DEFAULT_RULE


def _first_way(app: App, path: str) -> Rule | None:
    for matches, rule in app.ways:
        if matches(path) is not None:
            return rule
    return None


def rule_for(app: App, path: str) -> Rule | Malformed:
    """The rule for a normalised path: the first that matches it whole, and also that of every other reading of it.

    Other readings: ``%2F`` as a slash, path parameters (``;…``) taken off, cut at an escaped ``?`` or ``#``; for a case-insensitive server
    also those of ``windows_readings``. A trailing slash (and, for such a server, trailing dots and blanks) cannot shake off a rule that
    names the path. 400 where ``windows_readings`` cannot tell and the app's rules tell paths apart.
    """
    tells_apart = any(rule.pattern != "/**" for rule in app.rules)
    found = windows_readings(path) if app.case_insensitive and tells_apart else tuple(dict.fromkeys(readings(path)))
    if isinstance(found, Malformed):
        return found
    named = [_first_way(app, reading) or DEFAULT_RULE for reading in found]
    return reduce(Rule.and_also, named + [rule for reading in found if (rule := _shaken_off(app, reading)) is not None])


def _shaken_off(app: App, path: str) -> Rule | None:
    rule = _first_way(app, trimmed(path, app.case_insensitive))
    return rule if rule is not None and not rule.matches(path, app.case_insensitive) else None
