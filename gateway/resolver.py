"""Looks up the IP addresses of the servers that the gateway connects to.

    IP address, localhost ─▶ no look-up
    every other name ─▶ c-ares, on the event loop ─▶ not found: the system's resolver, in a thread

Owns the look-ups. There is at most one for each name at a time, with a deadline; all requests for that name wait for it.
A slow name must not delay the others: c-ares looks all names up at the same time, and all slow names together may use only one of the two
threads. Must never look up a name that a client chose: names come from the configuration only.
Sources: libuv/libuv#28 (four threads for all look-ups of a process), aiodns, RFC 6761.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Protocol, assert_never

import aiodns
import pycares
from aiohttp import ConnectionTimeoutError
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.memo import BoundedDict
from gateway.policy.http.known_names import (
    MOST_NAMES,
    KnownNames,
    NameAnswer,
    NoSuchName,
    ResolvedName,
    TooSlow,
    addresses_without_question,
    found,
    name_on_the_wire,
)

MOST_THREADS: Final = 2
SLOW_SECONDS: Final = 1.0
"""If the system's resolver took longer than this for a name, the name counts as slow until a look-up is faster."""

SystemResolver = Callable[[str], tuple[str, ...]]
"""A blocking function: the addresses of a name, in the order in which they are tried. Raises OSError or UnicodeError if there are none."""


class Names(Protocol):
    """Gives the addresses of servers."""

    async def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses in the order in which they are tried, at least one.

        Raises TimeoutError if no answer came in time, another OSError if the name has no address.
        """


class LiteralNames:
    """Names that need no look-up: IP addresses and ``localhost``. Every other name is unknown."""

    __slots__ = ()

    async def addresses(self, host: str) -> tuple[str, ...]:
        """As ``Names``."""
        addresses = addresses_without_question(host)
        if addresses is None:
            raise socket.gaierror(socket.EAI_NONAME, "only literal addresses are known here")
        return addresses


class Resolver:
    """The resolver of one process. Make and ``aclose`` it inside the running event loop. c-ares is started at the first look-up."""

    def __init__(self, seconds: float, nameservers: Sequence[str] = (), system: SystemResolver | None = None) -> None:
        """``seconds``: the deadline of one look-up.

        ``nameservers``: ``address:port`` of each; empty: those of the system. ``system``: replaces the system's resolver.
        """
        self._seconds = seconds
        self._nameservers = tuple(nameservers)
        self._loop = asyncio.get_running_loop()
        self._known = KnownNames()
        self._under_way: dict[str, asyncio.Task[NameAnswer]] = {}
        self._system = _SystemLookUps(system or _system_addresses, self._loop)
        self._channel: aiodns.DNSResolver | None = None

    async def addresses(self, host: str) -> tuple[str, ...]:
        """As ``Names``."""
        literal = addresses_without_question(host)
        if literal is not None:
            return literal
        answer = self._known.cached(host, self._loop.time()) or await self._answer(host)
        match answer:
            case ResolvedName(addresses):
                return addresses
            case NoSuchName():
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            case TooSlow():
                raise TimeoutError("no name server answered in time")
            case _:
                assert_never(answer)

    async def aclose(self) -> None:
        """Give up all look-ups: requests that wait get "no such name". A thread with the system's resolver may run on after this."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    async def _answer(self, host: str) -> NameAnswer:
        """The answer of the running look-up of this name, or of a new one."""
        task = self._under_way.get(host)
        if task is None:
            task = self._under_way[host] = self._loop.create_task(self._look_up(host), name="name look-up")
            task.add_done_callback(lambda _: self._under_way.pop(host, None))
        await asyncio.wait({task})  # not ``await task``: if this request is cancelled, the look-up goes on for the others
        return NoSuchName() if task.cancelled() else task.result()

    async def _look_up(self, host: str) -> NameAnswer:
        answer: NameAnswer = TooSlow()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                answer = await self._query(host)
        self._known.remember(host, answer, self._loop.time())
        return answer

    async def _query(self, host: str) -> NameAnswer:
        name = name_on_the_wire(host)
        if name is None:
            return NoSuchName()
        answer = await self._by_c_ares(name)
        return answer if isinstance(answer, ResolvedName) else await self._system.look_up(name, isinstance(answer, TooSlow))

    async def _by_c_ares(self, name: str) -> NameAnswer:
        try:
            if self._channel is None:
                self._channel = aiodns.DNSResolver(self._nameservers or None, self._loop)
            answer = await self._channel.getaddrinfo(name, type=socket.SOCK_STREAM)
        except (aiodns.error.DNSError, pycares.AresError) as error:
            return TooSlow() if error.args[:1] == (aiodns.error.ARES_ETIMEOUT,) else NoSuchName()
        return found(tuple(node.addr[0].decode("ascii") for node in answer.nodes))


class _SystemLookUps:
    """Look-ups by the system's resolver, which also uses the other sources of ``nsswitch.conf``, not only name servers.

    Such a look-up cannot be stopped, so its thread counts until it ends by itself. At most one thread runs for each name, one for all
    slow names together, and two in all. They are daemon threads: the process does not wait for them when it ends.
    """

    def __init__(self, system: SystemResolver, loop: asyncio.AbstractEventLoop) -> None:
        self._system = system
        self._loop = loop
        self._room, self._room_for_slow = asyncio.Semaphore(MOST_THREADS), asyncio.Semaphore(1)
        self._running: dict[str, asyncio.Future[NameAnswer]] = {}
        self._slow: BoundedDict[str, None] = BoundedDict(MOST_NAMES)

    async def look_up(self, name: str, is_slow: bool) -> NameAnswer:
        """The system's answer. ``is_slow``: the name servers did not answer, so the system's resolver will probably wait for them too.

        Call it at most once for each name at a time. If a call is cancelled, the next call for that name waits for the same thread.
        """
        running = self._running.get(name)
        if running is None:
            running = await self._start(name, is_slow or name in self._slow)
        await asyncio.wait({running})
        return running.result()

    async def _start(self, name: str, is_slow: bool) -> asyncio.Future[NameAnswer]:
        taken: list[asyncio.Semaphore] = []
        try:
            for room in (self._room_for_slow, self._room) if is_slow else (self._room,):
                await room.acquire()
                taken.append(room)
            answer: asyncio.Future[NameAnswer] = self._loop.create_future()
            started_at = self._loop.time()
            on_answer = partial(self._ended, name, started_at, taken)
            threading.Thread(target=self._ask, args=(name, on_answer), name="name look-up", daemon=True).start()
        except BaseException:
            for room in taken:
                room.release()
            raise
        self._running[name] = answer
        return answer

    def _ask(self, name: str, on_answer: Callable[[NameAnswer], None]) -> None:
        """Runs in a thread: ask the system, and pass the answer to the event loop."""
        try:
            answer: NameAnswer = found(self._system(name))
        except (OSError, UnicodeError):
            answer = NoSuchName()
        with suppress(RuntimeError):  # the loop is closed, so no request waits any more
            self._loop.call_soon_threadsafe(on_answer, answer)

    def _ended(self, name: str, started_at: float, taken: Sequence[asyncio.Semaphore], answer: NameAnswer) -> None:
        for room in taken:
            room.release()
        if self._loop.time() - started_at < SLOW_SECONDS:
            self._slow.pop(name, None)
        else:
            self._slow.store(name, None)
        self._running.pop(name).set_result(answer)


class ResolverOfClient(AbstractResolver):
    """Gives ``Names`` to aiohttp's client."""

    def __init__(self, names: Names) -> None:
        """``names`` is not closed here; it is used longer than the client."""
        self._names = names

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """The addresses of this family; all for ``AF_UNSPEC``. A look-up that is too slow raises the error of a slow connection."""
        try:
            addresses = await self._names.addresses(host)
        except TimeoutError as error:
            raise ConnectionTimeoutError("no name server answered in time") from error
        kinds = [(address, socket.AF_INET6 if ":" in address else socket.AF_INET) for address in addresses]
        results = [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for address, kind in kinds
            if family in (socket.AF_UNSPEC, kind)
        ]
        if not results:
            raise socket.gaierror(socket.EAI_NONAME, "no address of this family")
        return results

    async def close(self) -> None:
        """Does nothing: this object holds no resource."""


def _system_addresses(name: str) -> tuple[str, ...]:
    answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(address for address, *_ in (answer[4] for answer in answers) if isinstance(address, str))
