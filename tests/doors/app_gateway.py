"""The app door on a socket, between clients that speak bytes, an app that answers in bytes, and a running stand-in org."""

import asyncio
import json
import secrets
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientSession

from gateway.clock import Clock
from gateway.compose.tls import Certificates
from gateway.config.certificates import Pair
from gateway.dev.standin import Org, OrgSession, RunningOrg, serve
from gateway.doors.answers import to_response
from gateway.doors.app import AppCookies, AppForwarding, Face, PassResolver, ProtectedDoor, SessionWatcher
from gateway.doors.app_sessions import AppSessions, FormerUsers
from gateway.doors.login.browsers import Browsers
from gateway.doors.own.handoff import AppHandoff
from gateway.doors.own.kept_forms import KeptForms
from gateway.doors.own.tickets import Tickets
from gateway.edge.http_proxy import HttpProxy
from gateway.edge.open_connections import OpenConnections
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.websocket import WebSocketRelay
from gateway.edge.write_batch import WriteBatch
from gateway.okta import Okta
from gateway.outbound import Deadlines, Destination, open_client
from gateway.policy.http.cookie_stamps import Stamps
from gateway.policy.http.fields import FieldRules
from gateway.policy.http.messages import Answer, Authority, HeadLimits, Malformed, RequestHead
from gateway.policy.http.session_cookie_names import WELL_KNOWN, SessionCookieNames
from gateway.policy.routing.routing import Access, App, LoginHost, RouteTable, Rule
from gateway.policy.session.owner import Owners
from gateway.policy.session.passes import Pass, Passes
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Fingerprinter, SessionCookie
from gateway.revocations import LocalRevocations
from gateway.sessions import Asking, SessionRules, Sessions
from gateway.shared_state import MemoryState
from gateway.upstream.place import ServerAddress
from gateway.upstream.pool import PoolRules, Upstream
from tests.harness.app import Behind, Script, Visit
from tests.harness.certificates import certificate
from tests.harness.server import client_server, noted
from tests.harness.wire import PATIENCE, Wire

ALICE, BOB = "alice@example.com", "bob@example.com"
HR = "hr.example.com:443"
RULES = (
    Rule("/public/**", Access.ANYONE),
    Rule("/maybe/**", Access.OPTIONAL),
    Rule("/bob/**", Access.SESSION, users=frozenset({BOB})),
    Rule("/read/**", Access.SESSION, methods=frozenset({"GET", "HEAD"})),
    Rule("/read/**", Access.NOBODY),
    Rule("/strong/**", Access.SESSION, amr=frozenset({"mfa"})),
)
TABLE = RouteTable(
    LoginHost("https://login.example.com", Authority("login.example.com", 443)),
    [App("hr", "https://hr.example.com", Authority("hr.example.com", 443), RULES, websocket_origins=("https://chat.example.com",))],
)
IDENTITY = ((b"Remote-User", "login"), (b"Remote-User-Id", "user_id"))
NAVIGATION = b"Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
FETCH = b"Accept: */*\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"


@dataclass(frozen=True, slots=True)
class Secured:
    """TLS with one certificate: for whoever accepts connections, and for whoever makes them."""

    pair: Certificates
    server: ssl.SSLContext
    client: ssl.SSLContext

    @classmethod
    def within(cls, folder: Path) -> "Secured":
        """With a new certificate in this folder."""
        certificate(folder)
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        client = ssl.create_default_context(cafile=str(folder / "tls.crt"))
        return cls(Certificates(Pair(folder / "tls.crt", folder / "tls.key"), lambda event, figures: None), server, client)


DEADLINES = Deadlines(connect=2.0, first_byte=0.5, idle=5.0)


@dataclass
class Own:
    """The gateway's own paths, as a list of what was asked of them."""

    asked: list[str] = field(default_factory=list)

    async def handle(self, request: Request, head: RequestHead, app: App) -> Response:
        self.asked.append(head.target)
        return to_response(Answer(200, (), b"own"))


@dataclass
class AppGateway:
    """What the tests hold of it."""

    org: Org
    app: Behind
    sessions: Sessions
    live: OpenConnections
    own: Own
    door: ProtectedDoor
    passes: Passes
    batch: WriteBatch
    upstream: Upstream
    port: int = 0
    notes: list[dict[str, str]] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)

    async def handle(self, request: Request) -> Response | None:
        request.address = request.peer
        admitted = TABLE.admit(request, HeadLimits())
        assert not isinstance(admitted, Malformed)
        head, app = admitted
        assert isinstance(app, App)
        step = self.door.begin(request, head, app)
        return step if step is None or isinstance(step, Response) else await step

    def answered(self, request: Request, status: int | None) -> None:
        """It is over: what its door has noted."""
        self.notes.append(noted(request))

    async def connect(self) -> Wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.wires.append(Wire(reader, writer))
        return self.wires[-1]

    async def ask(self, target: str, fields: bytes = FETCH, method: str = "GET", body: bytes = b"") -> bytes:
        """The whole answer to one request on a connection of its own."""
        wire = await self.connect()
        head = f"{method} {target} HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n".encode()
        return await wire.ask(head + fields + b"\r\n" + body)

    def held(self, login: str = ALICE) -> tuple[Pass, OrgSession]:
        """A session at the org and the pass for it."""
        session = self.org.sign_in(login)
        cookies = tuple(SessionCookie(n, v.encode()) for n, v in ((b"sid", session.sid), (b"idx", session.idx)) if v is not None)
        return Pass(cookies, session.user.id, session.id, time.time()), session

    def cookie(self, login: str = ALICE) -> bytes:
        """The Cookie field of a browser that is signed in."""
        return self.sealed(self.held(login)[0])

    def sealed(self, held: Pass, host: str = HR) -> bytes:
        return b"Cookie: __Host-gateway=" + self.passes.seal(host, held).encode() + b"\r\n"


def _door(running: RunningOrg, app: Behind, keys: list[bytes], client: ClientSession, http: HttpProxy, upstream: Upstream) -> AppGateway:
    clock = Clock()
    okta = Okta(client, Destination(running.url, f"127.0.0.1:{running.port}"), Deadlines(2.0, 5.0, 5.0))
    asking = Asking(okta, clock, lambda event, figures: None)
    prints = Fingerprinter(b"f" * 32, running.url)
    sessions = Sessions(asking, LocalRevocations(clock.monotonic), prints, SessionRules(), clock, lambda event, figures: None)
    sealer, live, own = Sealer(keys, secrets.token_bytes), OpenConnections(), Own()
    passes = Passes(sealer)
    gate, batch = PassResolver(passes, sessions, clock), WriteBatch(asyncio.get_running_loop())
    face = Face(FieldRules(IDENTITY), "hr.example.com")
    cookies = AppCookies("hr", "login.example.com", lambda event, figures: None)
    lasting = SessionWatcher(sessions, live, clock, Browsers(MemoryState(clock), sealer).record)
    way = AppForwarding(
        face,
        http,
        WebSocketRelay(upstream, live),
        gate,
        lasting,
        batch,
        cookies.keep,
        AppSessions(SessionCookieNames(WELL_KNOWN), Stamps([b"k" * 32], b"hr.example.com")),
    )
    handoff = AppHandoff(TABLE, sealer, sessions, clock, FormerUsers(Owners([b"k" * 32])), Tickets(sealer, MemoryState(clock), clock))
    forms = KeptForms(TABLE, sealer, sessions, Owners([b"k" * 32]), MemoryState(clock), clock)
    door = ProtectedDoor(TABLE, {"hr": way}, gate, own, handoff.turned_away, forms, clock)
    return AppGateway(running.org, app, sessions, live, own, door, passes, batch, upstream)


@asynccontextmanager
async def app_gateway(
    keys: list[bytes] | None = None, largest_body: int | None = None, connections: int = 20, secured: Secured | None = None
) -> AsyncIterator[AppGateway]:
    """Everything running on loopback, with at most so many connections to the app; nothing is left of it afterwards.

    ``secured``: the app speaks https.
    """
    before = asyncio.all_tasks()
    running = await serve(Org())
    app = Behind()
    app_server = await asyncio.start_server(app.serve, "127.0.0.1", 0, ssl=secured.server if secured is not None else None)
    app.port = app_server.sockets[0].getsockname()[1]
    client = open_client(DEADLINES, 20)
    place = ServerAddress("127.0.0.1", app.port, tls=secured.client if secured is not None else None, server_name="app.example.com")
    upstream = Upstream(place, DEADLINES, PoolRules(connections=connections))
    made = _door(running, app, keys or [b"k" * 32], client, HttpProxy(upstream, largest_body=largest_body), upstream)
    server = client_server(made.handle, made.answered)
    listening = await asyncio.get_running_loop().create_server(server.guest, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        for wire in made.wires:
            await wire.close()
        listening.close()
        await server.shutdown(1.0)
        await made.sessions.aclose()
        await client.close()
        await upstream.aclose()
        app_server.close()
        await app_server.wait_closed()
        await running.aclose()
    async with asyncio.timeout(PATIENCE):
        while app.open:
            app.gone.clear()
            await app.gone.wait()
        while left := {task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if task is not None and not task.done()}:
            await asyncio.wait(left)
    assert (len(made.live), len(upstream)) == (0, 0)


ME = "/api/v1/sessions/me"


def asked_okta(gateway: AppGateway) -> int:
    return len([row for row in gateway.org.journal.rows if row.path == ME])


def content(answer: bytes) -> dict[str, object]:
    found = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert isinstance(found, dict)
    return found


def answering(fields: bytes) -> Script:
    async def script(visit: Visit) -> None:
        await visit.body()
        await visit.say(b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 2\r\n\r\nok")

    return script
