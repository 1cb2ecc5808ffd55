"""A whole deployment: the gateway as production composes it, from the text of a configuration, on sockets of this machine.

    client that sends raw bytes ─▶ gateway ─▶ app that records bytes, and answers as a test says
                                      └─────▶ stand-in org

Owns the configuration for the attacks, and functions to send requests and to sign in. Checks nothing by itself.
"""

import asyncio
import base64
import io
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import aiohttp
from aiohttp import DummyCookieJar

from gateway.compose.parts import Parts
from gateway.config.environment import SEAL_KEYS
from gateway.dev.standin import Fault, Org, OrgSession, RunningOrg, serve
from gateway.observe import Log
from gateway.policy.session.session import SessionCookie
from gateway.shared_state import MemoryState
from tests.harness.app import Behind, Script, hello
from tests.harness.browser import ALICE, HR, LOGIN, WIKI, Browser
from tests.harness.clock import ScriptedClock
from tests.harness.configuration import SEALED
from tests.harness.gateway import AnyGateway, each, made_gateway, with_state
from tests.harness.replies import RawReply
from tests.harness.wire import PATIENCE, Wire

IIS, LOCAL = "https://iis.example.com", "http://local.localhost:8080"
NAVIGATE = b"Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: none\r\n"
FETCH = b"Accept: */*\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Site: same-origin\r\n"

CONFIGURATION = """
[listen]
address = "127.0.0.1:0"
drain = "1s"
{listen}
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
{session}
[switch]
trusted_origins = ["https://portal.example.com"]

[[app]]
name = "hr"
url = "https://hr.example.com"
upstream = "{upstream}"
first_byte_timeout = "5s"
websocket_origins = ["https://chat.example.com"]
rule = [
    {{ path = "/public/**", access = "anyone" }},
    {{ path = "/maybe/**", access = "optional" }},
    {{ path = "/api/**/status", access = "anyone" }},
    {{ path = "/status", access = "anyone" }},
    {{ path = "/bob/**", users = ["bob@example.com"] }},
    {{ path = "/company/**", users = ["@example.com"] }},
    {{ path = "/kim/**", users = ["kim@example.com"] }},
    {{ path = "/read/**", methods = ["GET", "HEAD"] }},
    {{ path = "/form/**", access = "anyone", methods = ["POST"] }},
    {{ path = "/strong/**", amr = ["mfa"] }},
    {{ path = "/shut/**", access = "nobody", methods = ["POST"] }},
]

[[app]]
name = "wiki"
url = "https://wiki.example.com"
upstream = "{upstream}"
allow_fields = ["webhook_user"]
identity = {{ "X-Auth-User" = "login", "X-Auth-Id" = "user_id", "X-Auth-Until" = "session_expires_at", "X-Auth-Amr" = "amr" }}
rule = [{{ path = "/public/**", access = "anyone" }}]

[[app]]
name = "iis"
url = "https://iis.example.com"
upstream = "{upstream}"
case_insensitive = true
rule = [{{ path = "/Bob/**", users = ["bob@example.com"] }}, {{ path = "/**/open", access = "anyone" }}]

[[app]]
name = "local"
url = "http://local.localhost:8080"
upstream = "{upstream}"
"""


class AppHost(NamedTuple):
    """The app's host in the gateway's configuration, and the name servers that resolve it instead of the system's."""

    app: str
    nameservers: tuple[str, ...] = ()


LITERAL = AppHost("127.0.0.1")


@dataclass
class Site:
    """The object for tests. ``behind`` is the app of every app host, ``org`` the stand-in, ``times`` the gateway's clock."""

    org: Org
    running: RunningOrg
    behind: Behind
    gateway: AnyGateway
    times: ScriptedClock
    written: io.StringIO
    browsers: aiohttp.ClientSession
    configuration: str
    app_server: asyncio.Server
    state: MemoryState | None = None
    wires: list[Wire] = field(default_factory=list)

    @asynccontextmanager
    async def beside(self, *seal_keys: bytes) -> AsyncIterator["Site"]:
        """Return this deployment with another gateway on the same configuration: a replica, or a restart with other keys (newest first)."""
        keys = {SEAL_KEYS: ",".join(base64.b64encode(key).decode() for key in seal_keys)} if seal_keys else SEALED
        state = self.state.beside() if self.state is not None else None
        log = Log("debug", stream=self.written)
        other = made_gateway(self.configuration, log, self.times.clock, environ=keys, state=state)
        await other.start()
        try:
            yield replace(self, gateway=other)
        finally:
            await other.aclose()

    async def connect(self, port: int | None = None) -> Wire:
        """Open a connection to the public address, or to another port of this machine."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port or self.gateway.public_port)
        self.wires.append(Wire(reader, writer))
        return self.wires[-1]

    async def raw(self, sent: bytes, port: int | None = None) -> bytes:
        """Send exactly these bytes. Return everything that comes back until the gateway closes the connection."""
        wire = await self.connect(port)
        try:
            return await wire.ask(sent)
        finally:
            await wire.close()

    async def ask(
        self, target: str, fields: bytes = FETCH, *, origin: str = HR, method: str = "GET", body: bytes = b"", port: int | None = None
    ) -> RawReply:
        """Send one request on a connection of its own. ``fields`` are whole lines, including ``Cookie``."""
        host = origin.partition("://")[2]
        head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n".encode("latin-1")
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        return RawReply.of(await self.raw(head + fields + length + b"\r\n" + body, port))

    def browser(self) -> Browser:
        """Return a browser that keeps cookies by host and follows no redirect by itself."""
        return Browser(self.browsers, lambda: self.gateway.public_port)

    def session(self, login: str = ALICE) -> tuple[Browser, OrgSession]:
        """Return a browser whose user has signed in at the org, and has not opened an app yet."""
        browser, session = self.browser(), self.org.sign_in(login)
        browser.signs_in(session)
        return browser, session

    async def entered(self, login: str = ALICE, origin: str = HR) -> Browser:
        """Return a browser that went through the hand-off and has the pass of this app host."""
        browser, _ = self.session(login)
        await self.enters(browser, origin)
        return browser

    async def enters(self, browser: Browser, origin: str = HR) -> None:
        """Go through the hand-off of another app host as well. This also sends a request to the app."""
        reply, _ = await browser.walk(f"{origin}/")
        assert reply.status == 200, reply

    async def signed_in(self, login: str = ALICE, origin: str = HR) -> bytes:
        """Return the Cookie line of a browser that is signed in at this app host. The app's record of the sign-in is cleared."""
        line = cookie_line(await self.entered(login, origin), origin)
        self.behind.visits.clear()
        return line

    @property
    def lines(self) -> list[dict[str, object]]:
        """The gateway's log so far."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]

    @property
    def notes(self) -> list[dict[str, str]]:
        """What the log says of each request so far: its route, verdict, reason and fingerprint."""
        names = ("route", "verdict", "reason", "fingerprint")
        return [{name: str(line.get(name, "")) for name in names} for line in self.lines if line["event"] == "request"]

    @property
    def parts(self) -> Parts:
        """The objects that the doors of the first gateway share."""
        return each(self.gateway)[0].parts

    def fails(self, method: str) -> None:
        """Make the org answer 503 to this method on `/sessions/me` from now on."""
        self.org.faults.add(Fault("/api/v1/sessions/me", method, 503, times=None))

    async def revoke(self, browser: Browser) -> None:
        """Revoke the session of this browser, as a sign-out in another tab does."""
        await self.parts.sessions.revoke([SessionCookie(name.encode(), value.encode()) for name, value in browser.okta_cookies().items()])

    def seen(self, path: str, method: str | None = None) -> int:
        """Return how many requests for this path reached the org."""
        return sum(row.path == path and method in (None, row.method) for row in self.org.journal.rows)


def cookie_line(browser: Browser, origin: str) -> bytes:
    """Return the Cookie field that this browser sends to this host."""
    return f"Cookie: {'; '.join(f'{name}={value}' for name, value in browser.jar(origin).items())}\r\n".encode()


@asynccontextmanager
async def deployed(
    engine: str = "classic",
    *,
    listen: str = "",
    session: str = "",
    configuration: str = CONFIGURATION,
    named: AppHost = LITERAL,
    script: Script = hello,
    app_tls: ssl.SSLContext | None = None,
    shares: type[MemoryState] | None = None,
) -> AsyncIterator[Site]:
    """Start the whole deployment; it is removed at the end. ``listen`` and ``session``: further keys of these tables.
    ``script``: how the app answers; ``app_tls``: it speaks https.

    ``shares``: the memory that gateways beside this one share with it, if the configuration names no state.
    """
    org = Org(engine="identity" if engine == "identity" else "classic")
    org.trusted_origins |= {LOGIN, HR, WIKI, IIS, LOCAL}
    running, behind, times, written = await serve(org), Behind(script), ScriptedClock(time.time()), io.StringIO()
    app = await asyncio.start_server(behind.serve, "127.0.0.1", 0, ssl=app_tls)
    behind.port = app.sockets[0].getsockname()[1]
    upstream = f"{'https' if app_tls is not None else 'http'}://{named.app}:{behind.port}"
    text = configuration.format(org=running.url, upstream=upstream, listen=listen, session=session)
    text = with_state(text) if shares is not None else text
    state = shares(times.clock) if shares is not None else None
    gateway = made_gateway(text, Log("debug", stream=written), times.clock, nameservers=named.nameservers, state=state)
    browsers = aiohttp.ClientSession(cookie_jar=DummyCookieJar(), skip_auto_headers=("User-Agent", "Accept"))
    made = Site(org, running, behind, gateway, times, written, browsers, text, app, state)
    await gateway.start()
    try:
        yield made
    except BaseException:
        behind.give_up()  # the test no longer tells the app's waiting connections what to answer
        raise
    finally:
        for wire in made.wires:
            wire.writer.transport.abort()  # drops what still waits to be sent
            await wire.close()
        await browsers.close()
        await gateway.aclose()
        app.close()
        await app.wait_closed()
        await running.aclose()
    try:
        async with asyncio.timeout(PATIENCE):
            while behind.open:
                behind.gone.clear()
                await behind.gone.wait()
    finally:
        behind.give_up()
