"""A server behind the gateway and a client before it that both speak bytes, and the proxy between them as production runs it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from gateway.edge.handling import Handling
from gateway.edge.handshake import is_handshake
from gateway.edge.http_proxy import HttpProxy
from gateway.edge.open_connections import OpenConnections
from gateway.edge.pins import NOBODY
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.server import HttpServer
from gateway.edge.websocket import WebSocketRelay
from gateway.errors import OutsideFailed
from gateway.outbound import Deadlines
from gateway.policy.http.fields import FieldRules, ForwardedFrom, to_app
from gateway.policy.http.messages import Fields, Malformed
from gateway.upstream.place import ServerAddress
from gateway.upstream.pool import PoolRules, Upstream

Handle = Callable[[Request], Awaitable[Response | None]]
Script = Callable[["Visit"], Awaitable[None]]
PATIENCE = 10.0
HOST = b"Host: hr.example.com\r\n"
END = b"Connection: close\r\n\r\n"


@dataclass
class Visit:
    """One request at the server behind: its head as bytes, and the streams to go on with."""

    head: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n")[0]

    @property
    def fields(self) -> list[bytes]:
        return self.head.split(b"\r\n")[1:-2]

    def value(self, name: bytes) -> bytes | None:
        found = [line.split(b": ", 1)[1] for line in self.fields if line.lower().startswith(name + b":")]
        return found[0] if found else None

    async def body(self) -> bytes:
        if self.value(b"transfer-encoding") == b"chunked":
            return await self.reader.readuntil(b"0\r\n\r\n")
        return await self.reader.readexactly(int(self.value(b"content-length") or b"0"))

    async def say(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()


async def hello(visit: Visit) -> None:
    await visit.body()
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + (b"" if visit.line.startswith(b"HEAD") else b"hello"))


def get(target: bytes = b"/", fields: bytes = b"") -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + fields + END


def answering(text: bytes, *, then_close: bool = False) -> Script:
    async def script(visit: Visit) -> None:
        await visit.body()
        await visit.say(text)
        if then_close:
            visit.writer.close()

    return script


@dataclass
class Behind:
    """The server behind. ``script`` answers each request; ``visits`` has them all; ``gone`` is set when a connection ends."""

    script: Script = hello
    visits: list[Visit] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    serving: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.serving.add(asyncio.current_task())
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                visit = Visit(head, reader, writer, len(self.visits) + 1)
                self.visits.append(visit)
                self.arrived.set()
                await self.script(visit)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self.open -= 1
            self.serving.discard(asyncio.current_task())
            self.gone.set()

    def give_up(self) -> None:
        """End scripts that a test which failed will never let go on: else its end is waited for in vain."""
        for task in self.serving:
            if task is not None:
                task.cancel()

    @property
    def last(self) -> Visit:
        return self.visits[-1]


@dataclass
class Wire:
    """A client's connection, in bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def until(self, mark: bytes) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readuntil(mark)

    async def exactly(self, count: int) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readexactly(count)

    async def head(self) -> bytes:
        return await self.until(b"\r\n\r\n")

    async def rest(self) -> bytes:
        """Everything until the end; ConnectionResetError where the connection broke instead of ending."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def ask(self, text: bytes) -> bytes:
        await self.say(text)
        return await self.rest()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class Front:
    """The proxy as a server: what a door does around it, and no more. ``rewrite`` and ``deadlines`` may be set before use."""

    source: Upstream
    http: HttpProxy
    websocket: WebSocketRelay
    live: OpenConnections
    port: int = 0
    wires: list[Wire] = field(default_factory=list)
    responses: asyncio.Queue[Response] = field(default_factory=asyncio.Queue)
    rewrite: Callable[[int, Fields], Fields] = lambda status, fields: fields

    def with_deadlines(self, deadlines: Deadlines) -> None:
        self.source.deadlines = deadlines

    def before(self, port: int) -> None:
        self.source.place = ServerAddress("127.0.0.1", port)

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


def noted(request: Request) -> dict[str, str]:
    """The words that doors left in a request; none where no door had any."""
    return (
        {}
        if not (request.route or request.verdict)
        else {name: getattr(request, name) for name in ("route", "verdict", "reason", "fingerprint")}
    )


def said(status: int, text: str = "") -> Response:
    """An answer of the test's own."""
    return Response(status, b"", ((b"Content-Length", b"%d" % len(text)),), body=text.encode())


def client_server(handle: Handle, answered: Callable[[Request, int | None], None] = lambda request, status: None) -> HttpServer:
    """The server of production, before one function; the loop is given its ``guest``."""
    return HttpServer(Handling(handle, lambda malformed: said(malformed.status), answered))


@pytest.fixture
async def behind() -> AsyncIterator[Behind]:
    server_behind = Behind()
    server = await asyncio.start_server(server_behind.serve, "127.0.0.1", 0)
    server_behind.port = server.sockets[0].getsockname()[1]
    yield server_behind
    server.close()
    await server.wait_closed()


@pytest.fixture
async def front(behind: Behind) -> AsyncIterator[Front]:
    """The proxy before ``behind``; afterwards nothing may be left of it: no task, no connection at the server behind."""
    before = asyncio.all_tasks()
    deadlines = Deadlines(connect=2, first_byte=5, idle=5)
    source, live = Upstream(ServerAddress("127.0.0.1", behind.port), deadlines, PoolRules(connections=20)), OpenConnections()
    made = Front(source, HttpProxy(source, b"app.internal", small_body=0), WebSocketRelay(source, live), live)
    server = client_server(made.handle)
    listening = await asyncio.get_running_loop().create_server(server.guest, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    for wire in made.wires:
        await wire.close()
    listening.close()
    await server.shutdown(1.0)
    await source.aclose()
    async with asyncio.timeout(PATIENCE):
        while behind.open:
            behind.gone.clear()
            await behind.gone.wait()
        while left := {task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if task is not None and not task.done()}:
            await asyncio.wait(left)
    assert (len(live), len(source)) == (0, 0)
