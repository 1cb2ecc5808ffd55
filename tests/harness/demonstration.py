"""Starts everything that `session-gateway dev` starts, on free ports, in the test's own event loop, and provides clients for it.

Fixtures: ``start`` starts it with options of the test, ``stage`` is the usual one.
"""

import io
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from gateway.clock import Clock
from gateway.compose import Gateway
from gateway.dev.command import DemoAddresses, Demonstration, DemoOptions
from gateway.dev.standin import ALICE_AND_BOB, Engine, Org, User
from gateway.observe import Log

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-User": "?1"}


class EveryNameIsHere(AbstractResolver):
    """Resolves any name to this machine, as browsers do for *.localhost."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """Return 127.0.0.1 for every name."""
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST)]

    async def close(self) -> None:
        """There is nothing to close."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A running demonstration, and its log."""

    demonstration: Demonstration
    written: io.StringIO

    @property
    def where(self) -> DemoAddresses:
        """The origins of all parts."""
        return self.demonstration.where

    @property
    def org(self) -> Org:
        """The org: its sessions, its journal, its faults."""
        assert self.demonstration.org is not None
        return self.demonstration.org

    @property
    def gateway(self) -> Gateway:
        """The gateway."""
        assert self.demonstration.gateway is not None
        return self.demonstration.gateway

    @property
    def lines(self) -> list[dict[str, object]]:
        """The log so far."""
        return [json.loads(line) for line in self.written.getvalue().splitlines()]

    def visitor(self) -> aiohttp.ClientSession:
        """Return a client that keeps cookies as a browser does, also `Secure` ones. By default it follows redirects."""
        origins = [URL(origin) for origin in (self.where.app, self.where.login, self.where.portal, self.where.evil)]
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=EveryNameIsHere(), use_dns_cache=False),
            cookie_jar=aiohttp.CookieJar(treat_as_secure_origin=origins),
            headers=NAVIGATION,
        )


@dataclass(slots=True)
class Stages:
    """Starts demonstrations, and stops them in the opposite order."""

    opened: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __call__(
        self,
        *,
        engine: Engine = "classic",
        users: Sequence[User] = ALICE_AND_BOB,
        upstream: str | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        tls: bool = False,
    ) -> Stage:
        """Start a demonstration on free ports. ``environ``: single keys of the configuration (`SESSION_GATEWAY__SESSION__TTL`)."""
        written = io.StringIO()
        wishes = DemoOptions(0, 0, upstream, True, engine, users, environ or {}, tls=tls)
        demonstration = Demonstration(wishes, Log("debug", stream=written), clock)
        await demonstration.start()
        self.opened.callback(lambda: sys.stdout.write(written.getvalue()))  # pytest shows it if the test fails
        self.opened.push_async_callback(demonstration.aclose)
        return Stage(demonstration, written)


@pytest.fixture
async def start() -> AsyncIterator[Stages]:
    """`await start(engine="identity")` starts a demonstration that stops with the test."""
    stages = Stages()
    async with stages.opened:
        yield stages


@pytest.fixture
async def stage(start: Callable[[], Awaitable[Stage]]) -> Stage:
    """The usual demonstration: Classic Engine, alice and bob, the demo."""
    return await start()
