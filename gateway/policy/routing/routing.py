"""Routing: which configured host a request is for, and which rule of its app applies.

A path can be read in several ways, because servers decode paths differently (``policy.http.paths``, ``policy.http.odd_paths``). If two
common readings of a path have different rules, both rules apply together. If a path is spelled so oddly that servers are known to disagree,
it is refused unless all its readings have the same conditions. This module must never change what is forwarded, and never admit more than
the rules.

Names in this module: ``matchers`` are an app's rules with their compiled patterns, in order. ``rule_of_path`` finds the rule of a
path, or the refusal, and ``App.rules_by_path`` caches it. Names of ``policy.http.paths`` are exported here too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from gateway.memo import Memo, RecentCache
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
    "rule_for",
    "rule_of_path",
]

_NOT_ASCII: Final = Malformed(400, "target")
"""Refuses bytes beyond ASCII in a target, except at an app: an app may know in which charset an old browser wrote its query."""
_LONGEST_CACHED_HOST: Final = 255
_LONGEST_CACHED_PATH: Final = 256


RuleMatchers = tuple[tuple[Callable[[str], object], Rule], ...]
"""Rules in their order, each after the function that matches its paths."""


@dataclass(frozen=True, slots=True)
class App:
    """One protected app: its public origin, its rules in order, and how its server reads paths.

    ``title``: its name on pages; the host if none is configured. ``lets_preflights_pass``: CORS preflights are sent to the app without a
    check. ``overrides``: the fields, in lower case, by which a client may ask the app for another method than that of the request line.
    ``matchers``: the rules for a method that no rule names; ``matchers_by_method``: the rules for each method that some rule names.
    ``rules_by_path``: cached results of ``rule_of_path``; the key is a path, or a method and a path if a rule names that method.
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
    matchers: RuleMatchers = field(init=False, repr=False, compare=False)
    matchers_by_method: Mapping[str, RuleMatchers] = field(init=False, repr=False, compare=False)
    tells_paths_apart: bool = field(init=False, repr=False, compare=False)
    rules_by_path: RecentCache[object, Rule | Malformed] = field(init=False, repr=False, compare=False, default_factory=RecentCache)

    def __post_init__(self) -> None:
        """``tells_paths_apart``: whether the rule depends on the path at all."""
        if not self.title:
            object.__setattr__(self, "title", self.authority.host)
        named = {method for rule in self.rules for method in rule.methods or ()}
        object.__setattr__(self, "matchers", self._matchers_for(None))
        object.__setattr__(self, "matchers_by_method", {method: self._matchers_for(method) for method in named})
        object.__setattr__(self, "tells_paths_apart", any(rule.pattern != "/**" for rule in self.rules))

    def _matchers_for(self, method: str | None) -> RuleMatchers:
        rules = (rule for rule in self.rules if rule.methods is None or method in rule.methods)
        return tuple((expression(rule.pattern, self.case_insensitive).fullmatch, rule) for rule in rules)


@dataclass(frozen=True, slots=True)
class LoginHost:
    """The login host. The gateway forwards its requests to the Okta org."""

    origin: str
    authority: Authority


class RouteTable:
    """All configured hosts. A request for any other host is answered with 421."""

    def __init__(self, login: LoginHost, apps: Sequence[App]) -> None:
        """ValueError if two hosts have the same authority, because a request could not be assigned to one of them."""
        self.login = login
        self.apps = tuple(apps)
        self._hosts: dict[Authority, App | LoginHost] = {login.authority: login}
        for app in self.apps:
            if self._hosts.setdefault(app.authority, app) is not app:
                raise ValueError(f"two hosts at {app.authority}")
        self._by_text = {text: app for app in self.apps for text in (app.origin, str(app.authority))}
        self._named = Memo(self._named_by, _LONGEST_CACHED_HOST)

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of all configured hosts. A browser may be redirected to these."""
        return (self.login.origin, *(app.origin for app in self.apps))

    def host(self, authority: Authority) -> App | LoginHost | None:
        """The configured host of an authority, or None."""
        return self._hosts.get(authority)

    def admit(self, received: Received, limits: HeadLimits) -> tuple[RequestHead, App | LoginHost | None] | Malformed:
        """The request's head and its host, which is None if it is not configured; or why the request is refused.

        Refused are: a ``Host`` that is not a host (400), a ``Connection`` field that names a field for the server (``NAMED_AWAY``, 400), a
        target beyond ASCII that is not for an app (400), and a request line that is too long for this host (414). The scheme comes from the
        configured public address, not from the connection: a host without a port is looked up as https first, then as http.
        """
        named = received.named
        connection = named.get(b"connection")
        if connection is not None and connection not in USUAL_CONNECTIONS and takes_away(connection):
            return NAMED_AWAY
        authority, host, is_secure = self.named(host_in(named))
        if authority is None:
            return Malformed(400, "host")
        if is_line_too_long(received.method, received.target, limits.line_bytes) and not isinstance(host, LoginHost):
            return LINE_TOO_LONG
        if not received.target.isascii() and not isinstance(host, App):
            return _NOT_ASCII
        return RequestHead(
            received.method, received.target, authority, received.given, is_secure, received.peer, received.address, named
        ), host

    def named(self, value: bytes) -> tuple[Authority | None, App | LoginHost | None, bool]:
        """What the value of a ``Host`` field names: its authority (None if it is not one), the configured host, and whether that host is
        https.
        """
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
        """The app with this origin (``https://hr.example.com``) or this authority (``hr.example.com:443``), or None."""
        return self._by_text.get(text)


def rule_of_path(app: App, path: str, method: str) -> Rule | Malformed:
    """The rule for a path as sent and a method, or why the request is refused.

    The same result as ``rule_for`` of the path's ``normalised`` spelling, but cached and with a fast path for plain paths.
    """
    key: object = path
    if app.matchers_by_method and method in app.matchers_by_method:
        key = method, path
    rule = app.rules_by_path.get(key)
    if rule is None:
        rule = _find_rule(app, path, method)
        if len(path) <= _LONGEST_CACHED_PATH:
            app.rules_by_path.keep(key, rule)
    return rule


def _find_rule(app: App, path: str, method: str) -> Rule | Malformed:
    """Finds the rule without the cache. The only other reading of a plain path is the one without its trailing slash."""
    if not is_plain(path) or (app.case_insensitive and is_read_apart(path)):
        shape = normalised(path)
        found = shape if isinstance(shape, Malformed) else rule_for(app, shape, method)
        return _rule_of_all(app, path, method, found) if isinstance(found, Malformed) and found.reason in ODD else found
    rule = _first_match(app, path, method)
    if path[-1] == "/" and path != "/" and _first_match(app, path[:-1], method) is not rule:
        return rule_for(app, path, method)
    return rule or DEFAULT_RULE


def _first_match(app: App, path: str, method: str) -> Rule | None:
    """The first rule in order that matches this path and method, or None."""
    for matches, rule in app.matchers_by_method.get(method, app.matchers):
        if matches(path) is not None:
            return rule
    return None


def rule_for(app: App, path: str, method: str) -> Rule | Malformed:
    """The rule for a normalised path: the first rule that matches the whole path, combined with the rules of all other readings of it.

    Other readings: ``%2F`` read as a slash; path parameters (``;…``) removed; cut at an escaped ``?`` or ``#``; for a case-insensitive
    server also those of ``windows_readings``. A rule that names the path also applies if the request adds a trailing slash (for such a
    server also trailing dots and blanks). 400 if ``windows_readings`` cannot tell the readings, and the app's rules depend on the path.
    """
    is_windows = app.case_insensitive and app.tells_paths_apart
    found = windows_readings(path) if is_windows else tuple(dict.fromkeys(readings(path)))
    if isinstance(found, Malformed):
        return found
    named = [_first_match(app, reading, method) or DEFAULT_RULE for reading in found]
    return reduce(Rule.and_also, named + [rule for reading in found if (rule := _shaken_off(app, reading, method)) is not None])


def _rule_of_all(app: App, path: str, method: str, doubt: Malformed) -> Rule | Malformed:
    """The rule of a path that servers are known to read in many ways, if all its readings have the same conditions; else ``doubt``.

    A reading under ``/.gateway``, or above the root, has no rule: the result is ``doubt`` then too.
    """
    if not app.tells_paths_apart and not may_leave(path, app.case_insensitive):
        return _first_match(app, "/", method) or DEFAULT_RULE
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
    """The rule of one reading; None if it cannot be known for sure."""
    if app.case_insensitive:
        reading = case_folded(reading)
        if has_short_name(reading):
            return None
    rule = _first_match(app, reading, method) or DEFAULT_RULE
    shaken_off = _shaken_off(app, reading, method)
    return rule if shaken_off is None or shaken_off.conditions == rule.conditions else None


def _shaken_off(app: App, path: str, method: str) -> Rule | None:
    """The rule that the path would avoid by a trailing slash (on Windows also by trailing dots or blanks), or None."""
    rule = _first_match(app, trimmed(path, app.case_insensitive), method)
    return rule if rule is not None and not rule.matches(path, app.case_insensitive) else None
