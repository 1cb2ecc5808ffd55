"""A whole deployment without sockets: the gateway's doors as production composes them, and the stand-in org, called directly.

Owns the two connections between them: what ``OrgForwarding`` sends, and the three calls of the Sessions API. Both build the same ``Call``
that the stand-in builds from a socket, and the stand-in's own code answers. Gateway and org use the time of the loop (``scripted_loop``).
``Line.delays`` can delay a request on its way to the org, and its answer on the way back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from typing import cast

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gateway.clock import Clock
from gateway.compose.app import app_own_paths, pass_resolver
from gateway.compose.hosts import head_limits
from gateway.compose.login import login_door
from gateway.compose.parts import Parts, make_parts
from gateway.config import Settings, read
from gateway.dev.standin import Org
from gateway.dev.standin.call import call_of
from gateway.dev.standin.clock import Clock as OrgClock
from gateway.dev.standin.server import answered
from gateway.doors.answers import to_response
from gateway.doors.app_sessions import FormerUsers
from gateway.doors.deciding import Decisions
from gateway.doors.login.issued_tokens import IssuedTokens
from gateway.doors.login.org_forwarding import OrgPools
from gateway.doors.login.org_relay import OrgRelay
from gateway.edge.body import Body
from gateway.edge.exchange import Exchange
from gateway.edge.http_proxy import HttpProxy, Judge, Rewrite
from gateway.edge.pins import NOBODY, Asker
from gateway.edge.relay import Client
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.errors import HungUp, OutsideFailed, TimedOut
from gateway.okta import ME, REFRESH, BrowserFields, Okta, OktaAnswer, answer_of, fields_of
from gateway.policy.http.answer_fields import from_outside
from gateway.policy.http.messages import Answer, Fields, Malformed, RequestHead
from gateway.policy.http.request_heads import HeadReader, ReadHead
from gateway.policy.routing.routing import App, is_own
from gateway.policy.session.admission import Admit, SignIn
from gateway.policy.session.owner import Owners
from gateway.policy.session.session import SessionCookie, Unknown
from gateway.policy.switch.redemption import cookies_set
from gateway.revocations import LocalRevocations, SharedRevocations
from gateway.shared_state import MemoryState
from gateway.upstream.servers import ConnectionSource
from tests.harness.configuration import SEALED
from tests.harness.person import Lines
from tests.harness.system import CONFIGURATION
from tests.journeys.shared_memory import ReplicaRouting, SharedMemory

BEGAN = 1_800_000_000.0
HOST = b"login.example.com"
PEER = "127.0.0.1"
LEAST_SECONDS = 0.001
"""The least delay: no answer comes at the same moment as its request."""


@cache
def settings_in_memory() -> Settings:
    """The system's configuration. No address in it is ever connected to."""
    text = CONFIGURATION.format(org="http://127.0.0.1:9", upstream="http://127.0.0.1:9", first_byte="20s", forward="60s", switch="")
    return read("gateway.toml", text, SEALED)


class LoopClock(OrgClock):
    """The org's clock: it shows the time of the loop."""

    def now(self) -> float:
        """Seconds since 1970 UTC."""
        return BEGAN + asyncio.get_running_loop().time()


@dataclass
class Line:
    """The connection to the org. ``delays``: seconds by which requests and answers are delayed, in turn."""

    org: Org
    first_byte_seconds: float
    delays: Sequence[float] = (0.0,)
    turns: "count[int]" = field(default_factory=count)
    is_cut: bool = False

    async def carried(self, method: str, target: str, fields: Fields, body: bytes | None) -> tuple[int, Fields, bytes]:
        """Return status, fields and body of the org's answer. Raises ``OutsideFailed``."""
        named = CIMultiDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)
        if body is not None:
            named["Content-Length"] = str(len(body))
        try:
            async with asyncio.timeout(self.first_byte_seconds):
                await self._wait()
                response = await answered(call_of(self.org, method, URL(target, encoded=True), CIMultiDictProxy(named), body or b""))
                await self._wait()
        except TimeoutError as error:
            raise TimedOut("first_byte") from error
        if response is None:
            raise HungUp("the org hung up")
        content = response.body if isinstance(response.body, bytes) else b""
        lines = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items())
        return response.status, (*lines, (b"Content-Length", b"%d" % len(content))), content

    async def _wait(self) -> None:
        if self.is_cut:
            raise HungUp("the process is dead")
        await asyncio.sleep(max(LEAST_SECONDS, self.delays[next(self.turns) % len(self.delays)]))


class OktaInMemory(Okta):
    """The gateway's client of the Sessions API, over a ``Line``."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def session(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """As ``Okta``."""
        return await self._called("GET", ME, cookies, browser)

    async def close(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """As ``Okta``."""
        return await self._called("DELETE", ME, cookies, browser)

    async def refresh(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """As ``Okta``."""
        return await self._called("POST", REFRESH, cookies, browser)

    async def _called(self, method: str, target: str, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        fields = ((b"Host", HOST), *fields_of(cookies, browser))
        try:
            status, lines, body = await self._line.carried(method, target, fields, b"" if method == "POST" else None)
        except OutsideFailed as error:
            return OktaAnswer(Unknown(error.reason), 0)
        return answer_of(method, status, _by_name(lines), body, cookies_set(lines))


class ExchangeInMemory(Exchange):
    """An answer of which everything has arrived."""

    def __init__(self, status: int, fields: Fields, body: bytes) -> None:
        self._status = status
        self._body = body
        self.fields = from_outside(fields)

    @property
    def status(self) -> int:
        """As ``Exchange``."""
        return self._status

    @property
    def reason(self) -> bytes:
        """The usual reason phrase."""
        return b""

    def abort(self) -> None:
        """Do nothing: no connection is open."""

    async def read(self, largest_bytes: int) -> bytes:
        """Return the whole body."""
        return self._body

    async def relay(self, request: Request, fields: Fields | None = None, *, closes: bool = False) -> Response:
        """Return the response. The handler of the request writes it."""
        return Response(self._status, b"", self.fields if fields is None else fields, body=self._body, closes=closes)


class ProxyInMemory(HttpProxy):
    """Sends requests over a ``Line``."""

    __slots__ = ()

    def __init__(self, line: Line) -> None:
        # The line takes the place of a source of connections. Only the two methods below use it.
        super().__init__(cast(ConnectionSource, line), HOST)

    async def forward(
        self,
        request: Request,
        method: str,
        target: str,
        fields: Fields,
        rewrite: Rewrite,
        asker: Asker = NOBODY,
        judge: Judge | None = None,
    ) -> Response:
        """As ``HttpProxy``, but the body is read first."""
        body = await request.body.piece() if request.body is not None else b"" if method == "POST" else None
        exchange = await self.exchange(method, target, fields, body)
        rewritten = rewrite(exchange.status, exchange.fields)
        return await exchange.relay(request, await judge(exchange.status, rewritten) if judge is not None else rewritten)

    async def exchange(
        self, method: str, target: str, fields: Fields, body: bytes | None = None, asker: Asker = NOBODY, *, is_new: bool = False
    ) -> ExchangeInMemory:
        """As ``HttpProxy``."""
        line = cast(Line, self.source)  # see above
        named = fields if any(name.lower() == b"host" for name, _ in fields) else ((b"Host", self.host), *fields)
        return ExchangeInMemory(*await line.carried(method, target, named, body))


class _NoClient(Client):
    """A client's connection without a client."""

    def hold_back(self) -> None:
        """Do nothing: everything has arrived."""

    def let_come(self) -> None:
        """Do nothing, as above."""

    def go_on(self) -> None:
        """Do nothing: no client waits."""


class DoorsInMemory:
    """The doors of one process, composed as for the network. The app answers with the user that it was told."""

    def __init__(self, parts: Parts, line: Line, opened: AsyncExitStack) -> None:
        resolver, pool = pass_resolver(parts), ProxyInMemory(line)
        self._parts = parts
        self.login = login_door(
            parts, opened, OrgPools(OrgRelay(pool, parts.tell, IssuedTokens(parts.state, parts.sealer, parts.sessions)), pool)
        )
        self._decisions = Decisions(resolver, parts.clock)
        self._handoff, _, self._own = app_own_paths(parts, FormerUsers(Owners(parts.seal_keys)))
        self._limits = head_limits(parts.config)

    async def answer(self, method: str, target: str, sent: CIMultiDict[str], content: bytes | None) -> tuple[int, Fields, bytes]:
        """Return status, fields and body of the answer to one request."""
        lines = [f"{name}: {value}" for name, value in sent.items()]
        lines += [f"Content-Length: {len(content)}"] if content else []
        read = HeadReader(self._limits).read("\r\n".join((f"{method} {target} HTTP/1.1", *lines)).encode("latin-1"))
        if read is None or read.refusal is not None:
            return read.refusal.status if read is not None and read.refusal is not None else 400, (), b""
        request = _request(read, content)
        admitted = self._parts.table.admit(request, self._limits)
        if isinstance(admitted, Malformed):
            return admitted.status, (), b""
        head, host = admitted
        response = await (self._at_app(request, head, host) if isinstance(host, App) else self.login.handle(request, head))
        return response.status, response.fields, b"" if method == "HEAD" else response.body

    async def _at_app(self, request: Request, head: RequestHead, app: App) -> Response:
        """Do what ``ProtectedDoor.handle`` does, without the app's own server."""
        if is_own(head.path):
            return await self._own.handle(request, head, app)
        verdict = (await self._decisions.decide(head, app)).verdict
        match verdict:
            case Admit(session):
                return to_response(Answer(200, (), f"hello {session.login if session is not None else ''}".encode()))
            case SignIn():
                return to_response(self._handoff.sign_in(head, app))
            case Malformed():
                return to_response(Answer(verdict.status, (), b""))
            case _:
                return to_response(Answer(503, (), b"Okta does not say"))


def _request(read: ReadHead, content: bytes | None) -> Request:
    client = _NoClient()
    body = Body(client, len(content)) if content else None
    if body is not None:
        body.arrived(content or b"")
        body.ended()
    request = Request(client, PEER, read, body)
    request.address = PEER
    return request


class ReplicaInMemory:
    """One gateway of a system: its view of the shared state, its line to the org, its doors, and its running requests."""

    def __init__(self, view: MemoryState, line: Line) -> None:
        self.view = view
        self.line = line
        self.doors: DoorsInMemory | None = None
        self.open = AsyncExitStack()
        self.answering: set[asyncio.Task[tuple[int, Fields, bytes]]] = set()

    async def start(self, clock: Clock) -> None:
        """Start the process, with the current shared state."""
        revocations = SharedRevocations(LocalRevocations(clock.monotonic), self.view)
        await revocations.follow()
        async with AsyncExitStack() as opened:
            opened.push_async_callback(self.view.aclose)
            parts = make_parts(settings_in_memory(), clock, _nothing, revocations, self.view, okta=OktaInMemory(self.line))
            opened.push_async_callback(parts.aclose)
            doors = DoorsInMemory(parts, self.line, opened)
            await doors.login.resume()
            await parts.closer.resume()
            self.doors, self.open = doors, opened.pop_all()

    async def stop(self) -> None:
        """Stop the process in an orderly way."""
        self.doors = None
        await self.open.aclose()

    async def kill(self) -> None:
        """Kill the process: what it still does reaches neither the state nor the org, and its clients get no answer."""
        self.doors, self.line.is_cut = None, True
        if isinstance(self.view, SharedMemory):
            self.view.is_cut = True
        for task in tuple(self.answering):
            task.cancel()
        await self.open.aclose()


class SystemInMemory:
    """A system without sockets, with the interface of ``System``: the org, and gateways that can be restarted or killed."""

    def __init__(self, org: Org, world: ReplicaRouting) -> None:
        self.org = org
        self.world = world
        self.visits = world.number
        self.delays: tuple[float, ...] = (0.0,)
        self.replicas: list[ReplicaInMemory] = []
        self._requests, self._events = count(), count()
        self._state: MemoryState | None = None

    def clock(self) -> Clock:
        """The gateways' clock, which shows the time of the loop."""
        loop = asyncio.get_running_loop()
        return Clock(loop.time, lambda: BEGAN + loop.time())

    async def start(self) -> None:
        """Start all processes, with the current shared state."""
        self.replicas = [await self._begun() for _ in range(self.world.number)]

    async def stop(self) -> None:
        """Stop all processes."""
        replicas, self.replicas = self.replicas, []
        for replica in replicas:
            await replica.stop()

    async def restart(self, keeps_state: bool = False) -> None:
        """Replace one process by another with the same seal keys; or all of them, if the shared state is lost too."""
        if not keeps_state:
            await self.stop()
            self._state = None
            await self.start()
            return
        place = next(self._events) % len(self.replicas)
        await self.replicas[place].stop()
        self.replicas[place] = await self._begun()

    async def kill(self) -> None:
        """Kill one of the processes, and start another."""
        place = next(self._events) % len(self.replicas)
        await self.replicas[place].kill()
        self.replicas[place] = await self._begun()

    async def drop(self, place: int) -> None:
        """Kill this process, and start no other."""
        await self.replicas.pop(place).kill()

    def goes_to(self, route: tuple[int, ...]) -> None:
        """Send the next requests to these gateways, in turn."""
        self.world, self._requests = replace(self.world, route=route), count()

    async def waits(self, seconds: float) -> None:
        """Let time pass. Background tasks run meanwhile."""
        await asyncio.sleep(seconds)

    def slow(self, delays: Sequence[float]) -> None:
        """Delay requests to the org and its answers by these seconds, in turn."""
        self.delays = tuple(delays)
        for replica in self.replicas:
            replica.line.delays = self.delays

    async def carry(
        self, method: str, target: str, sent: CIMultiDict[str], content: bytes | None, heard: Callable[[Lines], None]
    ) -> tuple[int, Lines, bytes]:
        """Send a person's request to a gateway (``Person.send``). Status 0 if the gateway died before it answered."""
        replica = self._chosen()
        assert replica.doors is not None
        answering = asyncio.create_task(replica.doors.answer(method, target, sent, content))
        replica.answering.add(answering)
        answering.add_done_callback(replica.answering.discard)
        try:
            await asyncio.wait({answering})
        except asyncio.CancelledError:
            answering.cancel()
            await asyncio.wait({answering})
            raise
        if answering.cancelled() or replica.line.is_cut:
            return 0, (), b""
        status, fields, body = answering.result()
        lines = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)
        heard(lines)
        return status, lines, body

    def _chosen(self) -> ReplicaInMemory:
        first = self.world.route[next(self._requests) % len(self.world.route)]
        alive = [replica for replica in self.replicas if replica.doors is not None]
        return alive[first % len(alive)]

    async def _begun(self) -> ReplicaInMemory:
        clock = self.clock()
        self._state = self._state or MemoryState(clock)
        view = self._state
        if self.world.number > 1:
            view = SharedMemory(clock, self._state, self.world.state_seconds, self.world.hearing_seconds)
        replica = ReplicaInMemory(view, Line(self.org, settings_in_memory().config.okta.first_byte_timeout, self.delays))
        await replica.start(clock)
        return replica


@asynccontextmanager
async def system_in_memory(org: Org, world: ReplicaRouting | None = None) -> AsyncIterator[SystemInMemory]:
    """Start a system in memory. It stops at the end of the block."""
    made = SystemInMemory(org, world or ReplicaRouting())
    await made.start()
    try:
        yield made
    finally:
        org.faults.clear()
        await made.stop()


def _nothing(event: str, figures: object) -> None:
    """A log that is not read."""


def _by_name(lines: Fields) -> CIMultiDict[str]:
    return CIMultiDict((name.decode("latin-1"), value.decode("latin-1")) for name, value in lines)
