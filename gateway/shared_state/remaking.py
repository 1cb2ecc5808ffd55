"""A database whose file was deleted, replaced or cut short while it was in use: everything goes over to the file that stands there now.

A file that was deleted stays readable for the processes that have it open. So the first one that notices carries its entries over to a new
file, or to the one that somebody put there, and leaves a mark in the former one: which file they went to, and whether in their order. The
others find the mark and only change files. Where the former one cannot be read, the new one has a mark::

    alone in the folder ─▶ former file locked ─▶ marked? ─▶ yes: new file opened
                                                    └▶ no: new file made or opened ─▶ entries carried over ─▶ marked

Owns that step. Must never write to the former file again, open a new database beside the log of the former one (SQLite would take it for
its own, https://www.sqlite.org/howtocorrupt.html, section 2.4), or go on as if nothing was lost where something could not be read.
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
_COUNTED = "SELECT coalesce(sum(entries), 0), coalesce(sum(bytes), 0) FROM total"
_ENTRIES = "SELECT id, kind, key, value, began, ends FROM entry WHERE kind != ? ORDER BY id"
_NOTICED_SECONDS = 60.0
"""By then every process has noticed that its file is gone."""

Row = tuple[int, str, bytes, bytes, float, float]


class Remade(NamedTuple):
    """The database to use now. ``keeps_places``: its entries have the ids that they had.

    ``told``: what happened to the former file and what was done, in the process that did it; empty in the others.
    """

    opened: OpenDatabase
    keeps_places: bool
    told: Mapping[str, str] = MappingProxyType({})


def remake(former: OpenDatabase, folder: Path, largest_bytes: int, now: float) -> Remade:
    """Carry everything over from the ``former`` database, unless another process has. ``StateFailed`` where that cannot be done now.

    The former connection stays open either way. Where not everything could be read, passes from before this moment go through a hand-off.
    """
    with alone_in(folder, BUSY_SECONDS) as file:
        happened = _make_way(file, former)
        with _locked(former.connection) as is_readable:
            is_copied = is_readable and happened == _DELETED and not file.exists() and _is_copied(former.connection, file)
            opened = connected(file, largest_bytes, former.counter)
            try:
                if is_copied:
                    _set_mark(former, opened, True, now)
                    return Remade(opened, True, _told(f"{file}: {happened} while it was in use", "everything"))
                to = _mark(former.connection, b"") if is_readable else None
                if to in (_name(opened), _name(opened) + _IN_ORDER):
                    return Remade(opened, keeps_places=to.endswith(_IN_ORDER))
                if _mark(opened.connection, _name(former)) is not None:
                    return Remade(opened, keeps_places=False)
                return _carried(former, opened, now, f"{file}: {happened} while it was in use")
            except BaseException:
                opened.connection.close()
                raise


def _make_way(file: Path, former: OpenDatabase) -> str:
    """Remove what would be in the way of a new database; say in a few words what has happened to the former one."""
    found = files_of(file)
    if found.database and not file.is_file():
        raise StateFailed(f"{file}: was replaced by something that is no file while it was in use; take that away")
    is_cut = found.database != 0 and found.database == former.files.database
    if is_cut:
        # Who has looked at an empty file takes it for unmoved when closing it, and would delete the new one's log.
        os.truncate(file, max(file.stat().st_size, 4096))
        file.unlink()
    for path, there, mine in zip(beside(file), found[1:], former.files[1:], strict=True):
        if there and there == mine:
            path.unlink(missing_ok=True)
    return "was cut short, or its log was deleted," if is_cut else "was replaced" if found.database else _DELETED


@contextmanager
def _locked(former: sqlite3.Connection) -> Iterator[bool]:
    """Nobody else writes to the former database meanwhile. Yields whether it can be read and written at all."""
    try:
        former.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise
        yield False
        return
    try:
        yield True
        with suppress(sqlite3.Error):  # the mark cannot be written: the others carry over too, and find everything there
            former.execute("COMMIT")
    finally:
        with suppress(sqlite3.Error):
            if former.in_transaction:
                former.execute("ROLLBACK")


def _mark(database: sqlite3.Connection, key: bytes) -> bytes | None:
    """The value of the mark; None where there is none."""
    with suppress(sqlite3.Error):
        row: tuple[bytes] | None = database.execute("SELECT value FROM entry WHERE kind = ? AND key = ?", (CARRIED, key)).fetchone()
        return None if row is None else row[0]
    return None


def _is_copied(former: sqlite3.Connection, file: Path) -> bool:
    """Whether the former database stands there again, what was in its log included; False where not all of it can be read."""
    try:
        if former.execute(_HELD).fetchone() != former.execute(_COUNTED).fetchone():
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


def _set_mark(former: OpenDatabase, opened: OpenDatabase, keeps_places: bool, now: float) -> None:
    """Where it cannot be written the others carry over too, and find everything there."""
    with suppress(sqlite3.Error):
        former.connection.execute("DELETE FROM entry WHERE kind = ? AND key = x''", (CARRIED,))  # that file is gone too
        mark = (CARRIED, b"", _name(opened) + (_IN_ORDER if keeps_places else b""), now, _EVER)
        former.connection.execute("INSERT INTO entry (kind, key, value, began, ends) VALUES (?, ?, ?, ?, ?)", mark)


def _told(happened: str, kept: str) -> Mapping[str, str]:
    return {"problem": f"{happened}; let no other program change files in this folder", "outcome": f"a new file was made with {kept}"}


def _carried(former: OpenDatabase, opened: OpenDatabase, now: float, happened: str) -> Remade:
    rows, leases = _read(former.connection)
    is_whole, new = leases is not None, opened.connection
    new.execute("BEGIN IMMEDIATE")
    try:
        is_new = new.execute("SELECT count(*) FROM sqlite_sequence").fetchone() == (0,)
        keeps_places = is_new and is_whole
        if is_new:
            new.executemany("INSERT OR IGNORE INTO entry (id, kind, key, value, began, ends) VALUES (?, ?, ?, ?, ?, ?)", rows)
        else:
            fields = (row[1:] for row in rows)
            new.executemany("INSERT OR IGNORE INTO entry (kind, key, value, began, ends) VALUES (?, ?, ?, ?, ?)", fields)
        # Numbers of leases grow also where it is not known how far they had come.
        new.execute("UPDATE about SET leases = max(leases, ?)", (leases if leases is not None else int(now * 1e6),))
        if keeps_places:
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
    _set_mark(former, opened, keeps_places, now)
    kept = "everything" if is_whole else f"{len(rows)} entries that could be read; passes from before go through a hand-off"
    return Remade(opened, keeps_places, _told(happened, kept))


def _read(former: sqlite3.Connection) -> tuple[list[Row], int | None]:
    """The entries, oldest first, as far as they can be read, and the number of the last lease; None where not all could be read."""
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
