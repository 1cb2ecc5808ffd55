"""The shared state of one machine: a SQLite database that several processes use at once, and that outlives them.

Owns transactions, what others published, and what becomes of failures. Must never change half of something, or wait
longer than ``BUSY_SECONDS``. The calls take some tens of microseconds, so they run inline on the event loop.

A clock that was set back must not make entries live on: no entry lives longer than its own seconds, counted from the first call after that.

Revocations are entries too. A process reads those with an ``id`` beyond its place when the mapped counter differs, which is changed after
each commit. Every 50 ms it looks whether the log has changed (``file_marks``), and if so at ``data_version``: thus it hears a writer too
that was killed between commit and counter::

    publish: BEGIN ─▶ what others published is read ─▶ own entries ─▶ COMMIT ─▶ counter ─▶ returns
    poll:    counter differs ─▶ entries beyond the own place are read, and heard

A file that was deleted, replaced or cut short while it was in use is noticed within 50 ms, and made anew (``remaking``).
"""

import asyncio
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from gateway.clock import Clock
from gateway.errors import LeaseLost, StateFailed
from gateway.revocations import Remembered, Report, Revocation
from gateway.shared_state.database import (
    BUSY_SECONDS,
    FILE_NAME,
    LARGEST_FILE_BYTES,
    OpenDatabase,
    beside,
    explained,
    files_of,
    open_database,
)
from gateway.shared_state.entries import Entries, Row
from gateway.shared_state.file_marks import FileMarks
from gateway.shared_state.interface import Bounds, Heard, Lease, Tell
from gateway.shared_state.published import FORGOTTEN_PART
from gateway.shared_state.remaking import remake
from gateway.shared_state.spelling import BadSpelling, read, spelled

LOOK_SECONDS = 0.05
"""How often an idle process looks for what others published, and how soon a failed reading is tried again."""
REPAIR_SECONDS = 1.0
"""How often a failed writing is tried again."""
MOST_UNWRITTEN = 10_000

_READING, _WRITING = "reading", "writing"
_TRIAL = "trial"

Result = TypeVar("Result")


class SqliteState:
    """The state in the file ``state.db`` of one folder. Make it in the process that uses it, behind any fork; close it with ``aclose``."""

    is_shared = True

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        tell: Tell,
        bounds: Mapping[str, Bounds] | None = None,
        largest_bytes: int = LARGEST_FILE_BYTES,
    ) -> None:
        """``StateFailed`` where the file cannot be used. ``tell`` hears when calls begin to fail, and when they work again.

        ``bounds``: by kind, where they are not the default. ``largest_bytes``: of the file.
        """
        self._folder, self._file, self._largest_bytes = folder, folder / FILE_NAME, largest_bytes
        self._bounds = bounds or {}
        self._wall = clock.wall
        self._monotonic = clock.monotonic
        self._tell = tell
        self._problems: dict[str, str] = {}
        self.forgotten = 0
        self._heard: Heard | None = None
        self._place = 0
        self._unheard: deque[Row] = deque()
        self._unwritten: dict[Revocation, None] = {}
        self._reports: list[tuple[Report, asyncio.Future[bool]]] = []
        self._retry_at = 0.0
        self._repair_at = 0.0
        self._watching: asyncio.Task[None] | None = None
        self._has_told_unreadable = False
        self._counted: int | None = None
        self._remade_at = 0.0
        self._use(open_database(folder, largest_bytes))

    @property
    def ready(self) -> bool:
        """Whether the file can be read and written, and holds everything that was published here."""
        return not self._problems and not self._unwritten

    @property
    def problem(self) -> str:
        """What is wrong with the file; empty where nothing is."""
        return next(iter(self._problems.values()), "")

    async def follow(self, heard: Heard) -> None:
        """Hand over every kept revocation, oldest first; from then on ``heard`` gets what others publish."""
        self._heard, self._place = heard, 0
        counted = self._counter.cell[0]
        self._hear(self._change(lambda now: self._entries.published(0, now)))
        self._counted = counted
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="watching the shared state")

    def poll(self) -> None:
        """Hand over what others have published, where the mapped counter says that there is something."""
        if self._counter.cell[0] != self._counted:
            self._poll()

    async def publish(self, revocation: Revocation) -> None:
        """Keep the revocation across restarts; every process on this machine hears it at its next ``poll``."""
        try:
            self._publish_one(revocation)
        except StateFailed:
            self._write_later(revocation)
            raise

    async def report(self, report: Report) -> bool:
        """All that it says in one transaction; False where it was done before. What is reported in one turn of the loop shares one."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bool] = loop.create_future()
        self._reports.append((report, answered))
        if len(self._reports) == 1:
            loop.call_soon(self._write_reports)
        return await answered

    async def lease(self, keys: Iterable[bytes], owner: bytes, seconds: float) -> Lease | None:
        """A lease of all these keys, or None while somebody else holds one of them."""
        names = tuple(sorted(set(keys)))
        if not names:
            raise ValueError("a lease without a key")
        return self._change(lambda now: self._entries.lease(names, owner, now, seconds))

    async def renew(self, lease: Lease, seconds: float) -> bool:
        """Let the lease end so many seconds from now; False where it was lost."""
        return self._change(lambda now: self._entries.renew(lease, now, seconds))

    async def release(self, lease: Lease) -> None:
        """End the lease."""
        self._change(lambda now: self._entries.release(lease))

    async def claim(self, kind: str, key: bytes, seconds: float) -> bool:
        """True for the first caller on this machine, until ``seconds`` later."""
        return self._change(lambda now: self._entries.claim(kind, key, now, seconds))

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float, *, under: Lease | None = None) -> None:
        """Keep the value for so long."""
        self._change(lambda now: self._entries.put(kind, key, value, now, now + seconds), under)

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """The value; None where there is none."""
        return self._read(lambda: self._got(kind, key))

    async def take(self, kind: str, key: bytes) -> bytes | None:
        """The value, deleted in the same step; None where there is none."""
        return self._change(lambda now: self._entries.take(kind, key, now))

    async def delete(self, kind: str, key: bytes, *, under: Lease | None = None) -> None:
        """Make the entry absent."""
        self._change(lambda now: self._entries.delete(kind, key), under)

    async def entries(self, kind: str) -> list[tuple[bytes, bytes]]:
        """Every key with its value, oldest first."""
        return self._change(lambda now: self._entries.all(kind, now))

    async def aclose(self) -> None:
        """Close the file."""
        self._write_reports()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        self._database.close()
        self._counter.close()

    def _use(self, opened: OpenDatabase) -> None:
        self._opened, self._database, self.epoch, self._counter = opened, opened.connection, opened.epoch, opened.counter
        self._entries = Entries(opened.connection, self._bounds)
        self._counted = None
        self._version = -1
        self._size = 0
        log, index = beside(self._file)
        self._marks = FileMarks(log, (self._file, index, opened.counter.file))

    def _poll(self) -> None:
        now = self._monotonic()
        if self._heard is None or now < self._retry_at:
            return
        counted = self._counter.cell[0]
        try:
            rows = self._read(lambda: self._entries.published(self._place, self._wall()))
        except StateFailed:
            self._retry_at = now + LOOK_SECONDS
            return
        self._hear(rows)
        self._counted = counted

    def _publish_one(self, revocation: Revocation) -> None:
        self._publish(lambda now: (revocation,))

    def _publish(self, chosen: Callable[[float], tuple[Revocation, ...]]) -> None:
        """Keep all revocations that ``chosen``, a step before it in the same transaction, returns."""

        def write(now: float) -> tuple[bool, list[Row], float | None, int]:
            revocations = chosen(now)
            others = self._entries.published(self._place, now) if self._heard is not None else []
            return bool(revocations), others, self._entries.publish(revocations, now), self._entries.last_id()

        is_news, others, youngest_gone, self._place = self._change(write)
        if is_news:
            self._counter.change()
        if youngest_gone is not None:
            others.append((self._place, spelled(FORGOTTEN_PART.revocation), youngest_gone))
        self._hear(others)

    def _write_reports(self) -> None:
        """Everything that was reported since the last time; who reported it is answered behind the commit."""
        reports, self._reports, are_first = self._reports, [], list[bool]()

        def claimed(now: float) -> tuple[Revocation, ...]:
            are_first[:] = [self._entries.claim_report(report, now) for report, _ in reports]
            firsts = (report for (report, _), is_first in zip(reports, are_first, strict=True) if is_first)
            return tuple(revocation for report in firsts for revocation in report.revocations)

        try:
            if reports:
                self._publish(claimed)
        except StateFailed as error:
            for report, answered in reports:
                self._write_later(*report.revocations)
                if not answered.done():
                    answered.set_exception(StateFailed(str(error)))
        for (_, answered), is_first in zip(reports, are_first, strict=False):  # fewer where it failed
            if not answered.done():
                answered.set_result(is_first)

    def _write_later(self, *revocations: Revocation) -> None:
        if not self.ready:  # else these are refused, and would be again
            self._unwritten.update(dict.fromkeys(revocations))
        while len(self._unwritten) > MOST_UNWRITTEN:
            del self._unwritten[next(iter(self._unwritten))]

    def _hear(self, rows: list[Row]) -> None:
        """Hand over all rows, also those that were left when ``heard`` raised an error before."""
        if rows:
            self._place = max(self._place, rows[-1][0])
            self._unheard.extend(rows)
        now = self._wall()
        while self._unheard and self._heard is not None:
            _, written, began = self._unheard.popleft()
            try:
                revocation = read(written)
            except BadSpelling as error:
                self._tell_unreadable(str(error))
            else:
                self._heard(Remembered(revocation, max(0.0, now - began)))

    async def _watch(self) -> None:
        """Hear too when nobody polls, and when a writer was killed before it changed the counter; repair what failed."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._look()

    def _look(self) -> None:
        is_up_to_date = self._version != -1 and self._counter.cell[0] == self._counted
        if self._marks.are_as_before() and is_up_to_date and self.ready:
            return
        self._counter.remap()
        with suppress(StateFailed):
            if files_of(self._file) != self._opened.files:
                self._remake(_READING)
            version = self._read(self._data_version)
            if version != self._version or self._counter.cell[0] != self._counted:
                self._poll()
                self._version = version if self._counter.cell[0] == self._counted else -1
        now = self._monotonic()
        if not self.ready and now >= self._repair_at:
            self._repair_at = now + REPAIR_SECONDS
            with suppress(StateFailed):
                self._write_unwritten()
                if not self.ready:
                    self._change(lambda now: self._entries.put(_TRIAL, b"", b"", now, now + REPAIR_SECONDS))

    def _write_unwritten(self) -> None:
        for revocation in tuple(self._unwritten):
            try:
                self._publish_one(revocation)
            except StateFailed:
                if self._problems:
                    raise
            del self._unwritten[revocation]

    def _data_version(self) -> int:
        """Differs when another process has written."""
        (version,) = self._database.execute("PRAGMA data_version").fetchone()
        return int(version)

    def _got(self, kind: str, key: bytes) -> bytes | None:
        now = self._wall()
        row = self._entries.find(kind, key, now)
        if row is None:
            return None
        value, began = row
        if began > now:
            self._change(lambda now: None)  # the clock was set back: what is kept gets its own seconds from now on, and no more
        return value

    def _change(self, step: Callable[[float], Result], under: Lease | None = None) -> Result:
        """What ``step`` returns for the time it is now, in one transaction that no other process's write can come between."""
        try:
            self._begin()
            now, before = self._wall(), self._entries.pushed_out
            self._entries.correct(now)
            if under is not None and not self._entries.holds(under, now):
                raise LeaseLost("the lease had ended before the change")
            result = step(now)
            self._entries.drop_ended(now)
            self._database.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._roll_back()
            raise self._failed(_WRITING, error) from error
        except BaseException:
            self._roll_back()
            raise
        self.forgotten += self._entries.pushed_out - before
        self._works(_READING, _WRITING)
        return result

    def _begin(self) -> None:
        """Nobody writes to a file from which another process has carried everything over, not even one that has just looked."""
        self._look_at_file(_WRITING)
        self._database.execute("BEGIN IMMEDIATE")
        while not self._is_mine():
            self._roll_back()
            self._remake(_WRITING)
            self._database.execute("BEGIN IMMEDIATE")

    def _read(self, step: Callable[[], Result]) -> Result:
        self._look_at_file(_READING)
        try:
            result = step()
        except (sqlite3.Error, OSError) as error:
            raise self._failed(_READING, error) from error
        self._works(_READING)
        return result

    def _look_at_file(self, doing: str) -> None:
        """A file that was deleted stays usable for those that have it open, but others no longer see what is in it."""
        if not self._is_mine():
            self._remake(doing)

    def _is_mine(self) -> bool:
        """Whether the file is still the one that is open here. SQLite makes it no smaller while it is in use."""
        try:
            found = os.stat(self._file)
        except OSError:
            return False
        if found.st_ino != self._opened.files.database or found.st_size < self._size:
            return False
        self._size = found.st_size
        return True

    def _remake(self, doing: str) -> None:
        """Go over to the file that stands there now, or to a new one. What failed is tried again after a second."""
        now = self._monotonic()
        if now < self._remade_at and doing in self._problems:
            raise StateFailed(self._problems[doing])
        self._remade_at = now + REPAIR_SECONDS
        try:
            remade = remake(self._opened, self._folder, self._largest_bytes, self._wall())
        except StateFailed as error:
            raise self._failed(doing, error) from error
        former = self._opened.connection
        self._use(remade.opened)
        former.close()
        if not remade.keeps_places:
            self._place = 0
        if remade.told:
            self._counter.change()
            self._tell("state_made_anew", remade.told)

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def _failed(self, doing: str, error: sqlite3.Error | OSError | StateFailed) -> StateFailed:
        """Told once for each problem, not for each call; while another process holds the file, later calls do not wait for it again."""
        match error:
            case sqlite3.Error():
                failed = explained(self._file, error)
                self._wait_for_others(0.0)
            case StateFailed():
                failed = error
            case _:
                failed = StateFailed(f"{self._file}: was deleted while it was in use; it is made anew")
        if self._problems.get(doing) != str(failed):
            is_news = str(failed) not in self._problems.values()
            self._problems[doing] = str(failed)
            if is_news:
                self._tell("state_failed", {"problem": str(failed)})
        return failed

    def _works(self, *doings: str) -> None:
        if self._problems:
            for doing in doings:
                self._problems.pop(doing, None)
            if not self._problems:
                self._wait_for_others(BUSY_SECONDS)
                self._tell("state_works", {})

    def _wait_for_others(self, seconds: float) -> None:
        with suppress(sqlite3.Error):
            self._database.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    def _tell_unreadable(self, reason: str) -> None:
        if not self._has_told_unreadable:
            self._has_told_unreadable = True
            self._tell("state_entry_unreadable", {"reason": reason})
