"""`session-gateway dev`: a stand-in org, a gateway before it, and a demo on both sides of it, in one process.

    app.example.localhost     the app behind the gateway        portal.example.localhost  hands out session tokens, as in the forum thread
    login.example.localhost   the org through the gateway       evil.localhost            a page of another site with a token link
    127.0.0.1:ORG_PORT        the org without the gateway

Owns the configuration of that arrangement and its order of starting. Must never weaken the gateway: the demo hosts stand before it and are
forwarded to as they are, the gateway itself is composed as in production.
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
from gateway.log import Log
from gateway.outbound import Deadlines
from gateway.policy.http.fields import from_outside
from gateway.policy.http.messages import Answer
from gateway.upstream.place import ServerAddress
from gateway.upstream.pool import PoolRules, Upstream

_CONNECTIONS = 20
_DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asked for; ports may be 0 for any free one."""

    port: int = 8080
    org_port: int = 8081
    upstream: str | None = None
    has_demo: bool = True
    engine: standin.Engine = "classic"
    users: Sequence[standin.User] = standin.ALICE_AND_BOB
    environ: Mapping[str, str] = field(default_factory=dict)
    """Variables `SESSION_GATEWAY__SECTION__KEY` go over the arrangement's own configuration; others are not looked at."""
    quirks: Sequence[str] = ()
    trusted_origins: Sequence[str] = ()
    """Of the org, beside the app and the login host."""
    tls: bool = False
    """Browsers come by https, with a certificate that is made for this run."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is, as origins."""

    org: str
    port: int
    is_tls: bool = False

    @property
    def suffix(self) -> str:
        """What follows a host name in an address: nothing on port 80, or 443 for https."""
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
    """Everything that `dev` runs. ``start`` it inside an event loop, ``aclose`` it in the same."""

    def __init__(self, wishes: Wishes, log: Log, clock: Clock | None = None) -> None:
        """Nothing is opened yet. ``clock``: the gateway's; the org has its own."""
        self._wishes = wishes
        self._log = log
        self._clock = clock
        self._open = AsyncExitStack()
        self.org: standin.Org | None = None
        self.gateway: Gateway | None = None
        self.where = Places("", 0)
        self.certificate: Path | None = None
        """The file that clients may trust, with ``tls``; it is gone after the run."""

    async def start(self) -> None:
        """Open everything; `BadConfig` when a port is taken, and then nothing stays open."""
        async with AsyncExitStack() as opened:
            upstream, org_port = self._wishes.upstream, self._wishes.org_port
            own_app = _own_app(upstream) if upstream is not None else None
            bound = _bound("--port", self._wishes.port)
            opened.callback(bound.close)
            org = standin.Org(engine=self._wishes.engine, users=self._wishes.users, quirks=self._wishes.quirks)
            running = await _serving("--org-port", org_port, standin.serve(org, "127.0.0.1", org_port))
            opened.push_async_callback(running.aclose)
            self.where = Places(running.url, bound.getsockname()[1], self._wishes.tls)
            org.trusted_origins |= {self.where.app, self.where.login, *self._wishes.trusted_origins}
            app = own_app or await _demo_site(demo.legacy_app(), opened)
            front = await self._front(opened) if self._wishes.has_demo else None
            if self._wishes.tls:
                org.https_hosts.add(self.where.login.partition("://")[2])
                folder = Path(opened.enter_context(TemporaryDirectory(prefix="session-gateway-")))
                _, self.certificate = standin.made_context(folder)
            settings = _settings(self.where, app, self._wishes.environ, self.certificate)
            gateway = Gateway(settings, self._log, clock=self._clock, public=bound, around=front)
            await gateway.start()
            opened.push_async_callback(gateway.aclose)
            self.org, self.gateway, self._open = org, gateway, opened.pop_all()

    async def aclose(self) -> None:
        """Close everything, the gateway first."""
        await self._open.aclose()

    def places(self) -> Iterator[str]:
        """Lines for the terminal: where everything is, and who may sign in."""
        if self._wishes.has_demo:
            first, last = (self._wishes.users[place].login.partition("@")[0] for place in (0, -1))
            yield f"portal    {self.where.portal}/   <- open this one: enter as {first}, then as {last}"
            yield f"evil      {self.where.evil}/   a page of another site"
        yield f"app       {self.where.app}/   {self._wishes.upstream or 'a legacy app, behind the gateway'}"
        yield f"login     {self.where.login}/   the org through the gateway"
        yield f"org       {self.where.org}/   the org without it ({self._wishes.engine})"
        if self.gateway is not None:
            yield f"admin     http://{self.gateway.admin_address}/metrics"
        if self.certificate is not None:
            yield f"trust     {self.certificate}   the certificate of this run"
        for user in self._wishes.users:
            yield f"user      {user.login}   password {user.password}"

    async def _front(self, opened: AsyncExitStack) -> Callable[[Listener], Listener]:
        where, users = self.where, [(user.login, user.password) for user in self._wishes.users]
        portal = demo.portal(org_url=where.org, login_url=where.login, app_url=where.app, users=users)
        evil = demo.stranger_site(org_url=where.org, login_url=where.login, app_url=where.app, users=users)
        sites = {}
        for origin, application in ((where.portal, portal), (where.evil, evil)):
            netloc = origin.partition("://")[2]
            base = await _demo_site(application, opened)
            upstream = Upstream(ServerAddress("127.0.0.1", int(base.rpartition(":")[2])), Deadlines(), PoolRules(_CONNECTIONS))
            opened.push_async_callback(upstream.aclose)
            sites[netloc.encode()] = HttpProxy(upstream, netloc.encode())
        return DemoFront(sites).around


class DemoFront:
    """Stands before the gateway's listener on the same port: requests to a demo host go to the demo, all others on."""

    def __init__(self, sites: dict[bytes, HttpProxy]) -> None:
        """``sites``: by the Host field's value."""
        self._sites = sites

    def around(self, listener: Listener) -> Listener:
        """The listener with this one before it."""
        return Before(listener, self._begin, self._answered)

    def _begin(self, behind: Listener, request: Request) -> Response | Waiting | None:
        host = request.named.get(b"host")
        site = self._sites.get(host.lower()) if isinstance(host, bytes) else None
        if site is None or request.refused is not None:
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


def _settings(where: Places, upstream: str, environ: Mapping[str, str], certificate: Path | None = None) -> Settings:
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
    """One line for whoever gave ``option``: which port it was, why it cannot be had, and what to do."""
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
