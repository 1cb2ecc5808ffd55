"""The reader of the Redis engine: one task, with its own connection, receives the revocations that other processes publish.

This module owns the *position* in each stream: the id of the last entry that was read. It must never be ready before it has received
everything that it missed::

    LOOK ─▶ read to the end ─▶ call ``heard`` ─▶ publish again what was lost ─▶ ready ─▶ XREAD BLOCK ─▶ call ``heard`` ─▶ …
     ▲                                                                            │
     └──────────────────── wait, longer each time ◀── not ready ◀── no answer ◀───┘

Every second it checks whether the server still has the same data. There are three signs of other data: another epoch (the server was
flushed or began empty), another server (fail-over), and a last id before the own position (restored from a backup). Then everything is read
again, and the revocations of the last minute are published again if they are missing. Ages are computed with the server's clock. An entry
that arrives while the task is reading counts as just published.
"""

import asyncio
import random
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.errors import StateFailed
from gateway.observe import Tell
from gateway.revocations import Remembered, Revocation
from gateway.shared_state.interface import OnRevocation
from gateway.shared_state.redis_address import RedisAddress
from gateway.shared_state.redis_keys import BEGINNING, Id, Keys, StreamEntry, id_of, spelled_id, written_of
from gateway.shared_state.redis_scripts import LOOK
from gateway.shared_state.redis_server import RedisServer
from gateway.shared_state.serialization import BadSerialization, deserialized

LOOK_SECONDS = 1.0
BLOCK_SECONDS = 0.25
"""How long one XREAD waits for entries. After each one, the task checks whether a call of this process was not answered."""
AGAIN_SECONDS = 60.0
"""How old a revocation may be to be published again: a fail-over may lose what was published shortly before it."""
MOST_AGAIN = 10_000
_MOST_ENTRIES_PER_READ = 500
_SHORTEST_WAIT, _LONGEST_WAIT = 0.05, 1.0

PublishAgain = Callable[[Revocation, float], Awaitable[None]]
"""Writes a revocation, with its age in seconds, if it is missing."""


class _Look(NamedTuple):
    epoch: str
    now_ms: int
    last: Id
    run: str


class RedisReader:
    """Reads the streams of one prefix for one process. ``writer``: the name under which this process writes."""

    def __init__(
        self, address: RedisAddress, keys: Keys, writer: bytes, monotonic: Callable[[], float], tell: Tell, is_suspect: Callable[[], bool]
    ) -> None:
        """It contacts the server only from ``follow`` on. ``is_suspect``: whether a call was not answered, so that it checks at once."""
        self._server = RedisServer(address, monotonic, 1)
        self.is_suspect = is_suspect
        self._keys = keys
        self._writer = writer
        self._monotonic = monotonic
        self._tell = tell
        self._heard: OnRevocation | None = None
        self._publish_again: PublishAgain | None = None
        self._positions: dict[bytes, Id] = dict.fromkeys(keys.streams, BEGINNING)
        self._seen = _Look("", 0, BEGINNING, "")
        self.looked_at = 0.0
        """When the last answered LOOK was sent, in monotonic seconds."""
        self._recent: deque[tuple[float, Revocation]] = deque(maxlen=MOST_AGAIN)
        self._reading: asyncio.Task[None] | None = None
        self._has_told_unreadable = False
        self.unwritten: dict[Revocation, float] = {}
        """Revocations that could not be published, and since when (monotonic seconds)."""
        self.is_up_to_date = False
        self.problem = ""

    @property
    def epoch(self) -> str:
        """The name of the state, known after the first read."""
        return self._seen.epoch

    @property
    def runs(self) -> bool:
        """Whether the reader's task runs."""
        return self._reading is not None

    async def follow(self, heard: OnRevocation, publish_again: PublishAgain) -> None:
        """Call ``heard`` with all stored revocations, oldest first, then start the task. Raises ``StateFailed`` if they cannot be read."""
        await self.stop()
        self._heard, self._publish_again = heard, publish_again
        self._positions = dict.fromkeys(self._keys.streams, BEGINNING)
        try:
            seen = await self._look()
            missed = await self._missed()
        except StateFailed as error:
            self._report_problem(str(error))
            raise
        self._hear(missed, seen.now_ms, None, True)
        self._seen, self.is_up_to_date = seen, True
        self._works()
        self._reading = asyncio.create_task(self._read_on(), name="reading the shared state")

    def remember(self, revocation: Revocation) -> None:
        """Remember a revocation for a minute, to publish it again if the server loses it."""
        now = self._monotonic()
        self._recent.append((now, revocation))
        while self._recent and now - self._recent[0][0] > AGAIN_SECONDS:
            self._recent.popleft()

    async def stop(self) -> None:
        """Stop the task."""
        self.is_up_to_date = False
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None

    async def aclose(self) -> None:
        """Stop the task, and close the connection."""
        await self.stop()
        await self._server.aclose()

    async def _read_on(self) -> None:
        try:
            await self._read_until_stopped()
        finally:
            self.is_up_to_date = False

    async def _read_until_stopped(self) -> None:
        wait_seconds = _SHORTEST_WAIT
        while True:
            try:
                if not self.is_up_to_date or self.is_suspect() or self._monotonic() - self.looked_at >= LOOK_SECONDS:
                    await self._catch_up()
                wait_seconds = _SHORTEST_WAIT
                found = await self._entries(BLOCK_SECONDS)
            except StateFailed as error:
                self._failed(str(error))
                await asyncio.sleep(wait_seconds * random.uniform(0.5, 1.5))  # noqa: S311, it spreads the replicas
                wait_seconds = min(2 * wait_seconds, _LONGEST_WAIT)
            else:
                self._hear(found, 0, 0.0, False)

    async def _catch_up(self) -> None:
        quiet_since, seen = self.looked_at, await self._look()
        is_another = seen.epoch != self._seen.epoch or seen.run != self._seen.run or seen.last < max(self._positions.values())
        if is_another:
            self.is_up_to_date = False
            self._positions = dict.fromkeys(self._keys.streams, BEGINNING)
        if is_another or not self.is_up_to_date:
            self._hear(await self._missed(), seen.now_ms, None if is_another else self._monotonic() - quiet_since, False)
        if is_another:
            now = self._monotonic()
            for started_at, revocation in tuple(self._recent):
                if now - started_at <= AGAIN_SECONDS:
                    await self._again(revocation, now - started_at)
        self._seen, self.is_up_to_date = seen, True
        try:
            for revocation, since in tuple(self.unwritten.items()):
                await self._again(revocation, self._monotonic() - since)
                self.unwritten.pop(revocation, None)
        except StateFailed as error:
            self._report_problem(str(error))  # for example the server's memory is full; reading works all the same
        else:
            self._works()

    async def _again(self, revocation: Revocation, age_seconds: float) -> None:
        if self._publish_again is not None:
            await self._publish_again(revocation, age_seconds)

    async def _look(self) -> _Look:
        """Ask the server for its epoch, its time, its last id and its run id. ``looked_at`` becomes the time before the question."""
        asked_at = self._monotonic()
        epoch, now_ms, last, run = await self._server.call(LOOK, self._keys.log, secrets.token_hex(8))
        self.looked_at = asked_at
        return _Look(epoch.decode(), int(now_ms), id_of(last), run.decode())

    async def _missed(self) -> list[StreamEntry]:
        """All entries after the own address, oldest first."""
        found, positions = list[StreamEntry](), dict(self._positions)
        try:
            while some := await self._entries(0.0):
                found += some
        except BaseException:
            self._positions = positions  # the entries that were read are not handed over yet
            raise
        return sorted(found)

    async def hear_now(self, server: RedisServer) -> None:
        """Receive all that was published before this call, on another connection. Raises ``StateFailed`` if something may be missing."""
        is_more = True
        while is_more:
            is_more, found = await self._read(0.0, server)
            self._hear(found, 0, 0.0, False)

    async def _entries(self, waits_seconds: float) -> list[StreamEntry]:
        """The next entries of both streams; an empty list if none came within ``waits_seconds``."""
        _, found = await self._read(waits_seconds, self._server)
        return found

    async def _read(self, waits_seconds: float, server: RedisServer) -> tuple[bool, list[StreamEntry]]:
        """Whether there were entries, and those of them after the own address, which is then moved. Two reads may run at once."""
        blocks = ("BLOCK", round(waits_seconds * 1000)) if waits_seconds else ()
        positions = [spelled_id(self._positions[stream]) for stream in self._keys.streams]
        streams = await server.ask(
            waits_seconds, "XREAD", "COUNT", _MOST_ENTRIES_PER_READ, *blocks, "STREAMS", *self._keys.streams, *positions
        )
        if server is not self._server and not self.is_up_to_date:
            raise StateFailed(
                self.problem or f"{server.address}: what others published is not heard yet"
            )  # all is being read from the start
        found = []
        for stream, entries in streams or ():
            found += [entry for entry in written_of(entries) if entry.id > self._positions[stream]]
            if entries:
                self._positions[stream] = max(self._positions[stream], id_of(entries[-1][0]))
        return bool(streams), sorted(found)

    def _hear(self, entries: list[StreamEntry], now_ms: int, oldest_seconds: float | None, is_first: bool) -> None:
        """Call ``heard`` with the entries. The age of each is its written age, plus its time in the stream (at most ``oldest_seconds``)."""
        for entry in entries:
            if self._heard is None or (entry.writer == self._writer and not is_first):
                continue
            waited = max(0.0, (now_ms - entry.id[0]) / 1000)
            age = entry.age_seconds + (waited if oldest_seconds is None else min(waited, oldest_seconds))
            if age >= entry.seconds:
                continue
            try:
                revocation = deserialized(entry.revocation)
            except BadSerialization as error:
                self._tell_unreadable(str(error))
                continue
            if not is_first and age < AGAIN_SECONDS:
                self.remember(revocation)
            self._heard(Remembered(revocation, age))

    def _failed(self, problem: str) -> None:
        self.is_up_to_date = False
        self._report_problem(problem)

    def _report_problem(self, problem: str) -> None:
        if self.problem != problem:
            self.problem = problem
            self._tell("state_failed", {"problem": problem})

    def _works(self) -> None:
        if self.problem:
            self.problem = ""
            self._tell("state_works", {})

    def _tell_unreadable(self, reason: str) -> None:
        if not self._has_told_unreadable:
            self._has_told_unreadable = True
            self._tell("state_entry_unreadable", {"reason": reason})
