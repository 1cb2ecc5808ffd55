"""Builds what the public listener needs: its rules, its certificate and its metrics.

Must never decide anything, nor open a socket.
"""

from dataclasses import replace
from typing import Final

from gateway.compose.hosts import head_limits
from gateway.compose.parts import folder_of
from gateway.compose.tls import Certificates
from gateway.config import Config, Settings, certificate_pair
from gateway.edge.rules import ClientRules
from gateway.edge.server import HttpServer
from gateway.errors import BadConfig
from gateway.observe import Tell
from gateway.observe.metrics import Metrics
from gateway.policy.http.client_limits import ClientLimit

MOST_REDIRECTED: Final = 1000
"""The most open connections of plain http at once."""


def client_rules(config: Config) -> ClientRules:
    """The limits for every client."""
    return ClientRules(
        config.listen.connections, config.listen.head_timeout, head_limits(config), trusted_proxies=config.listen.trusted_proxies
    )


def redirect_rules(config: Config) -> ClientRules:
    """The limits for clients that only get a redirect: few connections at once, and short ones."""
    rules = client_rules(config)
    return replace(rules, connections=min(rules.connections, MOST_REDIRECTED), idle_seconds=rules.head_seconds)


def certificates(settings: Settings, tell: Tell) -> Certificates | None:
    """The listener's certificate; None if it speaks plain http. Raises `BadConfig` if its files became unusable after they were checked."""
    pair = certificate_pair(settings.config, folder_of(settings))
    if pair is None:
        return None
    try:
        return Certificates(pair, tell)
    except OSError as error:
        raise BadConfig((settings.problem(("listen", "tls_certificate"), f"{error}; name a readable certificate and its key"),)) from error


def watch_clients(server: HttpServer, client_limit: ClientLimit, certificate: Certificates | None, metrics: Metrics) -> None:
    """Register the metrics of open and refused connections, and of the certificate."""
    metrics.watch_level("connections_open", "Connections of clients open now.", lambda: server.present)
    metrics.watch_total("connections_refused_total", "Connections for which there was no room.", lambda: server.turned_away)
    metrics.watch_total("client_requests_refused_total", "Requests of clients that had too many open.", lambda: client_limit.refused_count)
    if certificate is None:
        return
    metrics.watch_total("tls_failed_total", "TLS handshakes that failed.", lambda: server.failed_handshakes.total())
    metrics.watch_total("tls_http_total", "Of these: http spoken to the TLS port.", lambda: server.failed_handshakes["http"])
    metrics.watch_level("certificate_until_seconds", "When the certificate in use expires, Unix time.", lambda: certificate.until)
