"""The shared state of one machine: a SQLite database that several processes use at once, and that outlives them.

Owns what the entries mean: their ends in wall-clock time, their bounds, what is deleted when. Must never change half of something, or wait
longer than ``BUSY_SECONDS``. The calls take some tens of microseconds, so they run inline on the event loop.

A clock that was set back must not make entries live on: no entry lives longer than its own seconds, counted from the first call after that.
"""

import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from gateway.clock import Clock
from gateway.errors import StateFailed
from gateway.revocations import REMEMBERED_SECONDS, Remembered, Revocation
from gateway.shared_state.database import FILE_NAME, LARGEST_FILE_BYTES, explained, open_database
from gateway.shared_state.interface import DEFAULT_BOUNDS, REVOCATION_BOUNDS, Bounds
from gateway.shared_state.revoked import KINDS, entries_of, remembered

DROPPED_AT_ONCE = 16
"""So many entries that are over are deleted with each write: more than a write adds, so that they cannot pile up."""
DROPPED_AT_BOUND = 1000

Tell = Callable[[str, Mapping[str, object]], None]
Result = TypeVar("Result")


class SqliteState:
    """The state in the file ``state.db`` of one folder. Make it in the process that uses it, behind any fork; close it with ``aclose``."""

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
        self._file = folder / FILE_NAME
        self._wall = clock.wall
        self._tell = tell
        self._bounds = {**dict.fromkeys(KINDS, REVOCATION_BOUNDS), **(bounds or {})}
        self._problem: str | None = None
        self._pushed_out = 0
        self.forgotten = 0
        opened = open_database(folder, largest_bytes)
        self._database, self.epoch, self._inode = opened.connection, opened.epoch, opened.inode

    async def claim(self, kind: str, key: bytes, seconds: float) -> bool:
        """True for the first caller on this machine, until ``seconds`` later."""
        return self._change(lambda now: self._claimed(kind, key, now, seconds))

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float) -> None:
        """Keep the value for so long."""
        self._change(lambda now: self._put(kind, key, value, now, seconds))

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """The value; None where there is none."""
        return self._read(lambda: self._got(kind, key))

    async def take(self, kind: str, key: bytes) -> bytes | None:
        """The value, deleted in the same step; None where there is none."""
        return self._change(lambda now: self._taken(kind, key, now))

    async def delete(self, kind: str, key: bytes) -> None:
        """Make the entry absent."""
        self._change(lambda now: self._deleted(kind, key))

    async def entries(self, kind: str) -> list[tuple[bytes, bytes]]:
        """Every key with its value, oldest first."""
        rows = "SELECT key, value FROM entry WHERE kind = ? AND ends > ? ORDER BY id"
        return self._change(lambda now: self._database.execute(rows, (kind, now)).fetchall())

    async def remember(self, revocation: Revocation) -> None:
        """Keep the revocation for as long as a session can last, across restarts."""
        self._change(lambda now: self._remembered(revocation, now))

    async def revocations(self) -> list[Remembered]:
        """Every revocation that is kept, with its age."""
        return self._change(self._revocations)

    async def aclose(self) -> None:
        """Close the file."""
        self._database.close()

    def _claimed(self, kind: str, key: bytes, now: float, seconds: float) -> bool:
        if self._find(kind, key, now) is not None:
            return False
        self._put(kind, key, b"", now, seconds)
        return True

    def _got(self, kind: str, key: bytes) -> bytes | None:
        now = self._wall()
        row = self._find(kind, key, now)
        if row is None:
            return None
        value, began = row
        if began > now:
            self._change(lambda now: None)  # the clock was set back: what is kept gets its own seconds from now on, and no more
        return value

    def _taken(self, kind: str, key: bytes, now: float) -> bytes | None:
        row = self._find(kind, key, now)
        self._deleted(kind, key)
        return None if row is None else row[0]

    def _find(self, kind: str, key: bytes, now: float) -> tuple[bytes, float] | None:
        select = "SELECT value, began FROM entry WHERE kind = ? AND key = ? AND ends > ?"
        row: tuple[bytes, float] | None = self._database.execute(select, (kind, key, now)).fetchone()
        return row

    def _deleted(self, kind: str, key: bytes) -> None:
        self._database.execute("DELETE FROM entry WHERE kind = ? AND key = ?", (kind, key))

    def _put(self, kind: str, key: bytes, value: bytes, now: float, seconds: float) -> None:
        bounds, size = self._bounds.get(kind, DEFAULT_BOUNDS), len(key) + len(value)
        if size > bounds.bytes:
            raise StateFailed(f"{self._file}: the entry is larger than its kind may be")
        self._deleted(kind, key)
        self._make_room(kind, size, bounds, now)
        self._database.execute(
            "INSERT INTO entry (kind, key, value, began, ends) VALUES (?, ?, ?, ?, ?)", (kind, key, value, now, now + seconds)
        )

    def _make_room(self, kind: str, size: int, bounds: Bounds, now: float) -> None:
        has_dropped = False
        while self._is_full(kind, size, bounds):
            if not has_dropped:
                self._drop_ended(now, DROPPED_AT_BOUND)
                has_dropped = True
                continue
            oldest = "DELETE FROM entry WHERE id = (SELECT id FROM entry WHERE kind = ? ORDER BY id LIMIT 1)"
            self._database.execute(oldest, (kind,))
            self._pushed_out += 1

    def _is_full(self, kind: str, size: int, bounds: Bounds) -> bool:
        row = self._database.execute("SELECT entries, bytes FROM total WHERE kind = ?", (kind,)).fetchone()
        entries, held = row or (0, 0)
        return entries > 0 and (entries >= bounds.entries or held + size > bounds.bytes)

    def _remembered(self, revocation: Revocation, now: float) -> None:
        for kind, key in entries_of(revocation):
            self._put(kind, key, b"", now, REMEMBERED_SECONDS)

    def _revocations(self, now: float) -> list[Remembered]:
        rows = "SELECT key, began FROM entry WHERE kind = ? AND ends > ? ORDER BY id"
        return [remembered(kind, key, now - began) for kind in KINDS for key, began in self._database.execute(rows, (kind, now))]

    def _change(self, step: Callable[[float], Result]) -> Result:
        """What ``step`` returns for the time it is now, in one transaction that no other process's write can come between."""
        self._pushed_out = 0
        try:
            if os.stat(self._file).st_ino != self._inode:
                raise FileNotFoundError
            self._database.execute("BEGIN IMMEDIATE")
            now = self._wall()
            self._correct(now)
            result = step(now)
            self._drop_ended(now, DROPPED_AT_ONCE)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._failed(explained(self._file, error)) from error
        except OSError as error:
            raise self._failed(StateFailed(f"{self._file}: was deleted while it was in use; restart the gateway")) from error
        except BaseException:
            self._roll_back()
            raise
        self.forgotten += self._pushed_out
        self._works()
        return result

    def _read(self, step: Callable[[], Result]) -> Result:
        try:
            result = step()
        except sqlite3.Error as error:
            raise self._failed(explained(self._file, error)) from error
        return result

    def _correct(self, now: float) -> None:
        """Where the clock was set back, let everything begin now that seems to begin later. The newest entry began last."""
        newest = self._database.execute("SELECT began FROM entry ORDER BY id DESC LIMIT 1").fetchone()
        if newest is not None and newest[0] > now:
            self._database.execute("UPDATE entry SET ends = ? + (ends - began), began = ? WHERE began > ?", (now, now, now))

    def _drop_ended(self, now: float, most: int) -> None:
        over = "DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE ends <= ? ORDER BY ends LIMIT ?)"
        self._database.execute(over, (now, most))

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def _failed(self, error: StateFailed) -> StateFailed:
        """Told once for each problem, not for each call."""
        if self._problem != str(error):
            self._problem = str(error)
            self._tell("state_failed", {"problem": self._problem})
        return error

    def _works(self) -> None:
        if self._problem is not None:
            self._problem = None
            self._tell("state_works", {})
