"""Requests as a connection hands them over: with their fields by name. Checks nothing by itself."""

from gateway.core.messages import Fields, HeadLimits, Malformed, Received, RequestHead, read_head
from gateway.core.routing import App, LoginHost, RouteTable


def admitted(
    table: RouteTable,
    target: str,
    fields: Fields,
    limits: HeadLimits | None = None,
    *,
    method: str = "GET",
    peer: str = "10.0.0.1",
    address: str = "10.0.0.2",
) -> tuple[RequestHead, App | LoginHost | None] | Malformed:
    """What the table says of a request of HTTP/1.1; or why it is refused before."""
    named = read_head(method, target, (1, 1), fields, limits or HeadLimits())
    if isinstance(named, Malformed):
        return named
    received = Received(method, target, fields, named, peer)
    received.address = address
    return table.admit(received, limits or HeadLimits())
