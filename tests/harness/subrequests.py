"""How the front proxies ask the gateway about the same original request. Checks nothing by itself."""

from gateway.policy.routing import dialects
from tests.harness.browser import HR
from tests.harness.replies import RawReply
from tests.harness.site import FETCH, Site

DIALECTS = tuple(dialect.name for dialect in dialects.DIALECTS)
TERSE = frozenset(dialect.name for dialect in dialects.DIALECTS if dialect.is_terse)
GATEWAY = "http://gateway.internal:8080"
TRUSTING = 'trusted_proxies = ["127.0.0.1/32"]'


def told(dialect: str, target: str, *, origin: str = HR, method: str = "GET") -> tuple[str, ...]:
    """The lines in which the proxy tells the original request."""
    scheme, _, host = origin.partition("://")
    match dialect:
        case "nginx" | "haproxy":
            return f"X-Original-Method: {method}", f"X-Original-URL: {origin}{target}"
        case "envoy":
            return (f"X-Forwarded-Proto: {scheme}",)
        case "traefik" | "caddy":
            return (
                f"X-Forwarded-Method: {method}",
                f"X-Forwarded-Proto: {scheme}",
                f"X-Forwarded-Host: {host}",
                f"X-Forwarded-Uri: {target}",
            )
    raise AssertionError(f"how {dialect} asks is not written here")


async def ask(
    site: Site, dialect: str, target: str, fields: bytes = FETCH, *, origin: str = HR, method: str = "GET", sent: str = "GET"
) -> RawReply:
    """The gateway's reply to the proxy. ``sent``: the method of a sub-request that does not keep the original one."""
    lines = "".join(f"{line}\r\n" for line in told(dialect, target, origin=origin, method=method)).encode("latin-1")
    if dialect == "envoy":
        return await site.ask(f"/.gateway/auth/envoy{target}", lines + fields, origin=origin, method=method)
    # nginx keeps the app's Host, the others ask by the gateway's own address
    return await site.ask(f"/.gateway/auth/{dialect}", lines + fields, origin=HR if dialect == "nginx" else GATEWAY, method=sent)


def identity(reply: RawReply) -> dict[str, list[str]]:
    """The identity lines of a reply."""
    return {name: reply.values(name) for name in ("Remote-User", "Remote-User-Id")}
