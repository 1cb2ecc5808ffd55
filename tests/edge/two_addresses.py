"""The app door behind a whole listener, twice over the same app: once where requests are answered at once, once where each has its task.

Owns the two addresses, and what each of them logged and counted. The listeners are made part by part: production has one for its doors,
here two share one app door, each with a log of its own. Checks nothing by itself.
"""

import asyncio
import io
import json
import os
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from gateway.clock import Clock
from gateway.compose.addresses import bind
from gateway.compose.app import app_door, pass_resolver
from gateway.doors.access_recorder import AccessRecorder
from gateway.doors.app import ProtectedDoor
from gateway.doors.listener import AppDoor, DoorListener, Doors
from gateway.doors.trusted_proxies import TrustedProxies
from gateway.edge.before import Before, Begin
from gateway.edge.relay import Client
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import ClientRules, Listener, Waiting
from gateway.edge.server import HttpServer, Listening
from gateway.observe import Log
from gateway.observe.metrics import Metrics
from gateway.policy.http.client_limits import ClientLimit
from gateway.policy.http.messages import HeadLimits, RequestHead
from gateway.policy.routing.routing import App, RouteTable
from tests.doors.listening import SteeredDoor
from tests.harness.app import Visit, hello
from tests.harness.app_gateway import AppGateway, Secured, app_gateway
from tests.harness.wire import PATIENCE, Wire

_TIMES = re.compile(r"_seconds|_created|_info")
BROKEN = b"(broken)"
_DATE = re.compile(rb"Date: [^\r]*\r\n")


@dataclass
class Address:
    """One public address. ``begun``: for each request that was asked about, whether its answer was begun at once."""

    port: int
    server: HttpServer
    listening: Listening
    written: io.StringIO
    metrics: Metrics
    begun: list[bool]
    secured: Secured | None = None
    wires: list[Wire] = field(default_factory=list)

    async def connect(self) -> Wire:
        """A connection of a client."""
        tls, name = (self.secured.client, "hr.example.com") if self.secured is not None else (None, None)
        self.wires.append(Wire(*await asyncio.open_connection("127.0.0.1", self.port, ssl=tls, server_hostname=name)))
        return self.wires[-1]

    async def raw(self, sent: bytes) -> bytes:
        """Everything that comes back until the connection ends, but for the dates; ``BROKEN`` where it broke."""
        wire = await self.connect()
        try:
            return undated(await wire.ask(sent))
        except ConnectionResetError:
            return BROKEN
        finally:
            await wire.close()

    @property
    def lines(self) -> list[dict[str, object]]:
        """What was logged, but for the time that it took."""
        lines = [json.loads(line) for line in self.written.getvalue().splitlines()]
        return [{name: value for name, value in line.items() if name not in ("at", "milliseconds")} for line in lines]

    @property
    def counts(self) -> list[str]:
        """What was counted, but for times."""
        return [line for line in self.metrics.exposition().decode().splitlines() if not _TIMES.search(line)]

    @property
    def held(self) -> int:
        """Bytes that wait to be sent to clients."""
        transports = [each.transport for each in self.server.connections if isinstance(each, Client)]
        return sum(transport.get_write_buffer_size() for transport in transports if transport is not None)

    async def logged(self, count: int) -> list[dict[str, object]]:
        """The lines, when there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(self.lines) < count:  # noqa: ASYNC110 - the log tells nobody
                await asyncio.sleep(0)
        return self.lines


@dataclass
class TwoAddresses:
    """What a test holds: ``inner`` has the app, the org and the registry of what is open; ``cookie`` is alice's."""

    inner: AppGateway
    fast: Address
    slow: Address
    crowd: ClientLimit
    cookie: bytes

    async def warm(self) -> None:
        """Have a connection to the app that is free, and the session in memory."""
        assert (await self.slow.raw(asked(b"/warm", self.cookie, b"Connection: close\r\n"))).startswith(b"HTTP/1.1 ")
        self.inner.app.visits.clear()
        self.slow.written.truncate(0)
        self.slow.written.seek(0)

    async def quiet(self) -> None:
        """Nothing is under way any more: not at the app beyond idle connections, not in the registry, not in the count of clients."""
        async with asyncio.timeout(PATIENCE):
            while len(self.inner.live) or len(self.crowd):  # noqa: ASYNC110 - neither tells anybody
                await asyncio.sleep(0)


def asked(target: bytes, *fields: bytes, method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    """A request without a body."""
    return method + b" " + target + b" HTTP/" + version + b"\r\nHost: hr.example.com\r\n" + b"".join(fields) + b"\r\n"


def undated(answer: bytes) -> bytes:
    """Without the lines that differ from second to second."""
    return _DATE.sub(b"", answer)


@asynccontextmanager
async def two_addresses(
    *,
    most: int = 0,
    rules: ClientRules | None = None,
    connections: int = 20,
    secured: Secured | None = None,
    door: Callable[[ProtectedDoor], AppDoor] = lambda door: door,
) -> AsyncIterator[TwoAddresses]:
    """Both addresses before one app. ``most``: requests of one client at once; ``connections``: to the app; ``secured``: all is https;
    ``door``: what takes the place of the app door, which it is given."""
    crowd = ClientLimit(most)
    async with app_gateway(connections=connections, secured=secured) as inner, AsyncExitStack() as opened:
        shared = door(app_door(inner.parts, pass_resolver(inner.parts), opened))
        fast, slow = [await _address(inner.parts.table, shared, crowd, rules, is_fast, secured) for is_fast in (True, False)]
        try:
            made = TwoAddresses(inner, fast, slow, crowd, inner.cookie())
            await made.warm()
            yield made
        finally:
            for address in (fast, slow):
                for wire in address.wires:
                    wire.writer.transport.abort()
                await address.listening.aclose(0.1)


async def _address(
    table: RouteTable, door: AppDoor, crowd: ClientLimit, rules: ClientRules | None, is_fast: bool, secured: Secured | None
) -> Address:
    written, metrics, begun = io.StringIO(), Metrics(), list[bool]()
    witness = AccessRecorder(Log("debug", stream=written), metrics, Clock())
    doors = Doors(SteeredDoor(), door if is_fast else _Waiting(door), SteeredDoor())
    listener = DoorListener(table, doors, TrustedProxies((), HeadLimits()), witness, crowd)
    server = HttpServer(Before(listener, _noting(begun)), rules or ClientRules())
    bound = bind("127.0.0.1:0", str)
    listening = Listening(server, bound, secured.pair if secured is not None else None)
    port = bound.getsockname()[1]
    await listening.start()
    return Address(port, server, listening, written, metrics, begun, secured)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The app door, as it is when the memory knows nobody: every request waits for a moment, and then goes on."""

    door: AppDoor

    def begin(self, request: Request, head: RequestHead, app: App) -> Waiting:
        """What waits."""
        return self._waits(request, head, app)

    async def _waits(self, request: Request, head: RequestHead, app: App) -> Response | None:
        await asyncio.sleep(0)
        step = self.door.begin(request, head, app)
        return step if step is None or isinstance(step, Response) else await step


def _noting(begun: list[bool]) -> Begin:
    """What the listener begins, and whether at once."""

    def begin(listener: Listener, request: Request) -> Response | Waiting | None:
        step = listener.begin(request)
        begun.append(step is None or isinstance(step, Response))
        return step

    return begin


class Thinking:
    """An app that says nothing, or no more than ``begins_with``, before ``go``; then ``ends_with``, and hangs up where ``leaves``."""

    def __init__(self, begins_with: bytes = b"", ends_with: bytes = b"", *, leaves: bool = False) -> None:
        self.texts = begins_with, ends_with
        self.leaves = leaves
        self.go, self.asked, self.left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, visit: Visit) -> None:
        """The script."""
        if b" /warm " in visit.line:
            return await hello(visit)
        await visit.say(self.texts[0])
        self.asked.set()
        gone, going = asyncio.ensure_future(visit.reader.read(1)), asyncio.ensure_future(self.go.wait())
        await asyncio.wait({gone, going}, return_when=asyncio.FIRST_COMPLETED)
        going.cancel()
        if gone.done():
            self.left.set()
            raise ConnectionError
        await visit.say(self.texts[1])
        gone.cancel()
        if self.leaves:
            raise ConnectionError


async def under_way(
    tried: TwoAddresses, thinking: Thinking, *fields: bytes, version: bytes = b"1.1", address: Address | None = None
) -> Wire:
    """A request that the app thinks about."""
    tried.inner.app.script = thinking
    wire = await (address or tried.fast).connect()
    await wire.say(asked(b"/a", tried.cookie, *fields, version=version))
    await thinking.asked.wait()
    if thinking.texts[0]:
        is_chunked = b"chunked" in await wire.head()
        await wire.until(b"data: 1\n\n\r\n" if is_chunked else b"data: 1\n\n")
    return wire


async def rest_of(wire: Wire) -> bytes:
    """Everything until the end of the connection, ``BROKEN`` where it broke."""
    try:
        return undated(await wire.rest())
    except ConnectionResetError:
        return BROKEN


async def held_up(tried: TwoAddresses, wire: Wire) -> asyncio.Event:
    """A request that is answered when the event is set; all others are at once."""
    thinks, go = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        if b" /a " in visit.line:
            thinks.set()
            await go.wait()
        await hello(visit)

    tried.inner.app.script = script
    await wire.say(asked(b"/a", tried.cookie))
    await thinks.wait()
    return go


def duplicate(writer: asyncio.StreamWriter) -> socket.socket:
    """The socket beneath, to be used without the loop."""
    return socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno()))
