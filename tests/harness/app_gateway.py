"""A deployment as the tests of the app door use it: answers in bytes, and passes that the test makes. Checks nothing by itself."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.compose.parts import Parts
from gateway.compose.tls import Certificates
from gateway.config.certificates import Pair
from gateway.dev.standin import Org, OrgSession
from gateway.edge.open_connections import OpenConnections
from gateway.policy.session.passes import Pass, Passes
from gateway.policy.session.revocation_epoch import with_epoch
from gateway.policy.session.session import SessionCookie
from gateway.sessions import Sessions
from tests.harness.app import Behind, Script, Visit
from tests.harness.browser import ALICE
from tests.harness.certificates import certificate
from tests.harness.site import CONFIGURATION, Site, deployed
from tests.harness.wire import Wire

HR = "hr.example.com:443"
NAVIGATION = b"Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
FETCH = b"Accept: */*\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
ME = "/api/v1/sessions/me"
_READ = '{{ path = "/read/**", methods = ["GET", "HEAD"] }},'
_PATIENT = 'first_byte_timeout = "5s"\nwebsocket_origins'


@dataclass(frozen=True, slots=True)
class Secured:
    """TLS with one certificate: for whoever accepts connections, and for whoever makes them."""

    folder: Path
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
        return cls(folder, Certificates(Pair(folder / "tls.crt", folder / "tls.key"), lambda event, figures: None), server, client)


@dataclass
class AppGateway:
    """``site``: the deployment."""

    site: Site

    @property
    def org(self) -> Org:
        return self.site.org

    @property
    def app(self) -> Behind:
        return self.site.behind

    @property
    def parts(self) -> Parts:
        return self.site.parts

    @property
    def sessions(self) -> Sessions:
        return self.parts.sessions

    @property
    def live(self) -> OpenConnections:
        return self.parts.open_connections

    @property
    def notes(self) -> list[dict[str, str]]:
        return self.site.notes

    async def connect(self) -> Wire:
        return await self.site.connect()

    async def ask(self, target: str, fields: bytes = FETCH, method: str = "GET", body: bytes = b"") -> bytes:
        """The whole answer to one request on a connection of its own."""
        head = f"{method} {target} HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n".encode()
        return await self.site.raw(head + fields + b"\r\n" + body)

    def asked_okta(self) -> int:
        """How often Okta was asked who is signed in."""
        return self.site.seen(ME)

    def held(self, login: str = ALICE) -> tuple[Pass, OrgSession]:
        """A session at the org and the pass for it."""
        session = self.org.sign_in(login)
        cookies = tuple(SessionCookie(n, v.encode()) for n, v in ((b"sid", session.sid), (b"idx", session.idx)) if v is not None)
        epoch = with_epoch(self.sessions.epoch.name, "")
        return Pass(cookies, session.user.id, session.id, self.parts.clock.wall(), epoch=epoch), session

    def cookie(self, login: str = ALICE) -> bytes:
        """The Cookie field of a browser that is signed in."""
        return self.sealed(self.held(login)[0])

    def sealed(self, held: Pass, host: str = HR) -> bytes:
        return b"Cookie: __Host-gateway=" + Passes(self.parts.sealer).seal(host, held).encode() + b"\r\n"


@asynccontextmanager
async def app_gateway(largest_body: int | None = None, connections: int = 20, secured: Secured | None = None) -> AsyncIterator[AppGateway]:
    """Everything running, with at most so many connections to the app, which is soon taken for silent; no task is left of it afterwards.

    ``secured``: the app speaks https.
    """
    before = asyncio.all_tasks()
    more = [f"connections = {connections}", *([f'largest_body = "{largest_body}B"'] if largest_body else [])]
    if secured is not None:
        more += [f'upstream_ca_file = "{secured.folder / "tls.crt"}"', 'upstream_server_name = "app.example.com"']
    text = CONFIGURATION.replace(_READ, _READ + '\n    {{ path = "/read/**", access = "nobody" }},', 1)
    text = text.replace(_PATIENT, "\n".join(('first_byte_timeout = "500ms"', 'idle_timeout = "5s"', *more, "websocket_origins")), 1)
    async with deployed(configuration=text, app_tls=secured.server if secured is not None else None) as site:
        live = site.parts.open_connections
        yield AppGateway(site)
    while left := {task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if task is not None and not task.done()}:
        await asyncio.wait(left)
    assert len(live) == 0


def content(answer: bytes) -> dict[str, object]:
    found = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert isinstance(found, dict)
    return found


def answering(fields: bytes) -> Script:
    async def script(visit: Visit) -> None:
        await visit.body()
        await visit.say(b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 2\r\n\r\nok")

    return script
