"""The addresses of the servers that the gateway connects to.

    literal, localhost ─▶ no question
    every other name ─▶ c-ares, on the loop ─▶ not found: the system's resolver, in a thread

Owns the look-ups: one for each name at a time, however many wait for it, with a deadline. A slow name takes nothing from the others:
c-ares asks for all names at once, and of the two threads the slow names together get one. Names come from the configuration alone.
Must never look up a name that a client chose.
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
"""A name for which the system's resolver took longer than this is slow, until it is quick again."""

SystemResolver = Callable[[str], tuple[str, ...]]
"""Blocks; the addresses of a name, in the order in which they are tried. Raises OSError or UnicodeError where there are none."""


class Names(Protocol):
    """Where the addresses of a server come from."""

    async def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses in the order in which they are tried, at least one.

        TimeoutError where no answer came in time, another OSError where the name has none.
        """


class LiteralNames:
    """For those who connect to literal addresses and ``localhost`` only: every other name is unknown."""

    __slots__ = ()

    async def addresses(self, host: str) -> tuple[str, ...]:
        """As ``Names``."""
        addresses = addresses_without_question(host)
        if addresses is None:
            raise socket.gaierror(socket.EAI_NONAME, "only literal addresses are known here")
        return addresses


class Resolver:
    """All names of one process. Make it inside the running loop, ``aclose`` it there. Without a name to ask for, c-ares never begins."""

    def __init__(self, seconds: float, nameservers: Sequence[str] = (), system: SystemResolver | None = None) -> None:
        """``seconds``: the deadline of one look-up.

        ``nameservers``: ``address:port`` of each, in place of the system's own. ``system``: in place of the system's resolver.
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
        answer = self._known.recalled(host, self._loop.time()) or await self._answer(host)
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
        """Give up what is under way; those who wait are told that the name is unknown. A thread of the system may outlive this."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    async def _answer(self, host: str) -> NameAnswer:
        """The answer of the look-up under way, or of a new one. It goes on when the one who waits here leaves: others may wait, too."""
        task = self._under_way.get(host)
        if task is None:
            task = self._under_way[host] = self._loop.create_task(self._look_up(host), name="name look-up")
            task.add_done_callback(lambda _: self._under_way.pop(host, None))
        await asyncio.wait({task})
        return NoSuchName() if task.cancelled() else task.result()

    async def _look_up(self, host: str) -> NameAnswer:
        answer: NameAnswer = TooSlow()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                answer = await self._asked(host)
        self._known.remember(host, answer, self._loop.time())
        return answer

    async def _asked(self, host: str) -> NameAnswer:
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
    """Look-ups by the system's resolver, which knows what no name server does: other sources of ``nsswitch.conf``.

    A look-up cannot be stopped, so its thread is counted until it ends by itself: one for each name at most, one for all slow names
    together, two for all. The threads are daemons: a process that ends does not wait for them.
    """

    def __init__(self, system: SystemResolver, loop: asyncio.AbstractEventLoop) -> None:
        self._system = system
        self._loop = loop
        self._room, self._room_for_slow = asyncio.Semaphore(MOST_THREADS), asyncio.Semaphore(1)
        self._running: dict[str, asyncio.Future[NameAnswer]] = {}
        self._slow: set[str] = set()

    async def look_up(self, name: str, is_slow: bool) -> NameAnswer:
        """The answer. ``is_slow``: the name servers did not answer for it, so that the system will probably wait for them as well.

        At most one call for each name at a time; when it is cancelled, the next one waits for the same thread.
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
            begun = self._loop.time()
            told = partial(self._ended, name, begun, taken)
            threading.Thread(target=self._ask, args=(name, told), name="name look-up", daemon=True).start()
        except BaseException:
            for room in taken:
                room.release()
            raise
        self._running[name] = answer
        return answer

    def _ask(self, name: str, told: Callable[[NameAnswer], None]) -> None:
        """In a thread."""
        try:
            answer: NameAnswer = found(self._system(name))
        except (OSError, UnicodeError):
            answer = NoSuchName()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(told, answer)

    def _ended(self, name: str, begun: float, taken: Sequence[asyncio.Semaphore], answer: NameAnswer) -> None:
        for room in taken:
            room.release()
        if self._loop.time() - begun < SLOW_SECONDS:
            self._slow.discard(name)
        else:
            if len(self._slow) >= MOST_NAMES:
                self._slow.clear()
            self._slow.add(name)
        self._running.pop(name).set_result(answer)


class ResolverOfClient(AbstractResolver):
    """``Names`` as aiohttp's client asks for them."""

    def __init__(self, names: Names) -> None:
        """``names`` outlives the client, which does not close it."""
        self._names = names

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """The addresses of this family; all for ``AF_UNSPEC``. A look-up that takes too long counts as a connection that does."""
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
        """Nothing is held."""


def _system_addresses(name: str) -> tuple[str, ...]:
    answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(address for address, *_ in (answer[4] for answer in answers) if isinstance(address, str))
