"""A whole system that runs: the stand-in org, an app that answers with the user it was told, the gateway as in production, and users.

The gateway can be restarted with the same seal keys, and uses a clock that the tests move. ``FIELD_ON=replicas`` runs three replicas
instead. The system watches the org's journal: it records at once if a token is redeemed while an older session of the same browser lives.
"""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, urlsplit

import aiohttp
from aiohttp import web
from joserfc import jwt

from gateway.dev.standin import Engine, Org, OrgSession, Row, RunningOrg, User, fault, fingerprint, serve
from gateway.dev.standin.journal import Journal
from gateway.observe import Log
from gateway.shared_state import SharedState
from tests.harness.clock import ScriptedClock
from tests.harness.gateway import AnyGateway, made_gateway
from tests.harness.hello_app import served
from tests.harness.person import CAROL, EVIL, HR, LOGIN, PORTAL, Person, PersonReply, redemption
from tests.harness.polling import moment

ME = "/api/v1/sessions/me"
REDIRECT = "/login/sessionCookieRedirect"
USERS = (User("alice@example.com", "correct-horse"), User("bob@example.com", "correct-horse"), User(CAROL, "correct-horse"))

CONFIGURATION = """
[listen]
address = "127.0.0.1:0"
drain = "1s"
[admin]
address = "127.0.0.1:0"
[okta]
org = "{org}"
host = "login.example.com"
connect_timeout = "5s"
first_byte_timeout = "{first_byte}"
forward_first_byte_timeout = "{forward}"
idle_timeout = "{first_byte}"
[login]
url = "https://login.example.com"
[switch]
trusted_origins = ["https://portal.example.com"]
{switch}
[[app]]
name = "hr"
url = "https://hr.example.com"
upstream = "{upstream}"
"""


class WatchedJournal(Journal):
    """A journal that checks each redemption when it arrives, before the org carries it out."""

    def __init__(self, org: Org, people: Sequence[Person]) -> None:
        super().__init__()
        self._org = org
        self._people = people
        self.broken: list[str] = []
        self.unwatched: set[str] = set()
        """Paths whose token may come together with a session: an activation link, a transaction of the living session."""

    def record(self, row: Row) -> None:
        """Record a violation: a live session in the request with the token, or a live session of the browser that the token is for."""
        super().record(row)
        if row.token is None or row.path.endswith("/par") or row.path in self.unwatched:
            return
        for session in self._org.sessions.active():
            values = {value for value in (session.sid, session.idx) if value is not None}
            prints = {fingerprint(value) for value in values}
            if prints & set(row.cookies.values()):
                self.broken.append(f"row {row.n}: {session.user.login}'s live cookie came with a token")
            if len(self._people) == 1 and values & self._people[0].held:
                self.broken.append(f"row {row.n}: {session.user.login}'s session of this browser was alive when a token was sent")


class Shared(Protocol):
    def beside(self) -> SharedState:
        """Return another gateway's view of this shared state."""


@dataclass
class System:
    """The object for tests."""

    org: Org
    running: RunningOrg
    journal: WatchedJournal
    client: aiohttp.ClientSession
    people: list[Person]
    text: str = ""
    gateway: AnyGateway | None = None
    told: list[tuple[str, str]] = field(default_factory=list)
    written: io.StringIO = field(default_factory=io.StringIO)
    times: ScriptedClock = field(default_factory=lambda: ScriptedClock(time.time()))
    state: Shared | None = None

    @property
    def port(self) -> int:
        """The port for the next request."""
        assert self.gateway is not None
        return self.gateway.public_port

    def person(self) -> Person:
        made = Person(self.client, lambda: self.port)
        self.people.append(made)
        return made

    def hint(self, login: str) -> str:
        """Return a valid ``id_token_hint``: an ID token of the org for this user."""
        return jwt.encode({"alg": "RS256", "kid": "x"}, {"sub": self.org.known_user(login).id}, self.org.signing_key)

    def later(self, seconds: float) -> None:
        """Move the clocks of the gateway and of the org forward."""
        self.times.passes(seconds)
        self.org.clock.advance(seconds)

    async def restart(self) -> None:
        """Stop the gateway and start another one with the same seal keys and an empty memory."""
        await self.stop()
        await self.start()

    async def start(self) -> None:
        self.gateway = self.made()
        await self.gateway.start()

    def made(self) -> AnyGateway:
        """Return a gateway with this configuration. It shares ``state`` with the others, if there is one."""
        state = self.state.beside() if self.state is not None else None
        return made_gateway(self.text, Log("debug", stream=self.written), self.times.clock, state=state)

    async def stop(self) -> None:
        if self.gateway is not None:
            await self.gateway.aclose()
            self.gateway = None

    async def enter(self, person: Person, login: str, *, site: str = "same-site") -> PersonReply:
        """Do what the portal does: get a new token, and send the browser to the login host with it."""
        return await person.go(redemption(self.org.session_token(login)), site=site)

    async def entered(self, login: str) -> Person:
        person = self.person()
        reply = await self.enter(person, login)
        assert (reply.status, reply.body) == (200, f"hello {login}")
        return person

    def fails(self, path: str, **order: object) -> None:
        """Make such requests fail at the org from now on."""
        self.org.faults.add(fault({"path": path, **order}))

    async def kept_back(self, person: Person, url: str) -> asyncio.Task[PersonReply]:
        """Send a request whose answer the org keeps back until ``org.faults.clear()``. Returns when the org has done what it asks."""
        path = urlsplit(url).path
        self.fails(path, hold=True, after=True, headers={})
        asking = asyncio.create_task(person.ask(url))
        await self.org.journal.seen("GET", path)
        return asking

    def is_down(self) -> None:
        """Make the org close every connection without an answer."""
        self.fails("/*", status=0, times=None)

    def live(self) -> list[str]:
        """Return the logins with a session at the org, one entry for each session."""
        return sorted(session.user.login for session in self.org.sessions.active())

    async def until(self, *logins: str) -> None:
        """Wait until exactly these users have a session each."""
        async with asyncio.timeout(20):
            while self.live() != sorted(logins):
                await moment()

    def session(self, login: str) -> OrgSession:
        [found] = [session for session in self.org.sessions.active() if session.user.login == login]
        return found

    def rows(self, method: str, path: str) -> list[Row]:
        return [row for row in self.org.journal.rows if (row.method, row.path) == (method, path)]

    def sent(self, token: str) -> list[Row]:
        """Return the requests that brought this token to the org."""
        return [row for row in self.org.journal.rows if row.token == fingerprint(token)]

    async def serve_app(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve the app: it answers with the user that it was told, and records requests. /live is a WebSocket that echoes."""
        user = request.headers.get("Remote-User", "")
        self.told.append((request.path, user))
        if request.path == "/live":
            live = web.WebSocketResponse()
            await live.prepare(request)
            async for heard in live:
                await live.send_str(heard.data)
            return live
        return web.Response(text=f"hello {user}")


@asynccontextmanager
async def system(
    engine: Engine = "classic",
    *,
    quirks: Sequence[str] = (),
    first_byte: str = "20s",
    forward: str = "60s",
    switch: str = "",
    org_url: str = "",
    made_org: Org | None = None,
    state: Shared | None = None,
) -> AsyncIterator[System]:
    """Start everything on loopback. At the end the main promise is checked.

    ``org_url``: another server instead of the org. ``made_org``: use this org, with its own journal. ``state``: as in ``System``.
    """
    org = made_org or Org(engine=engine, quirks=quirks, users=USERS, trusted_origins=(LOGIN, HR, PORTAL, EVIL))
    people: list[Person] = []
    journal = WatchedJournal(org, people)
    if made_org is None:
        org.journal = journal
    running = await serve(org)
    client = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        auto_decompress=False,
        read_bufsize=2**20,
        max_field_size=65536,
    )
    made = System(org, running, journal, client, people, state=state)
    app = AsyncExitStack()
    upstream = await app.enter_async_context(served(made.serve_app))
    made.text = CONFIGURATION.format(org=org_url or running.url, upstream=upstream, first_byte=first_byte, forward=forward, switch=switch)
    try:
        await made.start()
        yield made
        assert journal.broken == []
    finally:
        org.faults.clear()
        await client.close()
        await made.stop()
        await app.aclose()
        await running.aclose()


def quoted(text: str) -> str:
    """Return the text percent-encoded, for a parameter."""
    return quote(text, safe="")
