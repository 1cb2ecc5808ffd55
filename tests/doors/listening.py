"""Owns a listener on a real socket before a door that a test steers, and raw bytes in and out. Checks nothing by itself."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.clock import Clock
from gateway.compose.addresses import bind
from gateway.compose.tls import Certificates
from gateway.doors.access_recorder import AccessRecorder
from gateway.doors.answers import to_response
from gateway.doors.listener import DoorListener, Doors
from gateway.doors.trusted_proxies import TrustedProxies
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import ClientRules, Waiting
from gateway.edge.server import HttpServer, Listening
from gateway.observe import Log
from gateway.observe.metrics import Metrics
from gateway.policy.http.client_limits import ClientLimit
from gateway.policy.http.messages import Answer, Authority, HeadLimits, Malformed, RequestHead
from gateway.policy.routing.routing import App, LoginHost, RouteTable

Act = Callable[[Request, RequestHead], Awaitable[Response]]

TABLE = RouteTable(
    LoginHost("https://login.example.com", Authority("login.example.com", 443)),
    [
        App("hr", "https://hr.example.com", Authority("hr.example.com", 443)),
        App("local", "http://local.localhost:8080", Authority("local.localhost", 8080)),
    ],
)


async def _says_ok(_: Request, head: RequestHead) -> Response:
    return to_response(Answer(200, ((b"Content-Type", b"text/plain"),), f"{head.authority} {head.secure}".encode()))


@dataclass(slots=True)
class SteeredDoor:
    """Answers as the test says, and keeps the heads that reached it."""

    act: Act = _says_ok
    heads: list[RequestHead] = field(default_factory=list)

    async def handle(self, request: Request, head: RequestHead) -> Response:
        """Do what the test wants."""
        self.heads.append(head)
        return await self.act(request, head)

    def begin(self, request: Request, head: RequestHead, app: App | None = None) -> Waiting:
        """Here everything waits for the test."""
        return self.handle(request, head)

    def unreadable(self, target: str, malformed: Malformed) -> Answer:
        """The refusal of a sub-request."""
        return Answer(malformed.status)


@dataclass(frozen=True, slots=True)
class RunningListener:
    """A running listener with its doors and what it wrote."""

    port: int
    login: SteeredDoor
    app: SteeredDoor
    written: io.StringIO
    metrics: Metrics
    listening: Listening
    server: HttpServer
    told: list[tuple[str, dict[str, object]]]

    @property
    def lines(self) -> list[dict[str, object]]:
        """The log so far."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]

    async def raw(self, sent: bytes) -> bytes:
        """Send bytes on a new connection and return everything until the server closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        await writer.drain()
        async with asyncio.timeout(10):
            received = await reader.read()
        writer.close()
        return received

    async def get(self, host: str, *fields: str, target: str = "/", method: str = "GET") -> bytes:
        """One request on a connection that is closed afterwards."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields, "Connection: close", "", ""]
        return await self.raw("\r\n".join(lines).encode("latin-1"))


@asynccontextmanager
async def listener(
    limits: HeadLimits | None = None,
    *,
    crowd: ClientLimit | None = None,
    connections: int = 1000,
    head_seconds: float = 60.0,
    certificates: Certificates | None = None,
    leave: Callable[[], object] | None = None,
) -> AsyncIterator[RunningListener]:
    """A listener for login.example.com, hr.example.com and local.localhost:8080."""
    rules = ClientRules(connections, head_seconds, limits or HeadLimits())
    login, app, written, metrics = SteeredDoor(), SteeredDoor(), io.StringIO(), Metrics()
    witness = AccessRecorder(Log(stream=written), metrics, Clock())
    door = DoorListener(TABLE, Doors(login, app, SteeredDoor()), TrustedProxies((), rules.limits), witness, crowd or ClientLimit(0))
    bound = bind("127.0.0.1:0", str)
    told: list[tuple[str, dict[str, object]]] = []
    server = HttpServer(door, rules, lambda event, figures: told.append((event, dict(figures))))
    listening = Listening(server, bound, certificates, leave)
    port = bound.getsockname()[1]
    await listening.start()
    try:
        yield RunningListener(port, login, app, written, metrics, listening, server, told)
    finally:
        await listening.aclose(0.1)
