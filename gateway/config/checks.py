"""Checks how the keys of a configuration fit together.

(Warnings about valid settings are in ``cautions``.) Must never change a value, read a file or use the network. Each problem names the key
that has to change.
"""

import ipaddress
import re
from collections.abc import Iterator

from yarl import URL

from gateway.config.app_fields import identity_conflicts, set_field_conflicts
from gateway.config.app_servers import server_conflicts
from gateway.config.app_sessions import session_conflicts
from gateway.config.loops import are_one_address, loop_conflicts
from gateway.config.model import AppTable, Config, StateTable
from gateway.config.oidc_client import oidc_conflicts
from gateway.config.places import Path, Problem
from gateway.config.rules import rule_conflicts

_TIMEOUTS = ("connect_timeout", "first_byte_timeout", "idle_timeout")
_HAS_PORT = re.compile(r"rediss?://(?:[^/\[\]]*|\[[^\]]*\]):\d+(?:/\d*)?")


def conflicts(config: Config) -> Iterator[Problem]:
    """Every problem between keys that makes the configuration unusable."""
    yield from _hosts(config)
    yield from _okta(config)
    yield from _times(config)
    yield from oidc_conflicts(config)
    yield from _state(config)
    for number, app in enumerate(config.apps):
        yield from ((("app", number, *path), text) for path, text in _of_app(app))
        yield from _carrier(number, app, config)
        yield from _public_root(number, app)
    yield from _own_tls(config)
    if _trusts_everybody(config) and not config.listen.insecure_trust_all_proxies:
        remedy = "list your proxies, or set listen.insecure_trust_all_proxies = true"
        yield ("listen", "trusted_proxies"), f"with a range of all addresses every client may invent its own; {remedy}"
    yield from _redirecting(config)
    yield from loop_conflicts(config)
    if are_one_address(config.listen.address, config.admin.address):
        yield ("admin", "address"), "is the public address too; health and metrics need one of their own, such as 127.0.0.1:9090"


def _redirecting(config: Config) -> Iterator[Problem]:
    address, at = config.listen.redirect_address, ("listen", "redirect_address")
    if not address:
        return
    if any(are_one_address(address, other) for other in (config.listen.address, config.admin.address)):
        yield at, 'is listened at for something else already; give it an address of its own, such as ":80"'
    if not any(url.startswith("https://") for url in (config.login.url, *(app.url for app in config.apps))):
        yield at, "leads from http to https, and no host here is https; leave it out"


def advice(config: Config) -> Iterator[Problem]:
    """Limits of a valid configuration that an administrator should know. `check` prints them, a start does not."""
    if config.session.source == "okta" and not config.okta.connect_to and not config.okta.host:
        text = (
            f"{config.login.url} is a name of your own in front of the org, so links straight to {config.okta.org} bypass the gateway:"
            " sessions that begin there are others, which it cannot see; name the login host in every link, app and bookmark"
        )
        yield ("login", "url"), text


def _of_app(app: AppTable) -> Iterator[Problem]:
    yield from server_conflicts(app)
    yield from session_conflicts(app)
    yield from set_field_conflicts(app)
    yield from identity_conflicts(app)
    yield from rule_conflicts(app)


def _hosts(config: Config) -> Iterator[Problem]:
    seen: dict[str, str] = {URL(config.login.url).host or "": "login.url"}
    names: dict[str, int] = {}
    for number, app in enumerate(config.apps):
        host = URL(app.url).host or ""
        if host in seen:
            yield ("app", number, "url"), f"{host} is the host of {seen[host]} already; every app needs a host of its own"
        if app.name in names:
            yield ("app", number, "name"), f'"{app.name}" is the name of another app; names are unique'
        seen.setdefault(host, f"app {app.name}")
        names.setdefault(app.name, number)
    if (URL(config.okta.org).host or "") in seen:
        place = seen[URL(config.okta.org).host or ""]
        yield ("okta", "org"), f"is the host of {place}, so the gateway would ask itself; name the org's own host here"


def _okta(config: Config) -> Iterator[Problem]:
    if "{return}" not in config.okta.sign_in:
        yield ("okta", "sign_in"), 'has no {return}; say where the way back goes, as in "/login/login.htm?fromURI={return}"'
    if config.okta.host and not config.okta.connect_to and URL(config.okta.org).scheme == "https":
        yield ("okta", "host"), "needs okta.connect_to: the address that the custom domain is served from (its CNAME target)"


def _times(config: Config) -> Iterator[Problem]:
    if config.session.ttl_max < config.session.ttl:
        yield ("session", "ttl_max"), "is shorter than session.ttl; make it as long at least"
    if config.session.ttl > 3600:
        yield ("session", "ttl"), "is longer than an hour; a session that ended at Okta would live on here for that long"
    yield from _with_hook(config)
    waits = (*waits_of(config), *((("app", number, "health_interval"), app.health_interval) for number, app in enumerate(config.apps)))
    for path, wait_seconds in waits:
        if wait_seconds <= 0:
            yield path, 'is no time at all; give it some, for example "5s"'


def waits_of(config: Config) -> Iterator[tuple[Path, float]]:
    """Every deadline for a server or a client, with its key."""
    yield ("listen", "head_timeout"), config.listen.head_timeout
    yield from ((("okta", key), getattr(config.okta, key)) for key in _TIMEOUTS)
    for number, app in enumerate(config.apps):
        yield from ((("app", number, key), getattr(app, key)) for key in _TIMEOUTS)


def _with_hook(config: Config) -> Iterator[Problem]:
    session, at = config.session, ("session", "ttl_with_hook")
    if session.ttl_with_hook <= 0:
        return
    if not config.hooks.okta_secret_file:
        yield at, "counts only while Okta's event hook works; set hooks.okta_secret_file, or leave this key out"
    if session.ttl_with_hook < session.ttl:
        yield at, 'is shorter than session.ttl; make it as long at least, for example "15m", or 0s to do without it'
    if session.ttl_with_hook > 3600:
        yield at, "is longer than an hour; an end whose event gets lost would go unnoticed here for that long"


def _state(config: Config) -> Iterator[Problem]:
    state, workers = config.state, config.listen.workers
    if state.engine == "sqlite" and not state.directory and workers == 1:
        yield ("state", "directory"), 'is missing; name a folder for the database, or use state.engine = "auto"'
    if state.engine == "memory" and workers > 1:
        yield ("state", "engine"), f'"memory" is that of one process, and listen.workers starts {workers}; use "auto" or "sqlite"'
    if state.engine == "redis" and not state.url:
        yield ("state", "url"), 'is missing; say where Redis is, like "rediss://redis.example.com:6379"'
    if state.timeout <= 0:
        yield ("state", "timeout"), 'is no time at all; give it some, for example "1s"'
    yield from _redis(state)


def _redis(state: StateTable) -> Iterator[Problem]:
    if not state.is_redis:
        for name in ("url", "user_file", "password_file", "ca_file", "client_certificate", "client_key", "sentinel", "cluster"):
            if getattr(state, name):
                yield ("state", name), 'is of use only with Redis; use state.engine = "redis" with state.url, or leave it out'
        return
    if state.user_file and not state.password_file:
        yield ("state", "password_file"), "is missing; a user of Redis needs a password"
    if not state.url.startswith("rediss:"):
        for name in ("ca_file", "client_certificate"):
            if getattr(state, name):
                yield ("state", name), "is of use only with TLS; write rediss:// in state.url, or leave it out"
    for given, missing in (("client_certificate", "client_key"), ("client_key", "client_certificate")):
        if getattr(state, given) and not getattr(state, missing):
            yield ("state", missing), f"is missing; state.{given} is of use only together with it"
    if state.sentinel and state.cluster:
        yield ("state", "cluster"), "is not used together with state.sentinel; keep one of them"
    if state.sentinel and _HAS_PORT.fullmatch(state.url):
        yield ("state", "url"), 'has a port; with state.sentinel it names the service alone, like "rediss://mymaster"'
    if state.sentinel_password_file and not state.sentinel:
        yield ("state", "sentinel"), 'is missing; list the Sentinels, like ["sentinel-0.example.com:26379"]'
    if state.cluster and state.url.rpartition("/")[2].strip("0").isdecimal():
        yield ("state", "url"), "names a database; a Cluster has one only, so leave the number out"


def _carrier(number: int, app: AppTable, config: Config) -> Iterator[Problem]:
    """The app needs an ``upstream``, or a front proxy that carries it and may ask the gateway."""
    if not app.addresses and not config.listen.trusted_proxies:
        remedy = "add upstream = …, or, where a front proxy carries the app, list that proxy in listen.trusted_proxies"
        yield ("app", number, "upstream"), f"is missing; {remedy}"


def _own_tls(config: Config) -> Iterator[Problem]:
    """TLS needs both files, and then every configured URL must be https."""
    listen = config.listen
    for given, missing in (("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")):
        if getattr(listen, given) and not getattr(listen, missing):
            yield ("listen", missing), f"is missing; listen.{given} is of use only together with it"
    if listen.tls_certificate and listen.tls_key:
        sites: list[tuple[Path, str]] = [(("login", "url"), config.login.url)]
        sites += [(("app", number, "url"), app.url) for number, app in enumerate(config.apps)]
        for path, url in sites:
            if url.startswith("http://"):
                yield path, "is plain http, but listen.tls_certificate makes browsers come by https; write https://"


def _trusts_everybody(config: Config) -> bool:
    """Whether the ranges together are all addresses of a family: 0.0.0.0/1 and 128.0.0.0/1 make 0.0.0.0/0."""
    networks = config.listen.trusted_proxies
    four = [network for network in networks if isinstance(network, ipaddress.IPv4Network)]
    six = [network for network in networks if isinstance(network, ipaddress.IPv6Network)]
    whole = (*(one.prefixlen for one in ipaddress.collapse_addresses(four)), *(one.prefixlen for one in ipaddress.collapse_addresses(six)))
    return 0 in whole


def public_keys(app: AppTable) -> list[Path]:
    """The keys that open all of an app to everybody, without a session."""
    found: list[Path] = [("access",)] if app.access == "anyone" else []
    whole = {f"{beginning}{rest}" for beginning in ("", app.strip_prefix) for rest in ("", "/", "/**", "/*")}
    for number, rule in enumerate(app.rules):
        if rule.access == "anyone" and rule.path in whole:
            found.append(("rule", number, "path"))
    return found


def _public_root(number: int, app: AppTable) -> Iterator[Problem]:
    for path in public_keys(app):
        if not app.allow_public_root:
            text = f"opens {app.name} to everybody without a session; narrow it, or set allow_public_root = true for this app"
            yield ("app", number, *path), text
