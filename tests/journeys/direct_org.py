"""A deployment in which browsers reach the org directly. The gateway is an OpenID Connect client of the org.

The org is the stand-in under its own address, on another site than the gateway. ``direct_org`` is the fixture. Its ``begin`` and ``end``
stop one process of the gateway and start another.
"""

import base64
import html
import io
import json
import re
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from gateway.clock import Clock
from gateway.compose import Gateway
from gateway.config import read
from gateway.config.environment import SEAL_KEYS
from gateway.dev import demo
from gateway.dev.standin import Client, Engine, Org, OrgSession, RunningOrg, serve
from gateway.observe import Log
from tests.harness.demonstration import NAVIGATION, EveryNameIsHere
from tests.harness.ports import free_port

ALICE, BOB = "alice@example.com", "bob@example.com"
PORTAL_SECRET = "portal-secret-of-at-least-32-characters"
CLIENT_ID, CLIENT_SECRET = "0oaGateway", "client-secret-of-the-gateway"
SCRIPT = {"Accept": "application/json", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}
SIGN_OUT, AUTHORIZE, REDEMPTION = "/login/signout", "/oauth2/v1/authorize", "/login/sessionCookieRedirect"
_REFRESH = re.compile(r'http-equiv="refresh" content="0; url=([^"]+)"')
_FORM = re.compile(r'<form method="post" action="([^"]+)" data-posts-itself>(.+?)</form>', re.DOTALL)
_FIELD = re.compile(r'name="([^"]+)" value="([^"]*)"')
AGENT = "Firefox/140"


@dataclass
class DirectOrg:
    """The org, the gateway beside it, and an app."""

    org: Org
    running: RunningOrg
    folder: Path
    port: int
    opened: AsyncExitStack
    app_url: str
    written: io.StringIO = field(default_factory=io.StringIO)
    key: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(32)).decode())
    gateway: Gateway | None = None

    @property
    def gate(self) -> str:
        """The gateway's own host."""
        return f"http://gate.example.localhost:{self.port}"

    @property
    def app(self) -> str:
        """The app."""
        return f"http://app.example.localhost:{self.port}"

    @property
    def wiki(self) -> str:
        """Another app."""
        return f"http://wiki.example.localhost:{self.port}"

    @property
    def lines(self) -> list[dict[str, object]]:
        """The log so far."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]

    async def begin(self, clock: Clock | None = None, **keys: str) -> None:
        """Start a gateway on the port; ``keys``: more keys of the configuration, by their names in the environment."""
        (self.folder / "portal.secrets").write_text(PORTAL_SECRET)
        (self.folder / "client.secret").write_text(CLIENT_SECRET)
        environ = {SEAL_KEYS: self.key, **{f"SESSION_GATEWAY__{name}": value for name, value in keys.items()}}
        settings = read(str(self.folder / "gateway.toml"), self.text(), environ)
        public = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.gateway = Gateway(settings, Log("debug", stream=self.written), clock=clock, public=public)
        await self.gateway.start()

    async def end(self) -> None:
        """Stop the gateway."""
        if self.gateway is not None:
            await self.gateway.aclose()
            self.gateway = None

    def text(self) -> str:
        """The configuration."""
        return f"""
[listen]
address = "127.0.0.1:{self.port}"
drain = "1s"
[admin]
address = "127.0.0.1:0"
[okta]
org = "{self.running.url}"
[login]
url = "{self.gate}"
[session]
source = "oidc"
[oidc]
client_id = "{CLIENT_ID}"
client_secret_file = "client.secret"
[switch]
portal_secrets_file = "portal.secrets"
[[app]]
name = "app"
url = "{self.app}"
upstream = "{self.app_url}"
[[app]]
name = "wiki"
url = "{self.wiki}"
upstream = "{self.app_url}"
"""

    async def handed_over(self, token: str, to: str, **more: str) -> str:
        """Where the portal sends a browser, once its server has handed this token over; ``to``: a path of the app."""
        async with self.visitor() as server:
            order = {"session_token": token, "to": self.app + to, **more}
            status, answer = await self.posted(server, f"{self.gate}/.gateway/starts", order)
        assert status == 201, answer
        return str(answer["url"])

    def signs_in(self, visitor: aiohttp.ClientSession, login: str) -> OrgSession:
        """From now on the visitor has this user's new session at the org, as if she had signed in there in another window."""
        session = self.org.sign_in(login)
        found = {"sid": session.sid or "", **({"idx": session.idx} if session.idx else {})}
        visitor.cookie_jar.update_cookies(found, response_url=URL(self.running.url))
        return session

    def asked(self, path: str) -> int:
        """How often the org was asked for this path."""
        return sum(row.path == path for row in self.org.journal.rows)

    @staticmethod
    async def posted(client: aiohttp.ClientSession, url: str, order: Mapping[str, object]) -> tuple[int, Mapping[str, object]]:
        """One order of a portal's server."""
        async with client.post(url, json=order, headers={"Authorization": f"Bearer {PORTAL_SECRET}"}) as response:
            return response.status, await response.json()

    def visitor(self, address: str = "127.0.0.1") -> aiohttp.ClientSession:
        """A client that keeps cookies as a browser does, Secure ones too, and may be at the org's own address; ``address``: its own."""
        origins = [URL(origin) for origin in (self.app, self.wiki, self.gate, self.running.url)]
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=EveryNameIsHere(), use_dns_cache=False, local_addr=(address, 0)),
            cookie_jar=aiohttp.CookieJar(treat_as_secure_origin=origins, unsafe=True),
            headers=NAVIGATION,
            timeout=aiohttp.ClientTimeout(total=20),
        )


@pytest.fixture(params=["classic", "identity"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Both engines of Okta, one after the other."""
    return "identity" if request.param == "identity" else "classic"


@asynccontextmanager
async def arranged(folder: Path, engine: Engine, make: Callable[..., Org] = Org) -> AsyncIterator[DirectOrg]:
    """Everything but the gateway, which the test begins; ``folder``: for its files, ``make``: makes the org."""
    async with AsyncExitStack() as opened:
        port = free_port()
        gate = f"http://gate.example.localhost:{port}"
        client = Client(CLIENT_ID, (f"{gate}/.gateway/oidc",), CLIENT_SECRET)
        org = make(engine=engine, trusted_origins=[gate], clients=[client])
        running = await serve(org, "127.0.0.1", 0)
        opened.push_async_callback(running.aclose)
        served = await demo.serve(demo.legacy_app(), "127.0.0.1", 0)
        opened.push_async_callback(served.aclose)
        made = DirectOrg(org, running, folder, port, opened, f"http://127.0.0.1:{served.port}")
        opened.push_async_callback(made.end)
        yield made


@pytest.fixture
async def direct_org(tmp_path: Path, engine: Engine) -> AsyncIterator[DirectOrg]:
    """The same, for each engine."""
    async with arranged(tmp_path, engine) as made:
        yield made


@dataclass
class ShiftedClock:
    """The gateway's clock, which the test moves ahead; the org has its own."""

    passed: float = 0.0

    @property
    def clock(self) -> Clock:
        return Clock(lambda: time.monotonic() + self.passed, lambda: time.time() + self.passed)


async def signs_out(visitor: aiohttp.ClientSession, direct_org: DirectOrg) -> str:
    """The page at the end of a sign-out that begins at the app.

    If the pass of this app is not of the session that the login host knows, the login host asks, and its button is pressed.
    """
    async with visitor.post(f"{direct_org.app}/.gateway/sign-out", headers=_of_page(direct_org.app)) as response:
        text, address = await response.text(), response.url
    if '<form method="post"' in text:
        async with visitor.post(address.with_query(None), headers=_of_page(str(address.origin()))) as response:
            _, _, text = await walked(visitor, html.unescape(_refresh_of(await response.text())))
    return text


def _of_page(origin: str) -> dict[str, str]:
    return {"Origin": origin, "Sec-Fetch-Site": "same-origin"}


def _refresh_of(text: str) -> str:
    refresh = _REFRESH.search(text)
    assert refresh is not None, text[:500]
    return refresh[1]


async def walked(visitor: aiohttp.ClientSession, url: str) -> tuple[int, str, str]:
    """Status, address and text of the page at which a browser would stop."""
    fields: dict[str, str] | None = None
    for _ in range(8):
        method = "POST" if fields is not None else "GET"
        async with visitor.request(
            method, URL(url, encoded=True), data=fields, headers={"User-Agent": AGENT}, max_redirects=20
        ) as response:
            status, address, text = response.status, str(response.url), await response.text()
        refresh, form = _REFRESH.search(text), _FORM.search(text)
        if refresh is not None:
            url, fields = html.unescape(refresh[1]), None
        elif form is not None:
            url, fields = html.unescape(form[1]), {name: html.unescape(value) for name, value in _FIELD.findall(form[2])}
        else:
            return status, address, text
    raise AssertionError("the pages lead on and on")
