"""Where a request goes that came by plain http to a gateway whose hosts are https.

Owns that address. Must never lead to a host that is not configured, whatever the request calls itself, nor drop a byte of what was asked
for.
Rules from: RFC 9110 §15.4.2 (301), §15.4.9 (308), §7.2 (Host).
"""

from collections.abc import Iterable, Mapping

from gateway.policy.http.messages import parse_authority


def secure_hosts(origins: Iterable[str]) -> dict[str, str]:
    """The https origins among these, by the name of their host."""
    found = {}
    for origin in origins:
        scheme, _, text = origin.partition("://")
        authority = parse_authority(text, secure=True)
        if scheme == "https" and authority is not None:
            found[authority.host] = origin
    return found


def secure_address(hosts: Mapping[str, str], host: bytes, target: str) -> str | None:
    """The https address of the same thing; None where the host is none of these. The port is the configured one."""
    authority = parse_authority(host.decode("latin-1"), secure=False)
    origin = hosts.get(authority.host) if authority is not None else None
    return None if origin is None else f"{origin}{target}"


def speaks_http(first: bytes) -> bool:
    """Whether these first bytes of a client are those of a request, and not of a TLS handshake."""
    return first[:1].isalpha()


def redirect_status(method: str) -> int:
    """301 as everybody knows it, or 308 where the method would be changed by it."""
    return 301 if method in ("GET", "HEAD") else 308
