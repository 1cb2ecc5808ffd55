"""The log events for a server that failed: which server, and why.

Owns the figures of upstream_failed and okta_failed. Must never log anything of the request: an app that is down fails for every user.
"""

from gateway.errors import OutsideFailed
from gateway.observe import Tell
from gateway.upstream.connection import Listening
from gateway.upstream.pool import ServerWatch


def app_watch(app: str, tell: Tell, own_addresses: tuple[Listening, ...]) -> ServerWatch:
    """Logs failures of the connections to one app."""
    return ServerWatch(lambda address, error: tell("upstream_failed", {"app": app} | _figures(address, error)), own_addresses)


def okta_watch(tell: Tell, own_addresses: tuple[Listening, ...] = ()) -> ServerWatch:
    """Logs failures of the connections to the org."""
    return ServerWatch(lambda address, error: tell("okta_failed", _figures(address, error)), own_addresses)


def _figures(address: str, error: OutsideFailed) -> dict[str, object]:
    figures = {"address": address, "reason": error.reason, "cause": error.why, "detail": error.detail}
    return {name: value for name, value in figures.items() if value}
