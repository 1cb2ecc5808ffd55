"""The entries of the SQLite state, as steps within one transaction: their ends, their bounds, and leases.

Owns the statements. Must never begin or end a transaction, or look at a clock: ``now`` is a parameter, in Unix seconds.
"""

import sqlite3
from collections.abc import Iterable, Mapping

from gateway.errors import StateFailed
from gateway.revocations import Report, Revocation
from gateway.shared_state.interface import DEFAULT_BOUNDS, REVOCATION_BOUNDS, Bounds, Lease
from gateway.shared_state.published import FORGOTTEN_PART, KINDS, REVOKED, Part, key_of, parts_of
from gateway.shared_state.spelling import BadSpelling, spelled

DROPPED_AT_ONCE = 16
"""So many entries that are over are deleted with each write: more than a write adds, so that they cannot pile up."""
DROPPED_AT_BOUND = 1000

_LEASE = "lease"
_NUMBER_BYTES = 8
_PUBLISHED = "SELECT id, value, began FROM entry INDEXED BY entry_age WHERE kind IN (?, ?, ?, ?, ?, ?) AND id > ? AND ends > ? ORDER BY id"

Row = tuple[int, bytes, float]
"""A published revocation: the ``id`` of its entry, its bytes, and when it began."""


class Entries:
    """The entries of one open database. ``pushed_out`` counts those that went at a bound before their end."""

    def __init__(self, database: sqlite3.Connection, bounds: Mapping[str, Bounds]) -> None:
        """``bounds``: by kind, where they are not the default."""
        self._execute = database.execute
        self._bounds = {**dict.fromkeys(KINDS, REVOCATION_BOUNDS), **bounds}
        self.pushed_out = 0

    def claim(self, kind: str, key: bytes, now: float, seconds: float) -> bool:
        """True for the first caller, until ``seconds`` later."""
        if self.find(kind, key, now) is not None:
            return False
        self.put(kind, key, b"", now, now + seconds)
        return True

    def claim_report(self, report: Report, now: float) -> bool:
        """True for the first caller, whose marks are kept too."""
        if not self.claim(report.kind, report.key, now, report.seconds):
            return False
        for mark in report.marks:
            self.put(report.kind, mark, b"", now, now + report.mark_seconds)
        return True

    def find(self, kind: str, key: bytes, now: float) -> tuple[bytes, float] | None:
        """The value, and when the entry began; None where there is none."""
        select = "SELECT value, began FROM entry WHERE kind = ? AND key = ? AND ends > ?"
        row: tuple[bytes, float] | None = self._execute(select, (kind, key, now)).fetchone()
        return row

    def all(self, kind: str, now: float) -> list[tuple[bytes, bytes]]:
        """Every key with its value, oldest first."""
        return self._execute("SELECT key, value FROM entry WHERE kind = ? AND ends > ? ORDER BY id", (kind, now)).fetchall()

    def take(self, kind: str, key: bytes, now: float) -> bytes | None:
        """The value, deleted; None where there is none."""
        row = self.find(kind, key, now)
        self.delete(kind, key)
        return None if row is None else row[0]

    def delete(self, kind: str, key: bytes) -> None:
        """Make the entry absent."""
        self._execute("DELETE FROM entry WHERE kind = ? AND key = ?", (kind, key))

    def put(self, kind: str, key: bytes, value: bytes, now: float, ends: float, began: float | None = None) -> float | None:
        """Keep the value. Returns when the youngest entry began that had to go for this one; None where none had to.

        ``began``: where it is not now. ``StateFailed`` where the entry is larger than its kind may be.
        """
        bounds, size = self._bounds.get(kind, DEFAULT_BOUNDS), len(key) + len(value)
        if size > bounds.bytes:
            raise StateFailed(f"an entry of {size} bytes is larger than all of {kind} together may be")
        self.delete(kind, key)
        gone = self._make_room(kind, size, bounds, now)
        insert = "INSERT INTO entry (kind, key, value, began, ends) VALUES (?, ?, ?, ?, ?)"
        self._execute(insert, (kind, key, value, now if began is None else began, ends))
        return gone

    def publish(self, revocations: Iterable[Revocation], now: float) -> float | None:
        """Keep every part of the revocations. Returns when the youngest one began that the bound pushed out; None for none."""
        youngest_gone = None
        for part in (part for revocation in revocations for part in parts_of(revocation)):
            gone = self._keep(part, now, now)
            if gone is not None and part.kind == REVOKED:
                self._keep(FORGOTTEN_PART, gone, now)
                youngest_gone = gone
        return youngest_gone

    def published(self, place: int, now: float) -> list[Row]:
        """Every kept revocation beyond this ``id``, oldest first."""
        rows: list[Row] = self._execute(_PUBLISHED, (*KINDS, place, now)).fetchall()
        return rows

    def last_id(self) -> int:
        """The ``id`` of the newest entry, 0 where there is none."""
        (found,) = self._execute("SELECT coalesce(max(id), 0) FROM entry").fetchone()
        return int(found)

    def lease(self, keys: tuple[bytes, ...], owner: bytes, now: float, seconds: float) -> Lease | None:
        """A lease of all these keys; None while somebody else holds one of them."""
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
        """Let the lease end so many seconds from now; False where it was lost."""
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
        """Where the clock was set back, let everything begin now that seems to begin later. The newest entry began last."""
        newest = self._execute("SELECT began FROM entry ORDER BY id DESC LIMIT 1").fetchone()
        if newest is not None and newest[0] > now:
            self._execute("UPDATE entry SET ends = ? + (ends - began), began = ? WHERE began > ?", (now, now, now))

    def drop_ended(self, now: float, most: int = DROPPED_AT_ONCE) -> None:
        """Delete so many of the entries that are over."""
        self._execute("DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE ends <= ? ORDER BY ends LIMIT ?)", (now, most))

    def _hold(self, lease: Lease, now: float, seconds: float) -> None:
        bounds = self._bounds.get(_LEASE, DEFAULT_BOUNDS)
        for key in lease.keys:
            self.delete(_LEASE, key)
            if self._is_full(_LEASE, 0, bounds):
                self.drop_ended(now, DROPPED_AT_BOUND)
            if self._is_full(_LEASE, 0, bounds):  # one that is held is never ended for another
                raise StateFailed("there are as many leases as there may be")
            self.put(_LEASE, key, lease.number.to_bytes(_NUMBER_BYTES) + lease.owner, now, now + seconds)

    def _keep(self, part: Part, began: float, now: float) -> float | None:
        try:
            written = spelled(part.revocation)
        except BadSpelling as error:
            raise StateFailed("the revocation is larger than any may be") from error
        return self.put(part.kind, key_of(written), written, now, began + part.seconds, began)

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
