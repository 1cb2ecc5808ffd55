"""An access log line by the names of its parts. Checks nothing by itself."""

from gateway.observe import Log


def access(log: Log, *, status: int, milliseconds: float = 1.0, **parts: str) -> None:
    """Write the line; a part that is not given is empty."""
    words = tuple(parts.pop(name, "") for name in ("door", "method", "app", "route", "verdict", "reason"))
    peer, client, fingerprint, request_id = (parts.pop(name, "") for name in ("peer", "client", "fingerprint", "request_id"))
    assert not parts
    log.requests.tell(words, status, peer, client, fingerprint, request_id, milliseconds)
