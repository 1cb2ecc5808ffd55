"""Warnings: settings that are valid but often a mistake. They are printed at every start, and the gateway starts.

Must never change a value, read a file or use the network. Must never warn of a setting that most deployments have.
"""

import ipaddress
from collections.abc import Iterator

from yarl import URL

from gateway.config.app_servers import field_cautions
from gateway.config.checks import public_keys, waits_of
from gateway.config.loops import loop_cautions, servers_of
from gateway.config.model import AppTable, Config
from gateway.config.places import Problem
from gateway.config.rules import rule_cautions
from gateway.config.values import Network, port_of

_WIDEST_PREFIX = {4: 16, 6: 48}
_EXAMPLES = tuple(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
"""RFC 5737 and 3849: addresses for documentation, which no machine has."""
_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
SHORTEST_TTL, SHORTEST_WAIT, SHORTEST_KEEP_ALIVE, LONGEST_MAX_AGE = 1.0, 0.1, 30.0, 60.0
LONGEST_APP_KEEP_ALIVE = 75.0
LEAST_BODY = 1024
_OKTAS_OWN = ("okta.com", "www.okta.com", "login.okta.com", "developer.okta.com", "oktapreview.com", "okta-emea.com")


def cautions(config: Config) -> Iterator[Problem]:
    """All warnings about this configuration."""
    for path, text in _all(config):
        yield path, f"WARNING: {text}"


def _all(config: Config) -> Iterator[Problem]:
    yield from _asked_for(config)
    yield from _proxies(config)
    yield from _times(config)
    yield from _okta(config)
    yield from _ports(config)
    yield from loop_cautions(config)
    for number, app in enumerate(config.apps):
        yield from ((("app", number, *path), text) for path, text in (*rule_cautions(app), *field_cautions(app), *_of_app(app)))


def _asked_for(config: Config) -> Iterator[Problem]:
    if config.listen.insecure_trust_all_proxies:
        yield ("listen", "insecure_trust_all_proxies"), "X-Forwarded-For is believed from anybody; list your proxies instead"
    for number, app in enumerate(config.apps):
        if public_keys(app):
            text = f"{app.name} is open to everybody, without a session; remove it unless that is what you want"
            yield ("app", number, "allow_public_root"), text
    if config.session.grace > 0:
        yield ("session", "grace"), "while Okta is silent, an old answer counts for this long; 0s never does that"


def _proxies(config: Config) -> Iterator[Problem]:
    for position, network in enumerate(config.listen.trusted_proxies):
        problem = _too_wide(network)
        if problem is not None and not config.listen.insecure_trust_all_proxies:
            yield ("listen", "trusted_proxies", position), f"{network} {problem}"


def _too_wide(network: Network) -> str | None:
    if network in _PRIVATE or network.prefixlen < _WIDEST_PREFIX[network.version]:
        return "is a whole network: each machine in it may claim any address for itself; list the addresses of your proxies alone"
    if any(network.version == example.version and network.subnet_of(example) for example in _EXAMPLES):  # type: ignore[arg-type]  # one version
        return "is an address of examples, which nobody has; put the addresses of your proxies here"
    return None


def _times(config: Config) -> Iterator[Problem]:
    session = config.session
    if 0 < session.ttl < SHORTEST_TTL:
        text = 'is so short that Okta is asked for nearly every request, up to its rate limit; give it seconds, as in "10s"'
        yield ("session", "ttl"), text
    if 0 < session.keep_alive < SHORTEST_KEEP_ALIVE:
        yield ("session", "keep_alive"), 'makes Okta prolong sessions all the time; give it minutes, as in "5m"'
    if config.subrequest.max_age > LONGEST_MAX_AGE:
        yield ("subrequest", "max_age"), "lets a front proxy admit people for that long after they have signed out; give it seconds"
    for path, wait_seconds in waits_of(config):
        if 0 < wait_seconds < SHORTEST_WAIT:
            yield path, 'is hardly any time, so that good servers look dead; give it seconds, as in "5s"'


def _okta(config: Config) -> Iterator[Problem]:
    host = URL(config.okta.org).host or ""
    if host in _OKTAS_OWN:
        yield ("okta", "org"), f'{host} is Okta\'s own site; name your org, as in "https://example.okta.com"'
    elif host.partition(".")[0].endswith("-admin") and host.endswith((".okta.com", ".oktapreview.com", ".okta-emea.com")):
        yield ("okta", "org"), f'{host} is the admin console; name the org itself: "https://{host.replace("-admin.", ".", 1)}"'


def _ports(config: Config) -> Iterator[Problem]:
    """All hosts are served by one listener, so their URLs must have the same port.

    That port must also be the listener's, unless a load balancer or a container's published port maps one to the other. A default port in
    ``login.url`` is taken as a sign of such a mapping.
    """
    login, own = URL(config.login.url), port_of(config.listen.address)
    for number, app in enumerate(config.apps):
        port = URL(app.url).port
        if port != login.port:
            text = f"is at port {port}, and login.url at port {login.port}, but both come by listen.address; give them the same"
            yield ("app", number, "url"), text
    if own not in (0, login.port) and not login.is_default_port() and not config.listen.trusted_proxies:
        text = f"browsers go to port {login.port}, and this gateway listens at {own}; something must lead from one to the other"
        yield ("login", "url"), text


def _of_app(app: AppTable) -> Iterator[Problem]:
    for path, address in servers_of(app):
        if address.startswith("unix:"):
            continue
        url = URL(address)
        if (url.scheme, url.port) in (("http", 443), ("http", 8443), ("https", 80)):
            other = "https" if url.scheme == "http" else "http"
            yield path, f"{address}: servers at port {url.port} mostly speak {other}; write {other}:// if this one does"
        if url.scheme == "https" and _is_address(url.host or "") and not app.upstream_server_name:
            text = f"{address}: certificates seldom bear an address; put the name that this one bears into upstream_server_name"
            yield path, text
    if app.keep_alive > LONGEST_APP_KEEP_ALIVE:
        yield ("keep_alive",), 'must be less than the server itself keeps a connection, which is seldom so long; "4s" suits most servers'
    if 0 < app.largest_body < LEAST_BODY:
        yield ("largest_body",), 'refuses nearly every form; give it more, as in "10MiB", or 0B for no limit'
    if app.balance == "sticky" and len(app.addresses) == 1:
        yield ("balance",), "is of use with several servers, and this app has one; leave it out"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
