"""The command `session-gateway dev`: a stand-in Okta org, a gateway in front of it, and demo sites, all in one process.

    app.example.localhost     the app behind the gateway        portal.example.localhost  a portal that signs users in by session token
    login.example.localhost   the org through the gateway       evil.localhost            a page of another site with a token link
    127.0.0.1:ORG_PORT        the org without the gateway

Owns the configuration of these parts and the order in which they start. Must never weaken the gateway: it is composed as in production.
The portal and the page of another site share its port, so `DemoFront` answers requests for these two hosts before the gateway sees them.
"""

import base64
import os
import secrets
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import web

from gateway.clock import Clock
from gateway.compose import Gateway
from gateway.config import Settings, read
from gateway.config.environment import PREFIX, SEAL_KEYS
from gateway.config.values import upstream_origin
from gateway.dev import demo, standin
from gateway.doors.answers import to_response
from gateway.edge.before import Before
from gateway.edge.http_proxy import HttpProxy
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Listener, Waiting
from gateway.errors import BadConfig, OutsideFailed
from gateway.observe import Log
from gateway.outbound import Timeouts
from gateway.policy.http.fields import from_outside
from gateway.policy.http.messages import Answer
from gateway.upstream.pool import PoolRules, Upstream
from gateway.upstream.server_address import ServerAddress

_CONNECTIONS = 20
_DEMO = "demo"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of the command line. A port of 0 means any free port."""

    port: int = 8080
    org_port: int = 8081
    upstream: str | None = None
    has_demo: bool = True
    engine: standin.Engine = "classic"
    users: Sequence[standin.User] = standin.ALICE_AND_BOB
    environ: Mapping[str, str] = field(default_factory=dict)
    """Environment variables. `SESSION_GATEWAY__SECTION__KEY` overrides the configuration of the demonstration; others are ignored."""
    quirks: Sequence[str] = ()
    trusted_origins: Sequence[str] = ()
    """More Trusted Origins of the org; the app and the login host are always trusted."""
    tls: bool = False
    """True: browsers use https, with a certificate that is made for this run."""


@dataclass(frozen=True, slots=True)
class DemoAddresses:
    """The addresses of all parts, as origins."""

    org: str
    port: int
    is_tls: bool = False

    @property
    def suffix(self) -> str:
        """The port in an address, such as `:8080`. Empty for port 80, and for port 443 with https."""
        return "" if self.port == (443 if self.is_tls else 80) else f":{self.port}"

    def _origin(self, host: str) -> str:
        return f"{'https' if self.is_tls else 'http'}://{host}{self.suffix}"

    @property
    def app(self) -> str:
        """The app through the gateway."""
        return self._origin("app.example.localhost")

    @property
    def login(self) -> str:
        """The org through the gateway."""
        return self._origin("login.example.localhost")

    @property
    def portal(self) -> str:
        """The portal that hands out session tokens."""
        return self._origin("portal.example.localhost")

    @property
    def evil(self) -> str:
        """The page of another site."""
        return self._origin("evil.localhost")


class Demonstration:
    """Everything that `dev` runs. Call ``start`` and ``aclose`` in the same event loop."""

    def __init__(self, options: DemoOptions, log: Log, clock: Clock | None = None) -> None:
        """Store the options; open nothing yet. ``clock`` is the gateway's clock; the org has its own."""
        self._options = options
        self._log = log
        self._clock = clock
        self._open = AsyncExitStack()
        self.org: standin.Org | None = None
        self.gateway: Gateway | None = None
        self.where = DemoAddresses("", 0)
        self.certificate: Path | None = None
        """With ``tls``: the certificate file that clients can trust. It is deleted after the run."""

    async def start(self) -> None:
        """Start all parts. If a port is taken, raise `BadConfig` and leave nothing open."""
        async with AsyncExitStack() as opened:
            upstream, org_port = self._options.upstream, self._options.org_port
            own_app = _own_app(upstream) if upstream is not None else None
            bound = _bound("--port", self._options.port)
            opened.callback(bound.close)
            org = standin.Org(engine=self._options.engine, users=self._options.users, quirks=self._options.quirks)
            running = await _serving("--org-port", org_port, standin.serve(org, "127.0.0.1", org_port))
            opened.push_async_callback(running.aclose)
            self.where = DemoAddresses(running.url, bound.getsockname()[1], self._options.tls)
            org.trusted_origins |= {self.where.app, self.where.login, *self._options.trusted_origins}
            app = own_app or await _demo_site(demo.legacy_app(), opened)
            wrap_listener = await self._demo_front(opened) if self._options.has_demo else None
            if self._options.tls:
                org.https_hosts.add(self.where.login.partition("://")[2])
                folder = Path(opened.enter_context(TemporaryDirectory(prefix="session-gateway-")))
                _, self.certificate = standin.made_context(folder)
            settings = _settings(self.where, app, self._options.environ, self.certificate)
            gateway = Gateway(settings, self._log, clock=self._clock, public=bound, wrap_listener=wrap_listener)
            await gateway.start()
            opened.push_async_callback(gateway.aclose)
            self.org, self.gateway, self._open = org, gateway, opened.pop_all()

    async def aclose(self) -> None:
        """Close all parts, the gateway first."""
        await self._open.aclose()

    def places(self) -> Iterator[str]:
        """Return the lines for the terminal: the addresses, and the users who can sign in."""
        if self._options.has_demo:
            first, last = (self._options.users[place].login.partition("@")[0] for place in (0, -1))
            yield f"portal    {self.where.portal}/   <- open this one: enter as {first}, then as {last}"
            yield f"evil      {self.where.evil}/   a page of another site"
        yield f"app       {self.where.app}/   {self._options.upstream or 'a legacy app, behind the gateway'}"
        yield f"login     {self.where.login}/   the org through the gateway"
        yield f"org       {self.where.org}/   the org without it ({self._options.engine})"
        if self.gateway is not None:
            yield f"admin     http://{self.gateway.admin_address}/metrics"
        if self.certificate is not None:
            yield f"trust     {self.certificate}   the certificate of this run"
        for user in self._options.users:
            yield f"user      {user.login}   password {user.password}"

    async def _demo_front(self, opened: AsyncExitStack) -> Callable[[Listener], Listener]:
        where, users = self.where, [(user.login, user.password) for user in self._options.users]
        portal = demo.portal(org_url=where.org, login_url=where.login, app_url=where.app, users=users)
        evil = demo.stranger_site(org_url=where.org, login_url=where.login, app_url=where.app, users=users)
        sites = {}
        for origin, application in ((where.portal, portal), (where.evil, evil)):
            netloc = origin.partition("://")[2]
            base = await _demo_site(application, opened)
            upstream = Upstream(ServerAddress("127.0.0.1", int(base.rpartition(":")[2])), Timeouts(), PoolRules(_CONNECTIONS))
            opened.push_async_callback(upstream.aclose)
            sites[netloc.encode()] = HttpProxy(upstream, netloc.encode())
        return DemoFront(sites).wrap


class DemoFront:
    """Sends requests for a demo host to the demo, and all others to the gateway's listener. Both use the same port."""

    def __init__(self, sites: dict[bytes, HttpProxy]) -> None:
        """``sites``: the demo sites, by the value of the Host field."""
        self._sites = sites

    def wrap(self, listener: Listener) -> Listener:
        """Return a listener that asks this object first, and then the given listener."""
        return Before(listener, self._begin, self._answered)

    def _begin(self, behind: Listener, request: Request) -> Response | Waiting | None:
        host = request.named.get(b"host")
        site = self._sites.get(host.lower()) if isinstance(host, bytes) else None
        if site is None or request.refusal is not None:
            return behind.begin(request)
        request.door = _DEMO
        return _forwarded(site, request)

    def _answered(self, behind: Listener, request: Request, status: int | None) -> None:
        if request.door != _DEMO:
            behind.answered(request, status)


async def _forwarded(site: HttpProxy, request: Request) -> Response:
    fields = tuple(field for field in from_outside(request.fields) if field[0].lower() != b"host")
    try:
        return await site.forward(request, request.method, request.target, fields, lambda _, answered: answered)
    except OutsideFailed:
        return to_response(Answer(502, ((b"Content-Type", b"text/plain"),), b"The demo does not answer.\n"))


def _settings(where: DemoAddresses, upstream: str, environ: Mapping[str, str], certificate: Path | None = None) -> Settings:
    tls = f'tls_certificate = "{certificate}"\ntls_key = "{certificate.with_suffix(".key")}"' if certificate is not None else ""
    text = f"""
[listen]
address = "127.0.0.1:{where.port}"
drain = "2s"
{tls}
[admin]
address = "127.0.0.1:0"
[okta]
org = "{where.org}"
host = "login.example.localhost{where.suffix}"
[state]
engine = "memory"
[login]
url = "{where.login}"
[[app]]
name = "app"
url = "{where.app}"
upstream = "{upstream}"
"""
    key = base64.b64encode(secrets.token_bytes(32)).decode("ascii")
    single_keys = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    return read("session-gateway dev", text, {**single_keys, SEAL_KEYS: key})


def _bound(option: str, port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise BadConfig((port_taken(option, port, error),)) from error


async def _serving(option: str, port: int, starting: Coroutine[Any, Any, standin.RunningOrg]) -> standin.RunningOrg:
    try:
        return await starting
    except OSError as error:
        raise BadConfig((port_taken(option, port, error),)) from error


def port_taken(option: str, port: int, error: OSError) -> str:
    """Return the error line for ``option``: which port it is, why it cannot be used, and what to do."""
    why = os.strerror(error.errno) if error.errno else type(error).__name__
    return f"{option}: cannot listen on 127.0.0.1:{port} ({why}); stop what listens there, or choose another port"


async def _demo_site(application: web.Application, opened: AsyncExitStack) -> str:
    running = await demo.serve(application, "127.0.0.1", 0)
    opened.push_async_callback(running.aclose)
    return f"http://127.0.0.1:{running.port}"


def _own_app(upstream: str) -> str:
    try:
        return upstream_origin(upstream)
    except ValueError as error:
        raise BadConfig((f"--upstream: {error}",)) from None
