"""The SQL statements of the SQLite engine: entries with their ends and bounds, and leases.

Each method is one step inside a transaction of the caller. It must never begin or end a transaction, or read a clock: ``now`` is a
parameter, in Unix seconds.
"""

import sqlite3
from collections.abc import Iterable, Mapping

from gateway.errors import StateFailed
from gateway.revocations import Report, Revocation
from gateway.shared_state.interface import DEFAULT_BOUNDS, REVOCATION_BOUNDS, Bounds, Lease
from gateway.shared_state.published import FORGOTTEN_PART, KINDS, REVOKED, Part, key_of, parts_of
from gateway.shared_state.serialization import BadSerialization, serialized

DROPPED_AT_ONCE = 16
"""How many ended entries are deleted with each write. It is more than a write adds, so they cannot pile up."""
DROPPED_AT_BOUND = 1000

_LEASE = "lease"
_NUMBER_BYTES = 8
_PUBLISHED = "SELECT id, value, began FROM entry INDEXED BY entry_age WHERE kind IN (?, ?, ?, ?, ?, ?) AND id > ? AND ends > ? ORDER BY id"

Row = tuple[int, bytes, float]
"""A published revocation: the ``id`` of its entry, its bytes, and its start in Unix seconds."""


class Entries:
    """The entries of one open database. ``pushed_out`` counts the entries that were dropped before their end because a kind was full."""

    def __init__(self, database: sqlite3.Connection, bounds: Mapping[str, Bounds]) -> None:
        """``bounds``: by kind, if they differ from the default."""
        self._execute = database.execute
        self._bounds = {**dict.fromkeys(KINDS, REVOCATION_BOUNDS), **bounds}
        self.pushed_out = 0

    def claim(self, kind: str, key: bytes, now: float, seconds: float) -> bool:
        """True for the first caller; False for others until ``seconds`` after that."""
        if self.find(kind, key, now) is not None:
            return False
        self.put(kind, key, b"", now, now + seconds)
        return True

    def claim_report(self, report: Report, now: float) -> bool:
        """Claim a report's key and store its marks. True for the first caller; False, and no change, for others."""
        if not self.claim(report.kind, report.key, now, report.seconds):
            return False
        for mark in report.marks:
            self.put(report.kind, mark, b"", now, now + report.mark_seconds)
        return True

    def find(self, kind: str, key: bytes, now: float) -> tuple[bytes, float] | None:
        """The value and the start of an entry; None if there is none."""
        select = "SELECT value, began FROM entry WHERE kind = ? AND key = ? AND ends > ?"
        row: tuple[bytes, float] | None = self._execute(select, (kind, key, now)).fetchone()
        return row

    def all(self, kind: str, now: float) -> list[tuple[bytes, bytes]]:
        """All keys with their values, oldest first."""
        return self._execute("SELECT key, value FROM entry WHERE kind = ? AND ends > ? ORDER BY id", (kind, now)).fetchall()

    def take(self, kind: str, key: bytes, now: float) -> bytes | None:
        """Read and delete the value; None if there is none."""
        row = self.find(kind, key, now)
        self.delete(kind, key)
        return None if row is None else row[0]

    def delete(self, kind: str, key: bytes) -> None:
        """Delete the entry."""
        self._execute("DELETE FROM entry WHERE kind = ? AND key = ?", (kind, key))

    def put(self, kind: str, key: bytes, value: bytes, now: float, ends: float, started_at: float | None = None) -> float | None:
        """Store the value. Returns the start of the newest entry that was dropped to make room; None if none was.

        ``started_at``: the start of the entry, if it is not now. Raises ``StateFailed`` if the entry is larger than its whole kind may be.
        """
        bounds, size = self._bounds.get(kind, DEFAULT_BOUNDS), len(key) + len(value)
        if size > bounds.bytes:
            raise StateFailed(f"an entry of {size} bytes is larger than all of {kind} together may be")
        self.delete(kind, key)
        gone = self._make_room(kind, size, bounds, now)
        insert = "INSERT INTO entry (kind, key, value, began, ends) VALUES (?, ?, ?, ?, ?)"
        self._execute(insert, (kind, key, value, now if started_at is None else started_at, ends))
        return gone

    def publish(self, revocations: Iterable[Revocation], now: float) -> float | None:
        """Store every part of the revocations. Returns the start of the newest revocation that was dropped for them; None: none."""
        youngest_gone = None
        for part in (part for revocation in revocations for part in parts_of(revocation)):
            gone = self._keep(part, now, now)
            if gone is not None and part.kind == REVOKED:
                self._keep(FORGOTTEN_PART, gone, now)
                youngest_gone = gone
        return youngest_gone

    def published(self, position: int, now: float) -> list[Row]:
        """All stored revocations with a larger ``id`` than ``position``, oldest first."""
        rows: list[Row] = self._execute(_PUBLISHED, (*KINDS, position, now)).fetchall()
        return rows

    def last_id(self) -> int:
        """The ``id`` of the newest entry; 0 if there is none."""
        (found,) = self._execute("SELECT coalesce(max(id), 0) FROM entry").fetchone()
        return int(found)

    def lease(self, keys: tuple[bytes, ...], owner: bytes, now: float, seconds: float) -> Lease | None:
        """A lease of all these keys; None while another owner holds one of them."""
        for key in keys:
            row = self.find(_LEASE, key, now)
            if row is not None and row[0][_NUMBER_BYTES:] != owner:
                return None
        (number,) = self._execute("UPDATE about SET leases = leases + 1 RETURNING leases").fetchone()
        lease = Lease(keys, owner, number)
        self._hold(lease, now, seconds)
        return lease

    def holds(self, lease: Lease, now: float) -> bool:
        """Whether the lease is still held."""
        rows = (self.find(_LEASE, key, now) for key in lease.keys)
        return all(row is not None and int.from_bytes(row[0][:_NUMBER_BYTES]) == lease.number for row in rows)

    def renew(self, lease: Lease, now: float, seconds: float) -> bool:
        """Set the end of the lease to ``seconds`` from now; False if it was lost."""
        if not self.holds(lease, now):
            return False
        self._hold(lease, now, seconds)
        return True

    def release(self, lease: Lease) -> None:
        """End the lease."""
        number = lease.number.to_bytes(_NUMBER_BYTES)
        for key in lease.keys:
            self._execute("DELETE FROM entry WHERE kind = ? AND key = ? AND substr(value, 1, ?) = ?", (_LEASE, key, len(number), number))

    def correct(self, now: float) -> None:
        """If the clock was set back, move all entries that seem to begin in the future to now; each keeps its duration.

        It looks only at the newest entry, because that one began last.
        """
        newest = self._execute("SELECT began FROM entry ORDER BY id DESC LIMIT 1").fetchone()
        if newest is not None and newest[0] > now:
            self._execute("UPDATE entry SET ends = ? + (ends - began), began = ? WHERE began > ?", (now, now, now))

    def drop_ended(self, now: float, most: int = DROPPED_AT_ONCE) -> None:
        """Delete at most ``most`` of the ended entries."""
        self._execute("DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE ends <= ? ORDER BY ends LIMIT ?)", (now, most))

    def _hold(self, lease: Lease, now: float, seconds: float) -> None:
        bounds = self._bounds.get(_LEASE, DEFAULT_BOUNDS)
        for key in lease.keys:
            self.delete(_LEASE, key)
            if self._is_full(_LEASE, 0, bounds):
                self.drop_ended(now, DROPPED_AT_BOUND)
            if self._is_full(_LEASE, 0, bounds):  # a held lease is never dropped for another
                raise StateFailed("there are as many leases as there may be")
            self.put(_LEASE, key, lease.number.to_bytes(_NUMBER_BYTES) + lease.owner, now, now + seconds)

    def _keep(self, part: Part, started_at: float, now: float) -> float | None:
        try:
            written = serialized(part.revocation)
        except BadSerialization as error:
            raise StateFailed("the revocation is larger than any may be") from error
        return self.put(part.kind, key_of(written), written, now, started_at + part.seconds, started_at)

    def _make_room(self, kind: str, size: int, bounds: Bounds, now: float) -> float | None:
        has_dropped, gone = False, None
        while self._is_full(kind, size, bounds):
            if not has_dropped:
                self.drop_ended(now, DROPPED_AT_BOUND)
                has_dropped = True
                continue
            oldest = "DELETE FROM entry WHERE id = (SELECT id FROM entry WHERE kind = ? ORDER BY id LIMIT 1) RETURNING began"
            (gone,) = self._execute(oldest, (kind,)).fetchone()
            self.pushed_out += 1
        return gone

    def _is_full(self, kind: str, size: int, bounds: Bounds) -> bool:
        row = self._execute("SELECT entries, bytes FROM total WHERE kind = ?", (kind,)).fetchone()
        entries, held = row or (0, 0)
        return entries > 0 and (entries >= bounds.entries or held + size > bounds.bytes)
