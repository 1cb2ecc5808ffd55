"""Redirects from plain http to https, for a gateway whose hosts are https.

Must never redirect to a host that is not configured, whatever the request names, and never lose a byte of the requested target. Sources:
RFC 9110 §15.4.2 (301), §15.4.9 (308), §7.2 (Host).
"""

from collections.abc import Iterable, Mapping

from gateway.policy.http.messages import parse_authority


def secure_hosts(origins: Iterable[str]) -> dict[str, str]:
    """The https origins among these, by host name."""
    found = {}
    for origin in origins:
        scheme, _, text = origin.partition("://")
        authority = parse_authority(text, secure=True)
        if scheme == "https" and authority is not None:
            found[authority.host] = origin
    return found


def secure_address(hosts: Mapping[str, str], host: bytes, target: str) -> str | None:
    """The https address of the requested target; None if the host is not one of ``hosts``. The port is the configured one."""
    authority = parse_authority(host.decode("latin-1"), secure=False)
    origin = hosts.get(authority.host) if authority is not None else None
    return None if origin is None else f"{origin}{target}"


def speaks_http(first: bytes) -> bool:
    """Whether the first bytes from a client are plain HTTP, and not a TLS handshake."""
    return first[:1].isalpha()


def redirect_status(method: str) -> int:
    """301, the best-known one, for GET and HEAD; 308 for other methods, because a browser may change the method after a 301."""
    return 301 if method in ("GET", "HEAD") else 308
