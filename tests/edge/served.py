"""The edge on a socket, before one function that a test writes. Checks nothing by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.compose.addresses import bind
from gateway.edge.handling import Handling
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import ClientRules
from gateway.edge.server import HttpServer, Listening
from gateway.policy.http.messages import HeadLimits, Malformed
from tests.harness.server import Handle, said
from tests.harness.wire import Wire

HERE = b"Host: hr.example.com\r\n"
LIMITS = HeadLimits(line_bytes=200, most_fields=10, fields_bytes=250)


def asks(target: bytes = b"/", *lines: bytes, method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    """A head."""
    return method + b" " + target + b" HTTP/" + version + b"\r\n" + HERE + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def posts(body: bytes, *lines: bytes, target: bytes = b"/") -> bytes:
    """A request with a body of a known length."""
    return asks(target, b"Content-Length: %d" % len(body), *lines, method=b"POST") + body


@dataclass
class Served:
    """``over``: what was answered, in order: the target, and the status, None where the client left before.

    ``refused``: why heads were.
    """

    server: HttpServer
    listening: Listening
    port: int
    over: list[tuple[str, int | None]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)

    async def connect(self) -> Wire:
        """A connection of a client."""
        self.wires.append(Wire(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.wires[-1]


@asynccontextmanager
async def served(handle: Handle, rules: ClientRules | None = None) -> AsyncIterator[Served]:
    """Listening; nothing of it is left afterwards."""
    over, refused = list[tuple[str, int | None]](), list[str]()

    def refuse(malformed: Malformed) -> Response:
        refused.append(malformed.reason)
        return said(malformed.status)

    def ended(request: Request, status: int | None) -> None:
        over.append((request.target, status))

    server = HttpServer(Handling(handle, refuse, ended), rules)
    bound = bind("127.0.0.1:0", str)
    made = Served(server, Listening(server, bound), bound.getsockname()[1], over, refused)
    await made.listening.start()
    try:
        yield made
    finally:
        for wire in made.wires:
            wire.writer.transport.abort()
        await made.listening.aclose(0.1)
