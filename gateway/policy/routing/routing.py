"""Which host and which rule a request belongs to.

Owns the choice among hosts and rules; what a path may be read as is ``policy.http.paths``, whose names are also found here, and
``policy.http.odd_paths``. Must never change what is forwarded, and never widen. Where two usual readings of a path meet different rules,
both bind; a path that servers read in many ways is refused then. A rule is for the methods that it names, or for all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from gateway.policy.http.hop_by_hop import NAMED_AWAY, USUAL_CONNECTIONS, takes_away
from gateway.policy.http.messages import (
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
from gateway.policy.http.odd_paths import may_leave, odd_readings
from gateway.policy.http.paths import (
    ODD,
    ascii_lower,
    case_folded,
    expression,
    is_own,
    is_plain,
    normalised,
    pattern_problem,
    readings,
    trimmed,
)
from gateway.policy.http.windows_paths import has_short_name, is_read_apart, windows_readings
from gateway.policy.learned import Learned, Recent
from gateway.policy.routing.rules import DEFAULT_RULE, Access, Rule

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

_NOT_ASCII: Final = Malformed(400, "target")
"""Apps may know in which charset a browser of old wrote a query; the org need not guess."""
_LONGEST_LEARNED_HOST: Final = 255
_LONGEST_LEARNED_PATH: Final = 256


Ways = tuple[tuple[Callable[[str], object], Rule], ...]
"""Rules in their order, each behind what matches its paths."""


@dataclass(frozen=True, slots=True)
class App:
    """One protected app: its public origin, the rules in their order, and how its server reads paths.

    ``title``: what pages call it; its host where nobody gave it a name.
    ``lets_preflights_pass``: the app answers the preflights of browsers itself, whoever asks. ``overrides``: the fields, in lower case, by
    which a client may ask it for another method than that of the first line.
    ``ways``: the rules for a method that no rule names, each behind what matches its paths; ``ways_by_method``: the same for the others.
    ``places``: what was found of late, for a path, or for a method and a path where a rule names methods.
    """

    name: str
    origin: str
    authority: Authority
    rules: tuple[Rule, ...] = ()
    case_insensitive: bool = False
    websocket_origins: tuple[str, ...] = ()
    title: str = ""
    lets_preflights_pass: bool = False
    overrides: frozenset[bytes] = frozenset()
    ways: Ways = field(init=False, repr=False, compare=False)
    ways_by_method: Mapping[str, Ways] = field(init=False, repr=False, compare=False)
    tells_paths_apart: bool = field(init=False, repr=False, compare=False)
    places: Recent[object, Rule | Malformed] = field(init=False, repr=False, compare=False, default_factory=Recent)

    def __post_init__(self) -> None:
        """``tells_paths_apart``: whether it depends on the path which rule holds."""
        if not self.title:
            object.__setattr__(self, "title", self.authority.host)
        named = {method for rule in self.rules for method in rule.methods or ()}
        object.__setattr__(self, "ways", self._ways(None))
        object.__setattr__(self, "ways_by_method", {method: self._ways(method) for method in named})
        object.__setattr__(self, "tells_paths_apart", any(rule.pattern != "/**" for rule in self.rules))

    def _ways(self, method: str | None) -> Ways:
        rules = (rule for rule in self.rules if rule.methods is None or method in rule.methods)
        return tuple((expression(rule.pattern, self.case_insensitive).fullmatch, rule) for rule in rules)


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

        The scheme is that of the host's public address, whatever was received: a name without a port is looked for under both.
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
        if not asked.target.isascii() and not isinstance(host, App):
            return _NOT_ASCII
        return RequestHead(asked.method, asked.target, authority, asked.given, is_secure, asked.peer, asked.address, named), host

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


def place_of(app: App, path: str, method: str) -> Rule | Malformed:
    """The rule for a path as sent and a method, or why it is refused: ``rule_for`` its ``normalised`` spelling, for less."""
    key: object = path
    if app.ways_by_method and method in app.ways_by_method:
        key = method, path
    place = app.places.get(key)
    if place is None:
        place = _place_of(app, path, method)
        if len(path) <= _LONGEST_LEARNED_PATH:
            app.places.keep(key, place)
    return place


def _place_of(app: App, path: str, method: str) -> Rule | Malformed:
    """A plain path has one other reading, without its trailing slash."""
    if not is_plain(path) or (app.case_insensitive and is_read_apart(path)):
        shape = normalised(path)
        found = shape if isinstance(shape, Malformed) else rule_for(app, shape, method)
        return _rule_of_all(app, path, method, found) if isinstance(found, Malformed) and found.reason in ODD else found
    rule = _first_way(app, path, method)
    if path[-1] == "/" and path != "/" and _first_way(app, path[:-1], method) is not rule:
        return rule_for(app, path, method)
    return rule or DEFAULT_RULE


def _first_way(app: App, path: str, method: str) -> Rule | None:
    for matches, rule in app.ways_by_method.get(method, app.ways):
        if matches(path) is not None:
            return rule
    return None


def rule_for(app: App, path: str, method: str) -> Rule | Malformed:
    """The rule for a normalised path: the first that matches it whole, and also that of every other reading of it.

    Other readings: ``%2F`` as a slash, path parameters (``;…``) taken off, cut at an escaped ``?`` or ``#``; for a case-insensitive server
    also those of ``windows_readings``. A trailing slash (and, for such a server, trailing dots and blanks) cannot shake off a rule that
    names the path. 400 where ``windows_readings`` cannot tell and the app's rules tell paths apart.
    """
    is_windows = app.case_insensitive and app.tells_paths_apart
    found = windows_readings(path) if is_windows else tuple(dict.fromkeys(readings(path)))
    if isinstance(found, Malformed):
        return found
    named = [_first_way(app, reading, method) or DEFAULT_RULE for reading in found]
    return reduce(Rule.and_also, named + [rule for reading in found if (rule := _shaken_off(app, reading, method)) is not None])


def _rule_of_all(app: App, path: str, method: str, doubt: Malformed) -> Rule | Malformed:
    """The rule of every reading of a path that servers read in many ways; ``doubt`` where two differ in what they ask for, or one has none.

    What is the gateway's own, or climbs above the root, has none.
    """
    if not app.tells_paths_apart and not may_leave(path, app.case_insensitive):
        return _first_way(app, "/", method) or DEFAULT_RULE
    found = odd_readings(path, app.case_insensitive)
    if found is None:
        return doubt
    agreed: Rule | None = None
    for reading in found:
        rule = None if is_own(reading) else _bound(app, reading, method)
        if rule is None or (agreed is not None and rule.conditions != agreed.conditions):
            return doubt
        agreed = agreed or rule
    return agreed or doubt


def _bound(app: App, reading: str, method: str) -> Rule | None:
    """The rule of a reading; None where it has none for sure."""
    if app.case_insensitive:
        reading = case_folded(reading)
        if has_short_name(reading):
            return None
    rule = _first_way(app, reading, method) or DEFAULT_RULE
    shaken_off = _shaken_off(app, reading, method)
    return rule if shaken_off is None or shaken_off.conditions == rule.conditions else None


def _shaken_off(app: App, path: str, method: str) -> Rule | None:
    rule = _first_way(app, trimmed(path, app.case_insensitive), method)
    return rule if rule is not None and not rule.matches(path, app.case_insensitive) else None
