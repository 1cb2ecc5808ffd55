"""From the configuration's tables to the values that the rooms take: hosts and rules, destinations, deadlines.

Owns the translation, one function for each value. Must never open, resolve or ask anything. Rules from: DESIGN sections 2 to 5.
"""

import hmac
import ssl
from pathlib import Path
from typing import NamedTuple

from yarl import URL

from gateway.config import AppTable, Config, RuleTable
from gateway.core.cache import Lifetimes
from gateway.core.fields import FieldRules
from gateway.core.messages import Authority
from gateway.core.routing import Access, App, LoginHost, RouteTable, Rule
from gateway.core.session import Fingerprinter
from gateway.outbound import Deadlines, Destination
from gateway.sessions import SessionRules


class OrgPlace(NamedTuple):
    """Where the org is, and the origin that it puts into its own addresses."""

    destination: Destination
    own_origin: str


def authority_of(origin: str) -> Authority:
    """The authority of a configured origin, its port filled in from the scheme."""
    url = URL(origin)
    host = f"[{url.host}]" if url.host and ":" in url.host else (url.host or "")
    return Authority(host, url.port or 443)


def netloc_of(origin: str) -> str:
    """The Host field's value for an origin: the port only where it is not the scheme's own."""
    return origin.partition("://")[2]


def route_table(config: Config) -> RouteTable:
    """All hosts of the configuration with their rules."""
    login = LoginHost(config.login.url, authority_of(config.login.url))
    return RouteTable(login, [_app(app) for app in config.apps])


def _app(app: AppTable) -> App:
    rules = [_rule(rule) for rule in app.rules]
    if app.access != "session":
        rules.append(Rule("/**", Access(app.access)))
    return App(app.name, app.url, authority_of(app.url), tuple(rules), app.case_insensitive, app.websocket_origins)


def _rule(rule: RuleTable) -> Rule:
    within = rule.authenticated_within
    return Rule(
        pattern=rule.path,
        access=Access(rule.access),
        methods=frozenset(rule.methods) if rule.methods is not None else None,
        users=frozenset(rule.users) if rule.users is not None else None,
        amr=frozenset(rule.amr) if rule.amr is not None else None,
        authenticated_within_seconds=int(within) if within is not None else None,
    )


def field_rules(app: AppTable) -> FieldRules:
    """What this app is told, and which odd field names it gets."""
    identity = tuple((name.encode("ascii"), attribute) for name, attribute in app.identity.items())
    return FieldRules(identity, frozenset(name.lower().encode("ascii") for name in app.allow_fields))


def deadlines(table: AppTable) -> Deadlines:
    """How long this app is waited for."""
    return Deadlines(table.connect_timeout, table.first_byte_timeout, table.idle_timeout)


def org_deadlines(config: Config) -> Deadlines:
    """How long Okta is waited for."""
    return Deadlines(config.okta.connect_timeout, config.okta.first_byte_timeout, config.okta.idle_timeout)


def upstream(app: AppTable) -> Destination:
    """Where the app is; its Host field is the app's public one, which ``core.fields`` puts in."""
    return Destination(app.upstream, netloc_of(app.url))


def org_place(config: Config, folder: Path) -> OrgPlace:
    """Where the org is. With a custom domain its name goes out as Host and TLS name, whatever address is connected to."""
    okta = config.okta
    base = okta.connect_to or okta.org
    host = okta.host or netloc_of(config.login.url if okta.connect_to else okta.org)
    is_tls = base.startswith("https://")
    context = ssl.create_default_context(cafile=folder / Path(okta.ca_file).expanduser()) if okta.ca_file and is_tls else None
    destination = Destination(base, host, host.partition(":")[0] if is_tls else None, context)
    return OrgPlace(destination, f"{URL(base).scheme}://{host}")


def session_rules(config: Config) -> SessionRules:
    """How long Okta's answers are believed."""
    table = config.session
    lifetimes = Lifetimes(ttl=table.ttl, ttl_max=table.ttl_max, grace=table.grace)
    return SessionRules(lifetimes, table.max_entries, table.keep_alive)


def fingerprinter(config: Config, seal_keys: tuple[bytes, ...]) -> Fingerprinter:
    """One for the org, keyed by the newest seal key: replicas with the same keys name the same browser alike."""
    return Fingerprinter(hmac.digest(seal_keys[0], b"session-gateway fingerprints", "sha256"), config.okta.org)
