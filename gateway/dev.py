"""`session-gateway dev`: a stand-in org, a gateway before it, and a demo on both sides of it, in one process.

    app.example.localhost     the app behind the gateway        portal.example.localhost  hands out session tokens, as in the forum thread
    login.example.localhost   the org through the gateway       evil.localhost            a page of another site with a token link
    127.0.0.1:ORG_PORT        the org without the gateway

Owns the configuration of that arrangement and its order of starting. Must never weaken the gateway: the demo hosts stand before it and are
forwarded to as they are, the gateway itself is composed as in production. Rules from: DESIGN section 10.
"""

import base64
import os
import secrets
import socket
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway import demo, standin
from gateway.clock import Clock
from gateway.compose import Gateway, Handle
from gateway.config import Settings, read
from gateway.config.environment import PREFIX, SEAL_KEYS
from gateway.config.values import upstream_origin
from gateway.core.fields import from_outside
from gateway.core.messages import Fields
from gateway.errors import BadConfig, OutsideFailed
from gateway.log import Log
from gateway.outbound import Deadlines
from gateway.proxy.http import HttpProxy
from gateway.proxy.place import Place
from gateway.proxy.upstream import PoolRules, Upstream

_CONNECTIONS = 20


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


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is, as origins."""

    org: str
    port: int

    @property
    def suffix(self) -> str:
        """What follows a host name in an address: nothing on port 80."""
        return "" if self.port == 80 else f":{self.port}"

    @property
    def app(self) -> str:
        """The app through the gateway."""
        return f"http://app.example.localhost{self.suffix}"

    @property
    def login(self) -> str:
        """The org through the gateway."""
        return f"http://login.example.localhost{self.suffix}"

    @property
    def portal(self) -> str:
        """The portal that hands out session tokens."""
        return f"http://portal.example.localhost{self.suffix}"

    @property
    def evil(self) -> str:
        """The page of another site."""
        return f"http://evil.localhost{self.suffix}"


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
            self.where = Places(running.url, bound.getsockname()[1])
            org.trusted_origins |= {self.where.app, self.where.login, *self._wishes.trusted_origins}
            app = own_app or await _demo_site(demo.legacy_app(), opened)
            front = await self._front(opened) if self._wishes.has_demo else None
            settings, around = _settings(self.where, app, self._wishes.environ), front.around if front else None
            gateway = Gateway(settings, self._log, clock=self._clock, public=bound, around=around)
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
        for user in self._wishes.users:
            yield f"user      {user.login}   password {user.password}"

    async def _front(self, opened: AsyncExitStack) -> "DemoFront":
        where, users = self.where, [(user.login, user.password) for user in self._wishes.users]
        portal = demo.portal(org_url=where.org, login_url=where.login, app_url=where.app, users=users)
        evil = demo.stranger_site(org_url=where.org, login_url=where.login, app_url=where.app, users=users)
        sites = {}
        for origin, application in ((where.portal, portal), (where.evil, evil)):
            netloc = origin.partition("://")[2]
            base = await _demo_site(application, opened)
            upstream = Upstream(Place("127.0.0.1", int(base.rpartition(":")[2])), Deadlines(), PoolRules(_CONNECTIONS))
            opened.push_async_callback(upstream.aclose)
            sites[netloc.encode()] = HttpProxy(upstream, netloc.encode())
        return DemoFront(sites)


class DemoFront:
    """Stands before the gateway's listener on the same port: requests to a demo host go to the demo, all others on."""

    def __init__(self, sites: dict[bytes, HttpProxy]) -> None:
        """``sites``: by the Host field's value."""
        self._sites = sites

    def around(self, handle: Handle) -> Handle:
        """The listener's handler with this one before it."""

        async def routed(request: web.BaseRequest) -> web.StreamResponse:
            hosts = [value.lower() for name, value in request.raw_headers if name.lower() == b"host"]
            site = self._sites.get(hosts[0]) if len(hosts) == 1 else None
            return await handle(request) if site is None else await _forwarded(site, request)

        return routed


async def _forwarded(site: HttpProxy, request: web.BaseRequest) -> web.StreamResponse:
    fields = tuple(field for field in from_outside(tuple(request.raw_headers)) if field[0].lower() != b"host")
    try:
        return await site.forward(request, request.method, request.raw_path, fields, _as_it_is)
    except OutsideFailed:
        return web.Response(status=502, text="The demo does not answer.\n")


def _as_it_is(_: int, fields: Fields) -> Fields:
    return fields


def _settings(where: Places, upstream: str, environ: Mapping[str, str]) -> Settings:
    text = f"""
[listen]
address = "127.0.0.1:{where.port}"
drain = "2s"
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
