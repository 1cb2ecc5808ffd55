"""The recovery when the database file was deleted, replaced or cut short while it was in use: all entries move to the current file.

On Unix a deleted file stays readable for processes that have it open. The first process that notices copies the entries from the *former*
file to a new file, or to the file that somebody put there. Then it writes a mark into the former file: the name of the new file, and
whether the entries kept their order. Other processes find the mark and only open the new file. If the former file cannot be read, the mark
is in the new file::

    lock the folder ─▶ lock the former file ─▶ marked? ─▶ yes: open the new file
                                                  └▶ no: make or open the new file ─▶ copy the entries ─▶ write the mark

It must never write other entries to the former file again. It must never open a new database beside the log of the former one, because
SQLite would use that log (https://www.sqlite.org/howtocorrupt.html, section 2.4). If something could not be read, it must never continue as
if nothing was lost.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from gateway.errors import StateFailed
from gateway.revocations import Revocation
from gateway.shared_state.database import BUSY_SECONDS, CARRIED, FILE_MODE, OpenDatabase, alone_in, beside, connected, files_of
from gateway.shared_state.entries import Entries

_EVER = 2.0**53
_IN_ORDER = b"="
_DELETED = "was deleted"
_HELD = "SELECT count(*), coalesce(sum(length(key) + length(value)), 0) FROM entry"
_RECORDED_TOTAL = "SELECT coalesce(sum(entries), 0), coalesce(sum(bytes), 0) FROM total"
_ENTRIES = "SELECT id, kind, key, value, began, ends FROM entry WHERE kind != ? ORDER BY id"
_NOTICED_SECONDS = 60.0
"""After so long, every process has noticed that its file is gone."""

Row = tuple[int, str, bytes, bytes, float, float]


class Recovered(NamedTuple):
    """The database to use now. ``keeps_positions``: the entries kept their ids, so the position of each reader is still right.

    ``report``: what happened to the former file and what was done, for the log of the process that did it; empty in the others.
    """

    opened: OpenDatabase
    keeps_positions: bool
    report: Mapping[str, str] = MappingProxyType({})


def recover(former: OpenDatabase, folder: Path, largest_bytes: int, now: float) -> Recovered:
    """Copy all entries from the ``former`` database, unless another process has done so. Raises ``StateFailed`` if it cannot be done now.

    The former connection stays open in any case. If some entries could not be read, passes from before now must go through a hand-off.
    """
    with alone_in(folder, BUSY_SECONDS) as file:
        happened = _make_way(file, former)
        with _locked(former.connection) as is_readable:
            is_copied = is_readable and happened == _DELETED and not file.exists() and _is_copied(former.connection, file)
            opened = connected(file, largest_bytes, former.counter)
            try:
                if is_copied:
                    _set_mark(former, opened, True, now)
                    return Recovered(opened, True, _report(f"{file}: {happened} while it was in use", "everything"))
                to = _mark(former.connection, b"") if is_readable else None
                if to in (_name(opened), _name(opened) + _IN_ORDER):
                    return Recovered(opened, keeps_positions=to.endswith(_IN_ORDER))
                if _mark(opened.connection, _name(former)) is not None:
                    return Recovered(opened, keeps_positions=False)
                return _carried(former, opened, now, f"{file}: {happened} while it was in use")
            except BaseException:
                opened.connection.close()
                raise


def _make_way(file: Path, former: OpenDatabase) -> str:
    """Remove files that a new database must not find. Returns, in a few words, what happened to the former one."""
    found = files_of(file)
    if found.database and not file.is_file():
        raise StateFailed(f"{file}: was replaced by something that is no file while it was in use; take that away")
    is_cut = found.database != 0 and found.database == former.files.database
    if is_cut:
        # A process that has the empty file open would not notice at its close that the file was moved, and would delete the new log.
        os.truncate(file, max(file.stat().st_size, 4096))
        file.unlink()
    for path, there, mine in zip(beside(file), found[1:], former.files[1:], strict=True):
        if there and there == mine:
            path.unlink(missing_ok=True)
    return "was cut short, or its log was deleted," if is_cut else "was replaced" if found.database else _DELETED


@contextmanager
def _locked(former: sqlite3.Connection) -> Iterator[bool]:
    """Keep other processes from writing to the former database while the block runs. Yields whether it can be read and written."""
    try:
        former.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise
        yield False
        return
    try:
        yield True
        with suppress(sqlite3.Error):  # without the mark the others copy too, and find all entries there already
            former.execute("COMMIT")
    finally:
        with suppress(sqlite3.Error):
            if former.in_transaction:
                former.execute("ROLLBACK")


def _mark(database: sqlite3.Connection, key: bytes) -> bytes | None:
    """The value of the mark; None if there is none."""
    with suppress(sqlite3.Error):
        row: tuple[bytes] | None = database.execute("SELECT value FROM entry WHERE kind = ? AND key = ?", (CARRIED, key)).fetchone()
        return None if row is None else row[0]
    return None


def _is_copied(former: sqlite3.Connection, file: Path) -> bool:
    """Write a full copy of the former database to ``file``, including its log. False if not all of it can be read."""
    try:
        if former.execute(_HELD).fetchone() != former.execute(_RECORDED_TOTAL).fetchone():
            return False
        content = former.serialize()
    except sqlite3.Error:
        return False
    new = file.with_name(f"{file.name}-new")
    for left_behind in (new, *beside(file)):
        left_behind.unlink(missing_ok=True)
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE), "wb") as opened:
            opened.write(content)
        new.rename(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    return True


def _set_mark(former: OpenDatabase, opened: OpenDatabase, keeps_positions: bool, now: float) -> None:
    """Write the mark into the former file. If that fails, the others copy too, and find all entries there already."""
    with suppress(sqlite3.Error):
        former.connection.execute("DELETE FROM entry WHERE kind = ? AND key = x''", (CARRIED,))  # it names a file that is gone
        mark = (CARRIED, b"", _name(opened) + (_IN_ORDER if keeps_positions else b""), now, _EVER)
        former.connection.execute("INSERT INTO entry (kind, key, value, began, ends) VALUES (?, ?, ?, ?, ?)", mark)


def _report(happened: str, kept: str) -> Mapping[str, str]:
    return {"problem": f"{happened}; let no other program change files in this folder", "outcome": f"a new file was made with {kept}"}


def _carried(former: OpenDatabase, opened: OpenDatabase, now: float, happened: str) -> Recovered:
    rows, leases = _read(former.connection)
    is_whole, new = leases is not None, opened.connection
    new.execute("BEGIN IMMEDIATE")
    try:
        is_new = new.execute("SELECT count(*) FROM sqlite_sequence").fetchone() == (0,)
        keeps_positions = is_new and is_whole
        if is_new:
            new.executemany("INSERT OR IGNORE INTO entry (id, kind, key, value, began, ends) VALUES (?, ?, ?, ?, ?, ?)", rows)
        else:
            fields = (row[1:] for row in rows)
            new.executemany("INSERT OR IGNORE INTO entry (kind, key, value, began, ends) VALUES (?, ?, ?, ?, ?)", fields)
        # Lease numbers must keep growing, even if the last number is not known.
        new.execute("UPDATE about SET leases = max(leases, ?)", (leases if leases is not None else int(now * 1e6),))
        if keeps_positions:
            new.execute("UPDATE about SET epoch = ?", (former.epoch,))
            new.execute("DELETE FROM sqlite_sequence")
            (last,) = former.connection.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence").fetchone()
            new.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('entry', ?)", (last,))
            opened = opened._replace(epoch=former.epoch)
        if not is_whole:
            Entries(new, {}).publish((Revocation(forgotten=True),), now)
            Entries(new, {}).put(CARRIED, _name(former), b"", now, now + _NOTICED_SECONDS)
        new.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            new.execute("ROLLBACK")
        raise
    _set_mark(former, opened, keeps_positions, now)
    kept = "everything" if is_whole else f"{len(rows)} entries that could be read; passes from before go through a hand-off"
    return Recovered(opened, keeps_positions, _report(happened, kept))


def _read(former: sqlite3.Connection) -> tuple[list[Row], int | None]:
    """The readable entries, oldest first, and the number of the last lease. The number is None if not all entries could be read."""
    rows: list[Row] = []
    with suppress(sqlite3.Error):
        rows.extend(former.execute(_ENTRIES, (CARRIED,)))
        (entries,) = former.execute("SELECT coalesce(sum(entries), 0) FROM total").fetchone()
        (leases,) = former.execute("SELECT leases FROM about").fetchone()
        (marks,) = former.execute("SELECT count(*) FROM entry WHERE kind = ?", (CARRIED,)).fetchone()
        if entries == len(rows) + marks:
            return rows, int(leases)
    return rows, None


def _name(opened: OpenDatabase) -> bytes:
    return opened.files.database.to_bytes(8)
