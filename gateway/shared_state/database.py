"""One SQLite file: how it is opened, what its tables are, and which words its errors get.

Owns the file's mode (0600), its version and its largest size. Must never open the file by itself while SQLite has it open: the end of any
descriptor would end SQLite's own locks on the file (https://www.sqlite.org/howtocorrupt.html, section 2.2). So a file beside it,
``state.lock``, is what processes lock that open it at the same time.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gateway.core.session import Fingerprint
from gateway.errors import StateFailed
from gateway.revocations import Revocation
from gateway.shared_state.counter import Counter
from gateway.shared_state.folder import folder_problem, make_folder
from gateway.shared_state.published import key_of, parts_of
from gateway.shared_state.spelling import spelled

FILE_NAME, LOCK_NAME = "state.db", "state.lock"
FILE_MODE = 0o600
VERSION = 2
LARGEST_FILE_BYTES = 256 * 1024 * 1024
"""More than all bounds together need; the log beside the file may take as much again for a moment."""
BUSY_SECONDS = 0.25
"""How long one call waits for another process's write, which takes far less than a millisecond."""
OPENING_SECONDS = 5.0
_APPLICATION = 0x53474154
_PAGE_BYTES = 4096
_LOG_BYTES = 4 * 1024 * 1024

_ABOUT = """
CREATE TABLE about (epoch TEXT NOT NULL, leases INTEGER NOT NULL DEFAULT 0);
INSERT INTO about (epoch) VALUES (lower(hex(randomblob(8))));
"""
_TABLES = """
CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, began REAL NOT NULL, ends REAL NOT NULL
);
CREATE UNIQUE INDEX entry_key ON entry (kind, key);
CREATE INDEX entry_age ON entry (kind, id);
CREATE INDEX entry_ends ON entry (ends);
CREATE TABLE total (kind TEXT PRIMARY KEY, entries INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
    INSERT INTO total VALUES (new.kind, 1, length(new.key) + length(new.value))
    ON CONFLICT (kind) DO UPDATE SET entries = entries + excluded.entries, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER entry_gone AFTER DELETE ON entry BEGIN
    UPDATE total SET entries = entries - 1, bytes = bytes - length(old.key) - length(old.value) WHERE kind = old.kind;
END;
"""
"""Triggers keep the totals, so that no process can forget to. An ``id`` is larger than all that ever were: so it tells the order."""

_FROM_VERSION_1 = """
ALTER TABLE about ADD COLUMN leases INTEGER NOT NULL DEFAULT 0;
DROP INDEX entry_key; DROP INDEX entry_age; DROP INDEX entry_ends;
DROP TRIGGER entry_added; DROP TRIGGER entry_gone; DROP TABLE total;
ALTER TABLE entry RENAME TO former;
"""
_MARKS = (f"PRAGMA application_id = {_APPLICATION}", f"PRAGMA user_version = {VERSION}", "COMMIT")

_REMEDIES = {
    "SQLITE_FULL": "make room on its disk",
    "SQLITE_BUSY": "end the process that holds it",
    "SQLITE_READONLY": "make it and its folder writable for the gateway's user",
    "SQLITE_CANTOPEN": "make it and its folder readable and writable for the gateway's user",
    "SQLITE_CORRUPT": "stop the gateway and delete the file; revocations that it held are lost",
    "SQLITE_NOTADB": "stop the gateway and delete the file; revocations that it held are lost",
}


def explained(file: Path, error: sqlite3.Error) -> StateFailed:
    """The error for callers: it names the file, what SQLite says, and a remedy where there is one."""
    name = getattr(error, "sqlite_errorname", "")
    remedy = next((text for start, text in _REMEDIES.items() if name.startswith(start)), "look at its disk and its folder")
    return StateFailed(f"{file}: {str(error) or name}; {remedy}")


class Opened(NamedTuple):
    """An open database: its ``epoch``, and the number by which the file system knows its file."""

    connection: sqlite3.Connection
    epoch: str
    inode: int
    counter: Counter


def open_database(folder: Path, largest_bytes: int = LARGEST_FILE_BYTES, opening_seconds: float = OPENING_SECONDS) -> Opened:
    """The database in this folder, made where it is absent; ``StateFailed`` with the file's name and a remedy where it cannot be had.

    Call it in the process that uses it, behind any fork. It waits at most ``opening_seconds`` for others that open it.
    """
    problem = folder_problem(folder)
    if problem is not None:
        raise StateFailed(problem)
    file = folder / FILE_NAME
    try:
        make_folder(folder)
        with _locked(folder, opening_seconds):
            _make_private(file)
            return _connected(file, largest_bytes)
    except sqlite3.Error as error:
        raise explained(file, error) from error
    except OSError as error:
        raise StateFailed(f"{error.filename or file}: {error.strerror}; give the gateway's user the right to it") from error


@contextmanager
def _locked(folder: Path, opening_seconds: float) -> Iterator[None]:
    """One process at a time: SQLite does not wait for others while the log is switched on or tables are made."""
    deadline = time.monotonic() + opening_seconds
    lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StateFailed(f"{folder / LOCK_NAME}: another process holds it; end that process") from None
                time.sleep(0.005)
        yield
    finally:
        os.close(lock)


def _make_private(file: Path) -> None:
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
    except FileExistsError:
        if file.is_symlink():
            raise StateFailed(f"{file}: is a symbolic link; put the file itself there, or name another folder") from None
        if file.stat().st_mode & 0o777 != FILE_MODE:
            file.chmod(FILE_MODE)


def _connected(file: Path, largest_bytes: int) -> Opened:
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        _check_version(connection, file)
        (journal,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if journal != "wal":
            raise StateFailed(f"{file}: lies where processes cannot share memory; name a folder on a local disk")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
        connection.execute(f"PRAGMA max_page_count = {max(1, largest_bytes // _PAGE_BYTES)}")
        _make_tables(connection)
        (epoch,) = connection.execute("SELECT epoch FROM about").fetchone()
        return Opened(connection, str(epoch), file.stat().st_ino, Counter(file.parent))
    except BaseException:
        connection.close()
        raise


def _make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables, or change those of version 1, all of it or nothing."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    try:
        connection.executescript("BEGIN IMMEDIATE;" + (_ABOUT if version == 0 else _FROM_VERSION_1) + _TABLES)
        if version == 1:
            former = connection.execute("SELECT kind, key, value, began, ends FROM former ORDER BY id").fetchall()
            connection.executemany(
                "INSERT OR REPLACE INTO entry (kind, key, value, began, ends) VALUES (?, ?, ?, ?, ?)", map(_from_version_1, former)
            )
            connection.execute("DROP TABLE former")
        for mark in _MARKS:  # one by one: a script would commit before it begins
            connection.execute(mark)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _from_version_1(row: tuple[str, bytes, bytes, float, float]) -> tuple[str, bytes, bytes, float, float]:
    """Version 1 had one entry without a value for each revoked key."""
    kind, key, _, began, ends = row
    match kind:
        case "revoked.cookie":
            revocation = Revocation((Fingerprint(key),))
        case "revoked.unseen":
            revocation = Revocation((Fingerprint(key),), unseen=(Fingerprint(key),))
        case "revoked.session":
            revocation = Revocation(session_id=key.decode("utf-8", "surrogatepass"))
        case "revoked.user":
            revocation = Revocation(user_id=key.decode("utf-8", "surrogatepass"))
        case _:
            return row
    (part,) = parts_of(revocation)
    written = spelled(part.revocation)
    return part.kind, key_of(written), written, began, ends


def _check_version(connection: sqlite3.Connection, file: Path) -> None:
    (version,), (application,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("user_version", "application_id"))
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (application == _APPLICATION and version in (1, VERSION)) or (version, application, tables) == (0, 0, 0):
        return
    if application != _APPLICATION:
        raise StateFailed(f"{file}: is a database of another program; name another folder")
    raise StateFailed(
        f"{file}: is of version {version}, and this gateway knows {VERSION}; "
        "stop the gateways that use it and delete it, or name another folder"
    )
