"""The public listener, put together: from its table in the configuration to its rules, its certificate and its figures.

Owns the translation. Must never decide anything, nor open a socket.
"""

from dataclasses import replace
from typing import Final

from gateway.compose.hosts import head_limits
from gateway.compose.parts import folder_of
from gateway.compose.tls import Certificates, Tell
from gateway.config import Config, Settings, certificate_pair
from gateway.edge.rules import ClientRules
from gateway.edge.server import HttpServer
from gateway.errors import BadConfig
from gateway.metrics import Metrics
from gateway.policy.http.client_limits import ClientLimit

MOST_REDIRECTED: Final = 1000
"""So many connections at once by plain http."""


def client_rules(config: Config) -> ClientRules:
    """What every client gets."""
    return ClientRules(
        config.listen.connections, config.listen.head_timeout, head_limits(config), trusted_proxies=config.listen.trusted_proxies
    )


def redirect_rules(config: Config) -> ClientRules:
    """The same for clients who only get a redirect: few of them at once, and nobody stays."""
    rules = client_rules(config)
    return replace(rules, connections=min(rules.connections, MOST_REDIRECTED), idle_seconds=rules.head_seconds)


def certificates(settings: Settings, tell: Tell) -> Certificates | None:
    """The listener's certificate; None where it speaks plain http. `BadConfig` where its files were spoilt since they were checked."""
    pair = certificate_pair(settings.config, folder_of(settings))
    if pair is None:
        return None
    try:
        return Certificates(pair, tell)
    except OSError as error:
        raise BadConfig((settings.problem(("listen", "tls_certificate"), f"{error}; name a readable certificate and its key"),)) from error


def watch_clients(server: HttpServer, crowd: ClientLimit, certificate: Certificates | None, metrics: Metrics) -> None:
    """Show who is here, and who was not let in."""
    metrics.watch_level("connections_open", "Connections of clients open now.", lambda: server.present)
    metrics.watch_total("connections_refused_total", "Connections for which there was no room.", lambda: server.turned_away)
    metrics.watch_total("client_requests_refused_total", "Requests of clients that had too many open.", lambda: crowd.refused)
    if certificate is None:
        return
    metrics.watch_total("tls_failed_total", "TLS handshakes that failed.", lambda: server.failed_handshakes.total())
    metrics.watch_total("tls_http_total", "Of these: http spoken to the TLS port.", lambda: server.failed_handshakes["http"])
    metrics.watch_level("certificate_until_seconds", "When the certificate in use expires, Unix time.", lambda: certificate.until)
