"""A gateway on a socket that serves only its own paths, with a running stand-in org, and a browser that follows no redirect by itself."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import DummyCookieJar

from gateway.closing.session_closer import Closer
from gateway.dev.standin import Fault, Org, OrgSession, RunningOrg, serve
from gateway.doors.answers import to_response
from gateway.doors.app_sessions import FormerUsers
from gateway.doors.own.handoff import AppHandoff
from gateway.doors.own.kept_forms import KeptForms
from gateway.doors.own.login_handoff import LoginHandoff
from gateway.doors.own.pages import AppPages, LoginPages
from gateway.doors.own.paths import AppOwnPaths, LoginOwnPaths
from gateway.doors.own.requests import pass_of, session_of_pass
from gateway.doors.own.sign_out import AppSignOut, LoginSignOut
from gateway.doors.own.tickets import Tickets
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.okta import Okta
from gateway.outbound import Deadlines, Destination, open_client
from gateway.policy.http.messages import Answer, Authority, HeadLimits, Malformed
from gateway.policy.routing.routing import App, LoginHost, RouteTable, is_own
from gateway.policy.session.owner import Owners
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Fingerprinter, Session, SessionCookie
from gateway.revocations import LocalRevocations
from gateway.sessions import Asking, SessionRules, Sessions
from gateway.shared_state import MemoryState
from tests.harness.browser import ALICE, HR, LOGIN, Browser
from tests.harness.clock import Times
from tests.harness.server import client_server, noted, said

SIGN_IN = "/login/login.htm?fromURI={return}"
TABLE = RouteTable(
    LoginHost(LOGIN, Authority("login.example.com", 443)),
    [App(name, f"https://{name}.example.com", Authority(f"{name}.example.com", 443)) for name in ("hr", "wiki")],
)


@dataclass
class OwnGateway:
    """A gateway that answers its own paths. For every other path of an app it answers with the user who is signed in."""

    org: Org
    running: RunningOrg
    times: Times
    sealer: Sealer
    sessions: Sessions
    closer: Closer
    told: list[str]
    notes: list[dict[str, str]]
    browsers: aiohttp.ClientSession
    port: int = 0

    def browser(self) -> Browser:
        return Browser(self.browsers, self.port)

    def signed_in(self, login: str = ALICE) -> tuple[Browser, OrgSession]:
        browser, session = self.browser(), self.org.sign_in(login)
        browser.signs_in(session)
        return browser, session

    async def in_app(self, login: str = ALICE) -> Browser:
        """Return a browser that is signed in and has opened the first app."""
        browser, _ = self.signed_in(login)
        reply, _ = await browser.walk(f"{HR}/")
        assert reply.body == f"hello {login}"
        return browser

    def fails(self, method: str) -> None:
        """Make the org answer 503 to this method on `/sessions/me` from now on."""
        self.org.faults.add(Fault("/api/v1/sessions/me", method, 503, times=None))

    async def revoke(self, browser: Browser) -> None:
        """Revoke the session of this browser, as a sign-out in another tab does."""
        await self.sessions.revoke([SessionCookie(name.encode(), value.encode()) for name, value in browser.okta_cookies().items()])

    async def serve_one(self, request: Request) -> Response:
        admitted = TABLE.admit(request, HeadLimits())
        assert not isinstance(admitted, Malformed)
        head, host = admitted
        if isinstance(host, App) and is_own(head.path):
            response = await self._app.handle(request, head, host)
        elif isinstance(host, App):
            found = await session_of_pass(self.sessions, pass_of(self.sealer, head), head)
            greeting = f"hello {found.login}" if isinstance(found, Session) else ""
            response = said(200, greeting) if greeting else to_response(self._handoff.sign_in(head, host))
        elif is_own(head.path):
            response = await self._login.handle(request, head)
        else:
            response = to_response(Answer(200, (), b"the org's sign-in"))
        self.notes.append(noted(request))
        return response

    def build(self) -> None:
        clock, both = self.times.clock(), (self.sealer, self.sessions)
        tickets = Tickets(self.sealer, MemoryState(clock), clock)
        former = FormerUsers(Owners([b"k" * 32]))
        self._handoff = AppHandoff(TABLE, *both, clock, former, tickets)
        pages, out = AppPages(TABLE, *both, clock, SIGN_IN), AppSignOut(TABLE, *both, self.closer, clock, former)
        forms = KeptForms(TABLE, *both, Owners([b"k" * 32]), MemoryState(clock), clock)
        self._app = AppOwnPaths(self._handoff, out, pages, forms, clock)
        self.at_login = handoff = LoginHandoff(TABLE, *both, self.closer, tickets, clock, SIGN_IN)
        login_out = LoginSignOut(TABLE, *both, self.closer, clock, SIGN_IN)
        self._login = LoginOwnPaths(handoff, login_out, LoginPages(TABLE, self.sessions, clock, SIGN_IN), clock)


@asynccontextmanager
async def own_gateway(engine: str = "classic", revocations: type[LocalRevocations] = LocalRevocations) -> AsyncIterator[OwnGateway]:
    """Start everything on loopback; it is removed at the end."""
    org = Org(engine="identity" if engine == "identity" else "classic")
    running = await serve(org)
    times, told = Times(), list[str]()
    deadlines = Deadlines(connect=2.0, first_byte=5.0, idle=5.0)
    client = open_client(deadlines, 20)
    okta = Okta(client, Destination(running.url, f"127.0.0.1:{running.port}"), deadlines)
    clock = times.clock()
    asking = Asking(okta, clock, lambda event, figures: told.append(event))
    prints = Fingerprinter(b"f" * 32, running.url)
    sessions = Sessions(asking, revocations(clock.monotonic), prints, SessionRules(), clock, lambda event, figures: told.append(event))
    closer = Closer(sessions, okta, lambda event, figures: told.append(event))
    browsers = aiohttp.ClientSession(cookie_jar=DummyCookieJar(), skip_auto_headers=("User-Agent", "Accept"))
    made = OwnGateway(org, running, times, Sealer([b"k" * 32], secrets.token_bytes), sessions, closer, told, [], browsers)
    made.build()
    server = client_server(made.serve_one)
    listening = await asyncio.get_running_loop().create_server(server.guest, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        await browsers.close()
        listening.close()
        await server.shutdown(1.0)
        await closer.aclose()
        await sessions.aclose()
        await client.close()
        await running.aclose()
