"""Translates the configuration's tables into the values that the rooms take: hosts and rules, destinations, timeouts.

One function for each value. Must never open a connection, resolve a name or ask a server. (CA files and certificates are read.)
"""

import hmac
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from yarl import URL

from gateway.config import AppTable, Config, RuleTable, client_pair
from gateway.config.values import is_this_machine
from gateway.outbound import Destination, Timeouts
from gateway.policy.http.fields import FieldRules
from gateway.policy.http.messages import Authority, HeadLimits, parse_authority
from gateway.policy.http.own_references import OwnReferences
from gateway.policy.http.proxy_fields import overrides_method
from gateway.policy.http.rewriting import Origin, Rewriting
from gateway.policy.routing.balancing import Balancer
from gateway.policy.routing.prefixes import Prefixes
from gateway.policy.routing.routing import Access, App, LoginHost, RouteTable, Rule
from gateway.policy.routing.server_health import Server
from gateway.policy.session.cache import Lifetimes
from gateway.policy.session.session import Fingerprinter
from gateway.sessions import SessionRules
from gateway.upstream.server_address import ServerAddress


class OrgAddress(NamedTuple):
    """Where the org is, and the origin that it uses in its own addresses."""

    destination: Destination
    own_origin: str


class AppServer(NamedTuple):
    """One server of an app as the balancer knows it, and its address."""

    server: Server
    address: ServerAddress


def head_limits(config: Config) -> HeadLimits:
    """How large a head may be on an app host, and how long the login host's request line may be."""
    listen = config.listen
    return HeadLimits(listen.request_line, listen.fields_count, listen.fields_size, max(listen.request_line, config.login.request_line))


def authority_of(origin: str) -> Authority:
    """The authority of a configured origin, with its port."""
    url = URL(origin)
    host = f"[{url.host}]" if url.host and ":" in url.host else (url.host or "")
    return Authority(host, url.port or 443)


def netloc_of(origin: str) -> str:
    """The Host field's value for an origin. It has a port only if the port is not the default of the scheme."""
    return origin.partition("://")[2]


def route_table(config: Config) -> RouteTable:
    """All hosts of the configuration with their rules."""
    login = LoginHost(config.login.url, authority_of(config.login.url))
    return RouteTable(login, [_app(app) for app in config.apps])


def _app(app: AppTable) -> App:
    rules = [_rule(rule) for rule in app.rules]
    if app.access != "session":
        rules.append(Rule("/**", Access(app.access)))
    allowed = frozenset(name.lower().encode("ascii") for name in app.allow_fields)
    return App(
        app.name, app.url, authority_of(app.url), tuple(rules), app.case_insensitive, app.websocket_origins, app.title,
        app.cors_preflight == "app", frozenset(filter(overrides_method, allowed)),
    )  # fmt: skip


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
    """Which fields this app gets: identity, constants, and fields that are usually taken out."""
    identity = tuple((name.encode("ascii"), attribute) for name, attribute in app.identity.items())
    allowed = frozenset(name.lower().encode("ascii") for name in app.allow_fields)
    constant = tuple((name.encode("ascii"), value.encode("utf-8")) for name, value in app.set_fields.items())
    own = _own_references(app)
    return FieldRules(identity, allowed, constant=constant, referring=own.names, refer=own.value)


def _own_references(app: AppTable) -> OwnReferences:
    """How this app names itself: by the Host that it gets, and the scheme of its first server."""
    address = app.addresses[0] if app.addresses else app.url
    scheme = "https" if address.startswith("https://") else "http"
    return OwnReferences(app.url, f"{scheme}://{app_host(app)}", prefixes(app), bool(app.upstream_host))


def timeouts(table: AppTable) -> Timeouts:
    """How long the gateway waits for this app."""
    return Timeouts(table.connect_timeout, table.first_byte_timeout, table.idle_timeout)


def org_timeouts(config: Config) -> Timeouts:
    """How long the gateway waits for Okta when it checks or closes a session."""
    return Timeouts(config.okta.connect_timeout, config.okta.first_byte_timeout, config.okta.idle_timeout)


def forward_timeouts(config: Config) -> Timeouts:
    """How long the gateway waits for Okta when it forwards a browser's request: a sign-in may have to wait for another directory."""
    return Timeouts(config.okta.connect_timeout, config.okta.forward_first_byte_timeout, config.okta.idle_timeout)


def app_host(app: AppTable) -> str:
    """The Host field's value for the app: its public name, or ``upstream_host``."""
    return app.upstream_host or netloc_of(app.url)


def servers(app: AppTable, folder: Path) -> tuple[AppServer, ...]:
    """Every server of the app. Files are looked for in ``folder``; all servers with https share one TLS context."""
    tls = _client_tls(app, folder) if any(address.startswith("https://") for address in app.addresses) else None
    return tuple(AppServer(server, _place(app, server.name, tls)) for server in _named(app))


def _named(app: AppTable) -> tuple[Server, ...]:
    several = tuple(Server(server.url, server.weight) for server in app.servers)
    return several or tuple(map(Server, app.addresses))


def _place(app: AppTable, address: str, tls: ssl.SSLContext | None) -> ServerAddress:
    if address.startswith("unix:"):
        return ServerAddress("", 0, address.removeprefix("unix:"))
    url = URL(address)
    if url.scheme == "http":
        return ServerAddress(url.host or "", url.port or 80)
    return ServerAddress(url.host or "", url.port or 443, None, tls, app.upstream_server_name or None)


def _client_tls(app: AppTable, folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=folder / Path(app.upstream_ca_file).expanduser() if app.upstream_ca_file else None)
    context.set_alpn_protocols(["http/1.1"])
    pair = client_pair(app, folder)
    if pair is not None:
        context.load_cert_chain(pair.certificate, pair.key, password=lambda: "")
    return context


def balancer(app: AppTable, seal_keys: tuple[bytes, ...]) -> Balancer:
    """The balancer for the app's servers.

    For a sticky app, workers and replicas with the same newest seal key choose the same server for a session.
    """
    return Balancer(_named(app), hmac.digest(seal_keys[0], b"session-gateway stickiness", "sha256") if app.balance == "sticky" else None)


def prefixes(app: AppTable) -> Prefixes:
    """What is removed from the front of the app's paths, and what is put destination."""
    return Prefixes(app.strip_prefix, app.add_prefix)


def rewriting(app: AppTable) -> Rewriting | None:
    """How the app's answers are changed to its public name; None if the app knows its own public name and paths."""
    if not (app.upstream_host or app.strip_prefix or app.add_prefix):
        return None
    return Rewriting(app.url, frozenset(_inner_origins(app)), prefixes(app))


def references(app: AppTable) -> Rewriting | None:
    """Like ``rewriting``, for an app that knows its public name and paths. It may still write its inner address, or plain http.

    Else None.
    """
    return Rewriting(app.url, frozenset(_inner_origins(app)), Prefixes()) if rewriting(app) is None else None


def _inner_origins(app: AppTable) -> Iterator[Origin]:
    """The origins that the app may take for its own: its address, and the Host that it gets, by both schemes and several ports."""
    own = [(URL(address).scheme, authority_of(address)) for address in app.addresses if not address.startswith("unix:")]
    named = parse_authority(app_host(app), secure=True)
    if named is not None:
        for scheme in ("http", "https"):
            yield from ((scheme, Authority(named.host, port)) for port in {80, 443, named.port, *(at.port for _, at in own)})
    for scheme, at in own:
        yield scheme, at
        if is_this_machine(at.host):
            yield from ((scheme, Authority(host, at.port)) for host in ("localhost", "127.0.0.1", "[::1]"))


def org_address(config: Config, folder: Path) -> OrgAddress:
    """Where the org is. With a custom domain, that name is sent as Host and TLS name, whatever address is connected to."""
    okta = config.okta
    base = okta.connect_to or okta.org
    host = okta.host or netloc_of(config.login.url if okta.connect_to else okta.org)
    is_tls = base.startswith("https://")
    context = ssl.create_default_context(cafile=folder / Path(okta.ca_file).expanduser()) if okta.ca_file and is_tls else None
    destination = Destination(base, host, host.partition(":")[0] if is_tls else None, context)
    return OrgAddress(destination, f"{URL(base).scheme}://{host}")


def server_address(destination: Destination) -> ServerAddress:
    """The same server, for the gateway's own connections."""
    url = URL(destination.base)
    if url.scheme == "http":
        return ServerAddress(url.host or "", url.port or 80)
    return ServerAddress(url.host or "", url.port or 443, None, destination.tls or ssl.create_default_context(), destination.server_name)


def session_rules(config: Config) -> SessionRules:
    """How long Okta's answers are cached.

    An OpenID Connect proof counts for its whole time, because only a navigation can bring a new one.
    """
    table = config.session
    if table.source == "oidc":
        return SessionRules(Lifetimes(table.proof_interval, table.proof_interval, refresh_ahead=0.0), table.max_entries)
    lifetimes = Lifetimes(ttl=table.ttl, ttl_max=table.ttl_max, grace=table.grace)
    longer = replace(lifetimes, ttl=table.ttl_with_hook, ttl_max=max(table.ttl_with_hook, table.ttl_max))
    return SessionRules(lifetimes, table.max_entries, table.keep_alive, with_hook=longer if table.ttl_with_hook > table.ttl else None)


def fingerprinter(config: Config, seal_keys: tuple[bytes, ...]) -> Fingerprinter:
    """The fingerprinter for the org, with the newest seal key: replicas with the same keys give a browser the same fingerprint."""
    return Fingerprinter(hmac.digest(seal_keys[0], b"session-gateway fingerprints", "sha256"), config.okta.org)
