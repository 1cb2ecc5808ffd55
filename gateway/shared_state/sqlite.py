"""The SQLite engine: the shared state of one machine. Several processes use the database at once, and it survives them.

This module owns the transactions, the reading of what others published, and the handling of failures. It must never make a change in part,
or wait longer than ``BUSY_SECONDS``. A call takes some tens of microseconds, so it runs directly on the event loop.

If the machine's clock is set back, entries must not live longer: each entry then ends at the latest after its own time, counted from the
first call after the change.

Revocations are entries too. Each process remembers its *position*: the largest ``id`` that it has read. After a commit with revocations,
the writer changes the mapped counter (``counter``). If the counter differs, a process reads the entries after its position. A writer may be
killed between commit and counter. So every 50 ms each process also checks whether the write-ahead log has changed (``file_marks``), and
then ``data_version``::

    publish: BEGIN ─▶ read what others published ─▶ write own entries ─▶ COMMIT ─▶ change the counter ─▶ return
    poll:    counter differs ─▶ read the entries after the own position ─▶ call ``heard``

If the file is deleted, replaced or cut short while it is in use, this is noticed within 50 ms, and a new file is made (``file_recovery``).
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
from gateway.observe import Tell
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
from gateway.shared_state.file_recovery import recover
from gateway.shared_state.interface import Bounds, Lease, OnRevocation
from gateway.shared_state.published import FORGOTTEN_PART
from gateway.shared_state.serialization import BadSerialization, deserialized, serialized

LOOK_SECONDS = 0.05
"""How often an idle process checks for revocations of others, and how soon it tries again after a failed read."""
REPAIR_SECONDS = 1.0
"""How often a failed write is tried again."""
MOST_UNWRITTEN = 10_000

_READING, _WRITING = "reading", "writing"
_TRIAL = "trial"

Result = TypeVar("Result")


class SqliteState:
    """The state in the file ``state.db`` of one folder. Make it in the process that uses it, after any fork; close it with ``aclose``."""

    is_shared = True
    hearing_seconds = 2 * LOOK_SECONDS

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        tell: Tell,
        bounds: Mapping[str, Bounds] | None = None,
        largest_bytes: int = LARGEST_FILE_BYTES,
    ) -> None:
        """Raises ``StateFailed`` if the file cannot be used. ``tell`` is called when calls begin to fail, and when they work again.

        ``bounds``: by kind, if they differ from the default. ``largest_bytes``: the largest size of the file.
        """
        self._folder, self._file, self._largest_bytes = folder, folder / FILE_NAME, largest_bytes
        self._bounds = bounds or {}
        self._wall = clock.wall
        self._monotonic = clock.monotonic
        self._tell = tell
        self._problems: dict[str, str] = {}
        self.forgotten = 0
        self._heard: OnRevocation | None = None
        self._position = 0
        self._unheard: deque[Row] = deque()
        self._unwritten: dict[Revocation, None] = {}
        self._reports: list[tuple[Report, asyncio.Future[bool]]] = []
        self._retry_at = 0.0
        self._repair_at = 0.0
        self._watching: asyncio.Task[None] | None = None
        self._has_told_unreadable = False
        self._counter_seen: int | None = None
        self._recovered_at = 0.0
        self._use(open_database(folder, largest_bytes))

    @property
    def ready(self) -> bool:
        """Whether the file can be read and written, and holds all revocations that this process published."""
        return not self._problems and not self._unwritten

    @property
    def problem(self) -> str:
        """What is wrong with the file; empty if nothing is."""
        return next(iter(self._problems.values()), "")

    async def follow(self, heard: OnRevocation) -> None:
        """Call ``heard`` with every stored revocation, oldest first; from then on with those that others publish."""
        self._heard, self._position = heard, 0
        count = self._counter.cell[0]
        self._hear(self._change(lambda now: self._entries.published(0, now)))
        self._counter_seen = count
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="watching the shared state")

    def poll(self) -> None:
        """Read what others have published, if the mapped counter has changed."""
        if self._counter.cell[0] != self._counter_seen:
            self._poll()

    async def publish(self, revocation: Revocation) -> None:
        """Store the revocation, also across restarts. Every process on this machine receives it at its next ``poll``."""
        try:
            self._publish_one(revocation)
        except StateFailed:
            self._write_later(revocation)
            raise

    async def report(self, report: Report) -> bool:
        """Store the report in one transaction; False if it came before. Reports of one event-loop iteration share a transaction."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bool] = loop.create_future()
        self._reports.append((report, answered))
        if len(self._reports) == 1:
            loop.call_soon(self._write_reports)
        return await answered

    async def lease(self, keys: Iterable[bytes], owner: bytes, seconds: float) -> Lease | None:
        """A lease of all these keys, or None while another owner holds one of them."""
        names = tuple(sorted(set(keys)))
        if not names:
            raise ValueError("a lease without a key")
        return self._change(lambda now: self._entries.lease(names, owner, now, seconds))

    async def renew(self, lease: Lease, seconds: float) -> bool:
        """Set the end of the lease to ``seconds`` from now; False if it was lost."""
        return self._change(lambda now: self._entries.renew(lease, now, seconds))

    async def release(self, lease: Lease) -> None:
        """End the lease."""
        self._change(lambda now: self._entries.release(lease))

    async def claim(self, kind: str, key: bytes, seconds: float) -> bool:
        """True for the first caller on this machine; False for others until ``seconds`` after that."""
        return self._change(lambda now: self._entries.claim(kind, key, now, seconds))

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float, *, under: Lease | None = None) -> None:
        """Store the value for ``seconds``."""
        self._change(lambda now: self._entries.put(kind, key, value, now, now + seconds), under)

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """The value, or None."""
        return self._read(lambda: self._got(kind, key))

    async def take(self, kind: str, key: bytes) -> bytes | None:
        """Read and delete the value in one step; None if there is none."""
        return self._change(lambda now: self._entries.take(kind, key, now))

    async def delete(self, kind: str, key: bytes, *, under: Lease | None = None) -> None:
        """Delete the entry."""
        self._change(lambda now: self._entries.delete(kind, key), under)

    async def entries(self, kind: str) -> list[tuple[bytes, bytes]]:
        """All keys with their values, oldest first."""
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
        self._counter_seen = None
        self._version = -1
        self._size = 0
        log, index = beside(self._file)
        self._marks = FileMarks(log, (self._file, index, opened.counter.file))

    def _poll(self) -> None:
        now = self._monotonic()
        if self._heard is None or now < self._retry_at:
            return
        count = self._counter.cell[0]  # read before the entries: a change after this is found by the next poll
        try:
            rows = self._read(lambda: self._entries.published(self._position, self._wall()))
        except StateFailed:
            self._retry_at = now + LOOK_SECONDS
            return
        self._hear(rows)
        self._counter_seen = count

    def _publish_one(self, revocation: Revocation) -> None:
        self._publish(lambda now: (revocation,))

    def _publish(self, chosen: Callable[[float], tuple[Revocation, ...]]) -> None:
        """Store the revocations that ``chosen`` returns; ``chosen`` runs first, in the same transaction."""

        def write(now: float) -> tuple[bool, list[Row], float | None, int]:
            revocations = chosen(now)
            others = self._entries.published(self._position, now) if self._heard is not None else []
            return bool(revocations), others, self._entries.publish(revocations, now), self._entries.last_id()

        is_news, others, youngest_gone, self._position = self._change(write)
        if is_news:
            self._counter.change()
        if youngest_gone is not None:
            others.append((self._position, serialized(FORGOTTEN_PART.revocation), youngest_gone))
        self._hear(others)

    def _write_reports(self) -> None:
        """Write all waiting reports in one transaction, and answer their callers after the commit."""
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
        for (_, answered), is_first in zip(reports, are_first, strict=False):  # ``are_first`` is shorter if the transaction failed
            if not answered.done():
                answered.set_result(is_first)

    def _write_later(self, *revocations: Revocation) -> None:
        if not self.ready:  # if the state works, these revocations were refused for good, and a new try is useless
            self._unwritten.update(dict.fromkeys(revocations))
        while len(self._unwritten) > MOST_UNWRITTEN:
            del self._unwritten[next(iter(self._unwritten))]

    def _hear(self, rows: list[Row]) -> None:
        """Call ``heard`` for all rows, and for those that were left over when it raised an error before."""
        if rows:
            self._position = max(self._position, rows[-1][0])
            self._unheard.extend(rows)
        now = self._wall()
        while self._unheard and self._heard is not None:
            _, written, started_at = self._unheard.popleft()
            try:
                revocation = deserialized(written)
            except BadSerialization as error:
                self._tell_unreadable(str(error))
            else:
                self._heard(Remembered(revocation, max(0.0, now - started_at)))

    async def _watch(self) -> None:
        """Check regularly for revocations of others, even without ``poll`` or a change of the counter, and repair failures."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._look()

    def _look(self) -> None:
        is_up_to_date = self._version != -1 and self._counter.cell[0] == self._counter_seen
        if self._marks.are_as_before() and is_up_to_date and self.ready:
            return
        self._counter.remap()
        with suppress(StateFailed):
            if files_of(self._file) != self._opened.files:
                self._remake(_READING)
            version = self._read(self._data_version)
            if version != self._version or self._counter.cell[0] != self._counter_seen:
                self._poll()
                self._version = version if self._counter.cell[0] == self._counter_seen else -1
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
        """SQLite's ``data_version``. It changes when another process has written."""
        (version,) = self._database.execute("PRAGMA data_version").fetchone()
        return int(version)

    def _got(self, kind: str, key: bytes) -> bytes | None:
        now = self._wall()
        row = self._entries.find(kind, key, now)
        if row is None:
            return None
        value, started_at = row
        if started_at > now:
            self._change(lambda now: None)  # the clock was set back: the change corrects the ends of all entries
        return value

    def _change(self, step: Callable[[float], Result], under: Lease | None = None) -> Result:
        """Run ``step`` with the current time in one write transaction, and return its result.

        Raises ``StateFailed``; raises ``LeaseLost`` if the lease ``under`` is no longer held. After an error nothing has changed.
        """
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
        """Begin a transaction on the current file. It checks the file again after BEGIN, because another process may have moved all entries
        to a new file just before.
        """
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
        """Change to the new file if the open one was deleted. A deleted file still works here, but no other process would see it."""
        if not self._is_mine():
            self._remake(doing)

    def _is_mine(self) -> bool:
        """Whether the file is still the one that is open here, and has not become smaller; SQLite never shrinks it while it is in use."""
        try:
            found = os.stat(self._file)
        except OSError:
            return False
        if found.st_ino != self._opened.files.database or found.st_size < self._size:
            return False
        self._size = found.st_size
        return True

    def _remake(self, doing: str) -> None:
        """Change to the file that is in the folder now, or to a new one. A failed try is repeated after a second."""
        now = self._monotonic()
        if now < self._recovered_at and doing in self._problems:
            raise StateFailed(self._problems[doing])
        self._recovered_at = now + REPAIR_SECONDS
        try:
            recovered = recover(self._opened, self._folder, self._largest_bytes, self._wall())
        except StateFailed as error:
            raise self._failed(doing, error) from error
        former = self._opened.connection
        self._use(recovered.opened)
        former.close()
        if not recovered.keeps_positions:
            self._position = 0
        if recovered.report:
            self._counter.change()
            self._tell("state_made_anew", recovered.report)

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def _failed(self, doing: str, error: sqlite3.Error | OSError | StateFailed) -> StateFailed:
        """The error for the caller. Each problem is logged once, not for each call. Later calls do not wait for a busy file again."""
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
