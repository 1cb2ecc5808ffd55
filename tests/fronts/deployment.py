"""What stands behind a front proxy in a test: the gateway as production composes it, the stand-in org, an app that records heads.

    person ─▶ front proxy ─┬─▶ tap ─▶ gateway ─▶ stand-in org
                           └─▶ app

Owns the ports behind the front, the gateway's configuration as a companion, and the tap that remembers what the front said to the
gateway. Checks nothing by itself.
"""

import asyncio
import contextlib
import io
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from gateway.compose import Gateway
from gateway.config import read
from gateway.dev.standin import Org, RunningOrg, fault, serve
from gateway.observe import Log
from tests.fronts.running import RunningFront
from tests.harness.app import Behind, Visit, greet
from tests.harness.clock import ScriptedClock
from tests.harness.configuration import SEALED
from tests.harness.person import HR, LOGIN, PORTAL, Person, PersonReply, redemption
from tests.harness.websocket import echo
from tests.harness.wire import PATIENCE, Wire

# The gateway carries no app's bytes here: its upstream is a port where nobody listens.
CONFIGURATION = """
[listen]
address = "127.0.0.1:0"
trusted_proxies = ["127.0.0.1/32"]
drain = "1s"
[admin]
address = "127.0.0.1:0"
[okta]
org = "{org}"
host = "login.example.com"
connect_timeout = "2s"
first_byte_timeout = "5s"
[login]
url = "https://login.example.com"
[session]
ttl = "10s"
[switch]
trusted_origins = ["https://portal.example.com"]

[[app]]
name = "hr"
url = "https://hr.example.com"
upstream = "http://127.0.0.1:9"
cors_preflight = "app"
rule = [
    {{ path = "/public/**", access = "anyone" }},
    {{ path = "/bob/**", users = ["bob@example.com"] }},
]
"""
TTL_SECONDS = 10.0


@dataclass
class AppBehindFront(Behind):
    """Says hello to whom it was told, keeps the bodies, echoes at ``/ws``."""

    bodies: list[bytes] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.script = self.answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        await super().serve(reader, writer)

    async def answer(self, visit: Visit) -> None:
        if visit.line.startswith(b"GET /ws") and (visit.value(b"upgrade"), visit.value(b"sec-websocket-version")) == (b"websocket", b"13"):
            await echo(visit)
            raise ConnectionError
        self.bodies.append(await visit.body())
        await greet(visit)

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order, as it came."""
        return [visit.line.split(b" ")[1].decode("latin-1") for visit in self.visits]


@dataclass
class Tap:
    """A relay of bytes to the gateway; ``heard`` is all that the front said."""

    gateway_port: int
    heard: bytearray = field(default_factory=bytearray)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends."""
        from_gateway, to_gateway = await asyncio.open_connection("127.0.0.1", self.gateway_port)
        self.writers += [writer, to_gateway]
        await asyncio.gather(_pump(reader, to_gateway, self.heard), _pump(from_gateway, writer, bytearray()))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, heard: bytearray) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await source.read(65536):
            heard += piece
            sink.write(piece)
            await sink.drain()
    sink.close()


@dataclass
class FrontDeployment:
    """What a test holds."""

    front: RunningFront
    org: Org
    running: RunningOrg
    app: AppBehindFront
    gateway: Gateway
    tap: Tap
    listening: asyncio.Server
    client: aiohttp.ClientSession
    times: ScriptedClock
    wires: list[Wire] = field(default_factory=list)

    def person(self) -> Person:
        """A browser before the front proxy."""
        return Person(self.client, lambda: self.front.ports.front)

    async def enter(self, person: Person, login: str) -> PersonReply:
        """What the portal does: a fresh token, and the browser sent in with it."""
        return await person.go(redemption(self.org.session_token(login)), site="same-site")

    async def entered(self, login: str) -> Person:
        """A browser whose user is in the app; what the app saw of it is forgotten."""
        person = self.person()
        reply = await self.enter(person, login)
        assert (reply.status, reply.body) == (200, f"hello {login}"), reply
        self.app.visits.clear()
        return person

    async def wire(self) -> Wire:
        """A connection to the front proxy, in bytes."""
        self.wires.append(Wire(*await asyncio.open_connection("127.0.0.1", self.front.ports.front)))
        return self.wires[-1]

    async def raw(self, line: str, fields: bytes = b"", host: str = "hr.example.com") -> bytes:
        """One request whose target and fields are sent exactly so; the whole answer, chunks as they are."""
        wire = await self.wire()
        await wire.say(f"{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n".encode("latin-1") + fields + b"\r\n")
        head = await wire.head()
        length = re.search(rb"\r\ncontent-length: *([0-9]+)\r\n", head, re.IGNORECASE)
        try:  # a front may keep the connection for a while although it has said all
            return head + (await wire.exactly(int(length[1])) if length else await wire.rest())
        finally:
            await wire.close()

    def okta_is_down(self) -> None:
        """The org hangs up on everybody."""
        self.org.faults.add(fault({"path": "/*", "status": 0, "times": None}))

    async def gateway_is_down(self) -> None:
        """Nobody listens where the front asks."""
        self.listening.close()
        await self.gateway.aclose()
        for writer in self.tap.writers:
            writer.close()


def cookie_line(person: Person, *others: str) -> bytes:
    """The Cookie field that this browser would send to the app's host, with other cookies around the gateway's."""
    pairs = [f"{name}={value}" for name, value in person.cookies("hr.example.com")]
    first, last = others or ("", "")
    return f"Cookie: {'; '.join(filter(None, [first, *pairs, last]))}\r\n".encode()


@asynccontextmanager
async def fronted(front: RunningFront) -> AsyncIterator[FrontDeployment]:
    """Everything behind the front running; nothing of it is left afterwards, the front stays."""
    org = Org(trusted_origins=(LOGIN, HR, PORTAL))
    running, app, times = await serve(org), AppBehindFront(), ScriptedClock(time.time())
    app_server = await asyncio.start_server(app.serve, "127.0.0.1", front.ports.app)
    text = CONFIGURATION.format(org=running.url)
    gateway = Gateway(read("gateway.toml", text, SEALED), Log("debug", stream=io.StringIO()), clock=times.clock)
    await gateway.start()
    tap = Tap(gateway.public_port)
    listening = await asyncio.start_server(tap.serve, "127.0.0.1", front.ports.gateway)
    client = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
        max_field_size=65536,
    )
    made = FrontDeployment(front, org, running, app, gateway, tap, listening, client, times)
    try:
        yield made
    finally:
        org.faults.clear()
        await client.close()
        for wire in made.wires:
            await wire.close()
        app_server.close()
        for writer in app.writers:
            writer.close()
        await made.gateway_is_down()
        await running.aclose()
        async with asyncio.timeout(PATIENCE):
            while app.open:
                app.gone.clear()
                await app.gone.wait()
