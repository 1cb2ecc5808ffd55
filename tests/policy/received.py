"""Requests as a connection hands them over: with their fields by name. Checks nothing by itself."""

from dataclasses import dataclass

from gateway.policy.http.messages import (
    LINE_TOO_LONG,
    Fields,
    HeadLimits,
    Malformed,
    Received,
    RequestHead,
    host_in,
    is_line_too_long,
    parse_authority,
    read_head,
)
from gateway.policy.routing.routing import App, LoginHost, RouteTable


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


@dataclass(frozen=True)
class ArrivingRequest:
    """A request as it arrives, before anything is believed."""

    method: str
    target: str
    version: tuple[int, int]
    fields: Fields
    secure: bool
    peer: str
    client: str


def admit_head(sent: ArrivingRequest, limits: HeadLimits) -> RequestHead | Malformed:
    """Its head, or why it is refused, without a look at the hosts that there are."""
    named = read_head(sent.method, sent.target, sent.version, sent.fields, limits)
    if isinstance(named, Malformed):
        return named
    if is_line_too_long(sent.method, sent.target, limits.line_bytes):
        return LINE_TOO_LONG
    authority = parse_authority(host_in(named).decode("latin-1"), sent.secure)
    if authority is None:
        return Malformed(400, "host")
    return RequestHead(sent.method, sent.target, authority, sent.fields, sent.secure, sent.peer, sent.client, named)


def line(*texts: bytes) -> Fields:
    return tuple((b"Cookie", text) for text in texts)
