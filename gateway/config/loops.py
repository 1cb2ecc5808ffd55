"""Finds configured addresses that lead back to the gateway itself.

Compares spellings only; must never resolve a name. An address that leads here only by DNS gives a warning, not an error.
"""

from collections.abc import Iterator

from yarl import URL

from gateway.config.model import AppTable, Config
from gateway.config.places import Problem
from gateway.config.values import host_of, is_this_machine, port_of

_EVERY_INTERFACE = (None, "0.0.0.0", "::")  # noqa: S104 - compared, not bound

KeyedAddress = tuple[tuple[str | int, ...], str]
"""A key of the configuration, and the address that it holds."""


def are_one_address(one: str, other: str) -> bool:
    """Whether the gateway cannot listen on both. Port 0 is any free port; "every interface" includes every other host."""
    hosts = {host_of(one), host_of(other)}
    return port_of(one) == port_of(other) != 0 and (len(hosts) == 1 or bool(hosts.intersection(_EVERY_INTERFACE)))


def loop_conflicts(config: Config) -> Iterator[Problem]:
    """Servers that are the gateway's own addresses: an error."""
    own = {"listen.address": config.listen.address, "admin.address": config.admin.address}
    for path, address in _addresses(config):
        for key, listening in own.items():
            if _is_at(address, listening):
                yield path, f"{address} is this gateway's own {key}, so it would ask itself; name the port of the server behind it"
    if config.okta.connect_to and URL(config.okta.connect_to).host == URL(config.login.url).host:
        text = "is the host of login.url, whose DNS leads to the gateway; name Okta's own address for the custom domain (its CNAME target)"
        yield ("okta", "connect_to"), text


def loop_cautions(config: Config) -> Iterator[Problem]:
    """Servers that have a public name of the gateway: a warning, because inside another DNS may answer with another address."""
    public = {URL(config.login.url).host: "login.url"} | {URL(app.url).host: f"app {app.name}" for app in config.apps}
    for path, address in _addresses(config):
        host = URL(address).host
        if host in public and not is_this_machine(host or ""):
            text = f"{host} is the public name of {public[host]}, whose DNS leads to the gateway; name the server's own address"
            yield path, text


def _addresses(config: Config) -> Iterator[KeyedAddress]:
    for number, app in enumerate(config.apps):
        yield from ((("app", number, *path), address) for path, address in servers_of(app) if not address.startswith("unix:"))


def servers_of(app: AppTable) -> Iterator[KeyedAddress]:
    """The app's servers, each with its key."""
    if app.upstream is not None:
        yield ("upstream",), app.upstream
    yield from ((("server", position, "url"), server.url) for position, server in enumerate(app.servers))


def _is_at(address: str, listening: str) -> bool:
    url, host = URL(address), host_of(listening)
    if url.port != port_of(listening):
        return False
    named = url.host or ""
    if named == host or named in _EVERY_INTERFACE:
        return True
    return is_this_machine(named) and (host in _EVERY_INTERFACE or (not _is_literal(named) and is_this_machine(host or "")))


def _is_literal(host: str) -> bool:
    """Whether a loopback host is an IP address. 127.0.0.2 is not 127.0.0.1, but localhost may be either."""
    return host[:1].isdigit() or ":" in host
