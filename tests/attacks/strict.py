"""Sends one stream of bytes through a whole deployment, and returns the answers, and the requests that reached the app completely.

Owns an app that is open to everybody, so that only the form of a message decides, and two ways to send: at once, or byte by byte.
Checks nothing by itself.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.harness.app import Visit
from tests.harness.site import CONFIGURATION, Site, deployed
from tests.harness.wire import PATIENCE, Wire

OPEN = "open.example.com"
HERE = b"Host: open.example.com\r\n"
SENTINEL = b"GET /sentinel HTTP/1.1\r\n" + HERE + b"Connection: close\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.1 ([2-5]\d\d) ")
_APP = """
[[app]]
name = "open"
url = "https://open.example.com"
upstream = "{upstream}"
access = "anyone"
allow_public_root = true
"""


@dataclass(frozen=True, slots=True)
class StrictOutcome:
    """``statuses``: of the final answers; request lines that arrived at the app: ``whole`` with their body, ``begun`` with a head."""

    statuses: tuple[int, ...]
    whole: tuple[bytes, ...]
    begun: int
    raw: bytes = field(repr=False)

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it became a request, and the client knows."""
        return bool(self.statuses) and all(400 <= status < 600 for status in self.statuses) and not self.whole


@dataclass
class StrictSite:
    """A deployment with one open app."""

    site: Site
    whole: list[bytes] = field(default_factory=list)

    async def answer(self, visit: Visit) -> None:
        """What the app does: it reads a request to its end, and says hello."""
        await visit.body()
        self.whole.append(visit.line)
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + (b"" if visit.line.startswith(b"HEAD") else b"hello"))

    async def told(self, sent: bytes, answers: int = 0, *, by_byte: bool = False, leaves: bool = False) -> StrictOutcome:
        """Send it, and read to the end of the connection.

        ``answers``: how many leave the connection open; a request behind them then ends it, and must be answered as the next one.
        ``leaves``: nothing more is sent, which the gateway can see.
        """
        self.whole.clear()
        self.site.behind.visits.clear()
        wire, received = await self.site.connect(), bytearray()
        sending = asyncio.create_task(_send(wire, sent, by_byte, leaves))
        async with asyncio.timeout(PATIENCE):
            open_still = await _read(wire, received, lambda: 0 < answers == len(_STATUS.findall(received)))
            await sending
            if open_still:
                await _send(wire, SENTINEL, False, False)
                await _read(wire, received, lambda: False)
        await wire.close()
        statuses = tuple(int(status) for status in _STATUS.findall(received))
        return StrictOutcome(statuses, tuple(self.whole), len(self.site.behind.visits), bytes(received))


async def _send(wire: Wire, sent: bytes, by_byte: bool, leaves: bool) -> None:
    with suppress(ConnectionError):
        for place in range(len(sent)) if by_byte else ():
            await wire.say(sent[place : place + 1])
            await asyncio.sleep(0)
        if not by_byte:
            await wire.say(sent)
        if leaves:
            wire.writer.write_eof()


async def _read(wire: Wire, received: bytearray, enough: Callable[[], bool]) -> bool:
    """True where ``enough`` came; False where the connection ended."""
    with suppress(ConnectionError):
        while not enough():
            piece = await wire.reader.read(65536)
            if not piece:
                return False
            received += piece
        return True
    return False


@asynccontextmanager
async def strict(listen: str = "", app: str = "") -> AsyncIterator[StrictSite]:
    """Everything running; ``listen`` and ``app``: further keys of these tables."""
    async with deployed(listen=listen, configuration=CONFIGURATION + _APP + app) as site:
        made = StrictSite(site)
        site.behind.script = made.answer
        yield made
