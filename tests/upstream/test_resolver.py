"""Names of servers: c-ares before the system, one look-up for each name, and what a slow one may take."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ConnectionTimeoutError

from gateway.errors import TimedOut, Unreachable
from gateway.outbound import Destination, Timeouts, open_client, send_once
from gateway.resolver import LiteralNames, Resolver, ResolverOfClient
from gateway.upstream.pool import PoolRules, Upstream
from gateway.upstream.server_address import ServerAddress
from tests.field.name_server import NameServer, name_server
from tests.harness.app import Behind
from tests.harness.polling import moment
from tests.harness.wire import PATIENCE
from tests.upstream.proxy import ProxyServer, get


class ScriptedResolver:
    """A system's resolver that answers when a test says so; it runs in the resolver's threads."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.holding: dict[str, threading.Event] = {}
        self.answers: dict[str, tuple[str, ...]] = {}
        self.threads = self.most_threads = 0
        self._lock = threading.Lock()
        self.came = threading.Event()

    def __call__(self, name: str) -> tuple[str, ...]:
        with self._lock:
            self.asked[name] += 1
            self.threads += 1
            self.most_threads = max(self.threads, self.most_threads)
        self.came.set()
        try:
            if name in self.holding:
                assert self.holding[name].wait(PATIENCE)
            if name not in self.answers:
                raise socket.gaierror(socket.EAI_NONAME, "unknown")
            return self.answers[name]
        finally:
            with self._lock:
                self.threads -= 1

    async def is_asked_for(self, name: str) -> None:
        while not self.asked[name]:
            await asyncio.to_thread(self.came.wait, PATIENCE)
            self.came.clear()


@asynccontextmanager
async def resolving(seconds: float = 5.0) -> AsyncIterator[tuple[Resolver, NameServer, ScriptedResolver]]:
    system = ScriptedResolver()
    async with name_server() as names, asyncio.timeout(PATIENCE):
        resolver = Resolver(seconds, (names.address,), system)
        try:
            yield resolver, names, system
        finally:
            for held in system.holding.values():
                held.set()
            await resolver.aclose()


async def test_literal_addresses_and_localhost_ask_nobody() -> None:
    async with resolving() as (resolver, names, system):
        assert await resolver.addresses("192.0.2.1") == ("192.0.2.1",)
        assert await resolver.addresses("app.localhost") == ("127.0.0.1", "::1")
        assert (names.asked, system.asked) == (Counter(), Counter())
        assert await LiteralNames().addresses("::1") == ("::1",)
        with pytest.raises(socket.gaierror):
            await LiteralNames().addresses("app.example.net")


async def test_however_many_wait_for_a_name_it_is_asked_for_once_and_remembered() -> None:
    async with resolving() as (resolver, names, system):
        names.addresses["app.example.net"] = ("192.0.2.1", "2001:db8::1")
        for _ in range(2):
            found = await asyncio.gather(*(resolver.addresses("app.example.net") for _ in range(50)))
            assert {tuple(sorted(addresses)) for addresses in found} == {("192.0.2.1", "2001:db8::1")}
        assert names.asked["app.example.net"] == 1 and not system.asked


async def test_what_no_name_server_knows_the_system_is_asked_for() -> None:
    async with resolving() as (resolver, names, system):
        names.unknown |= {"printer.local", "nobody.example.net"}
        system.answers["printer.local"] = ("192.0.2.9",)
        assert await resolver.addresses("printer.local") == ("192.0.2.9",)
        for _ in range(2):
            with pytest.raises(socket.gaierror):
                await resolver.addresses("nobody.example.net")
        assert system.asked == Counter({"printer.local": 1, "nobody.example.net": 1})
        with pytest.raises(socket.gaierror):
            await resolver.addresses("ü" * 70)


async def test_who_leaves_does_not_end_the_look_up_of_the_others() -> None:
    async with resolving() as (resolver, names, system):
        names.unknown.add("printer.local")
        system.answers["printer.local"], system.holding["printer.local"] = ("192.0.2.9",), threading.Event()
        leaves, stays = (asyncio.create_task(resolver.addresses("printer.local")) for _ in range(2))
        await system.is_asked_for("printer.local")
        leaves.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaves
        system.holding["printer.local"].set()
        assert await stays == ("192.0.2.9",)


async def test_a_slow_name_takes_one_thread_and_is_not_asked_for_twice() -> None:
    async with resolving(seconds=0.05) as (resolver, names, system):
        names.unknown |= {"slow.local", "printer.local"}
        system.holding["slow.local"] = threading.Event()
        system.answers["printer.local"] = system.answers["slow.local"] = ("192.0.2.9",)
        with pytest.raises(TimeoutError):
            await resolver.addresses("slow.local")
        system.answers["slow.local"] = ("192.0.2.10",)
        assert await resolver.addresses("printer.local") == ("192.0.2.9",)
        waiting = asyncio.create_task(_until_found(resolver, "slow.local"))
        while not resolver._under_way:  # the failure is forgotten after a second, which nobody is told
            await moment()
        assert (system.asked["slow.local"], system.threads) == (1, 1)
        system.holding["slow.local"].set()
        assert await waiting == ("192.0.2.10",)


async def _until_found(resolver: Resolver, host: str) -> tuple[str, ...]:
    while True:
        try:
            return await resolver.addresses(host)
        except TimeoutError:
            await moment()


async def test_names_that_no_name_server_answers_for_share_one_thread_and_leave_the_other() -> None:
    async with resolving() as (resolver, names, system):
        slow = [f"slow{number}.local" for number in range(3)]
        for name in slow:
            system.holding[name] = threading.Event()
        names.unknown.add("printer.local")
        system.answers["printer.local"] = ("192.0.2.9",)
        hanging = [asyncio.create_task(resolver._system.look_up(name, is_slow=True)) for name in slow]
        await system.is_asked_for("slow0.local")
        assert await resolver.addresses("printer.local") == ("192.0.2.9",)
        assert system.asked.keys() == {"slow0.local", "printer.local"} and system.most_threads <= 2
        for task in hanging:
            task.cancel()
        await asyncio.wait(hanging)
        system.holding["slow0.local"].set()
        system.answers["slow1.local"] = ("192.0.2.11",)
        system.holding["slow1.local"].set()
        await resolver._system.look_up("slow1.local", is_slow=True)  # what was held is free again


async def test_closing_tells_those_who_wait() -> None:
    async with resolving() as (resolver, names, _):
        names.hanging.add("hang.example.net")
        waiting = asyncio.create_task(resolver.addresses("hang.example.net"))
        await names.is_asked_for("hang.example.net")
        await resolver.aclose()
        with pytest.raises(socket.gaierror):
            await waiting


async def test_aiohttp_gets_the_addresses_of_a_family_and_its_own_error_for_a_slow_name() -> None:
    async with resolving(seconds=0.05) as (resolver, names, _):
        names.addresses["app.example.net"] = ("192.0.2.1", "2001:db8::1")
        names.addresses["old.example.net"] = ("192.0.2.1",)
        names.hanging.add("hang.example.net")
        asked = ResolverOfClient(resolver)
        everything = await asked.resolve("app.example.net", 443, socket.AF_UNSPEC)
        assert {(each["host"], each["family"], each["port"]) for each in everything} == {
            ("192.0.2.1", socket.AF_INET, 443),
            ("2001:db8::1", socket.AF_INET6, 443),
        }
        assert [each["host"] for each in await asked.resolve("app.example.net", 443, socket.AF_INET6)] == ["2001:db8::1"]
        with pytest.raises(socket.gaierror):
            await asked.resolve("old.example.net", 443, socket.AF_INET6)
        with pytest.raises(ConnectionTimeoutError):
            await asked.resolve("hang.example.net", 443)
        await asked.close()


async def test_a_client_says_which_of_both_it_was() -> None:
    async with resolving(seconds=0.05) as (resolver, names, _):
        names.hanging.add("hang.example.net")
        names.unknown.add("nobody.example.net")
        async with open_client(Timeouts(), 1, resolver=ResolverOfClient(resolver)) as client:
            with pytest.raises(TimedOut, match="connect"):
                await send_once(client, Destination("http://hang.example.net", "x"), ("GET", "/", ()), 5.0)
            with pytest.raises(Unreachable):
                await send_once(client, Destination("http://nobody.example.net", "x"), ("GET", "/", ()), 5.0)


async def test_every_address_of_a_server_is_tried_in_order(front: ProxyServer, behind: Behind) -> None:
    async with resolving() as (resolver, names, _):
        names.addresses["app.example.net"] = ("::1", "127.0.0.1")
        names.addresses["down.example.net"] = ("127.0.0.2", "127.0.0.3")
        for host in ("app.example.net", "down.example.net"):
            upstream = Upstream(ServerAddress(host, behind.port), Timeouts(2, 2, 2), PoolRules(2), names=resolver)
            if host.startswith("down"):
                with pytest.raises(Unreachable):
                    await upstream.connection()
            else:
                assert (await upstream.connection()).is_open
            await upstream.aclose()
        wire = await front.connect()
        assert b"200 OK" in await wire.ask(get())
