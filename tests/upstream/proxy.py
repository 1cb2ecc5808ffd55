"""The proxy to one server, as a server of its own: what a door does around it, and no more. Checks nothing by itself."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.edge.handshake import is_handshake
from gateway.edge.http_proxy import HttpProxy
from gateway.edge.open_connections import OpenConnections
from gateway.edge.pins import NOBODY
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.websocket import WebSocketRelay
from gateway.errors import OutsideFailed
from gateway.outbound import Timeouts
from gateway.policy.http.fields import FieldRules, ForwardedFrom, to_app
from gateway.policy.http.messages import Fields, Malformed
from gateway.upstream.pool import Upstream
from gateway.upstream.server_address import ServerAddress
from tests.harness.server import said
from tests.harness.wire import Wire

HOST = b"Host: hr.example.com\r\n"

END = b"Connection: close\r\n\r\n"


def get(target: bytes = b"/", fields: bytes = b"") -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + fields + END


@dataclass
class ProxyServer:
    """The proxy as a server: what a door does around it, and no more. ``rewrite`` and ``timeouts`` may be set before use."""

    source: Upstream
    http: HttpProxy
    websocket: WebSocketRelay
    live: OpenConnections
    port: int = 0
    wires: list[Wire] = field(default_factory=list)
    responses: asyncio.Queue[Response] = field(default_factory=asyncio.Queue)
    rewrite: Callable[[int, Fields], Fields] = lambda status, fields: fields

    def with_timeouts(self, timeouts: Timeouts) -> None:
        self.source.timeouts = timeouts

    def before(self, port: int) -> None:
        self.source.address = ServerAddress("127.0.0.1", port)

    async def handle(self, request: Request) -> Response:
        upgrade = is_handshake(request)
        forwarding = ForwardedFrom("192.0.2.7", "https", "hr.example.com")
        fields = to_app(request.fields, FieldRules(identity=()), None, forwarding, lambda name, value: False, upgrade)
        if isinstance(fields, Malformed):
            return said(fields.status)
        try:
            if upgrade:
                response = await self.websocket.relay(request, request.target, fields, self.rewrite, NOBODY)
            else:
                response = await self.http.forward(request, request.method, request.target, fields, self.rewrite)
        except OutsideFailed as error:
            response = said(502, f"{error.reason} {error}")
        self.responses.put_nowait(response)
        return response

    async def connect(self) -> Wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.wires.append(Wire(reader, writer))
        return self.wires[-1]
