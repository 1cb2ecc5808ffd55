"""The opening of the SQLite file, and the texts of its errors.

This module owns the file's mode (0600) and its largest size. It must never open the file itself while SQLite has it open: closing any
descriptor of the file would end SQLite's own locks on it (https://www.sqlite.org/howtocorrupt.html, section 2.2). So processes that open
the database at the same time lock another file beside it, ``state.lock``.
"""

import errno
import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gateway.errors import StateFailed
from gateway.shared_state.counter import Counter
from gateway.shared_state.folder import folder_problem, make_folder
from gateway.shared_state.tables import check_version, make_tables

FILE_NAME, LOCK_NAME = "state.db", "state.lock"
FILE_MODE = 0o600
CARRIED = "carried"
"""The kind of the entry that marks an old file whose entries were moved to a new one (``file_recovery``)."""
LARGEST_FILE_BYTES = 256 * 1024 * 1024
"""More than all bounds together need. The log beside the file may need the same size again for a short time."""
BUSY_SECONDS = 0.25
"""How long one call waits for another process's write. Such a write takes far less than a millisecond."""
OPENING_SECONDS = 5.0
_TRIES = 5
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MARK = "FROM entry WHERE kind = ? AND key = x''"
_PAGE_BYTES = 4096
_LOG_BYTES = 4 * 1024 * 1024

_ANEW = "delete the file; gateways that run make it anew with what they can still read of it, else what it held is lost"
_REMEDIES = {
    "SQLITE_FULL": "make room on its disk",
    "SQLITE_BUSY": "end the process that holds it",
    "SQLITE_READONLY": "make it and its folder writable for the gateway's user",
    "SQLITE_CANTOPEN": "make it and its folder readable and writable for the gateway's user",
    "SQLITE_CORRUPT": _ANEW,
    "SQLITE_NOTADB": _ANEW,
}


def explained(file: Path, error: sqlite3.Error) -> StateFailed:
    """The error for callers: the file, SQLite's message, and a remedy."""
    name = getattr(error, "sqlite_errorname", "")
    remedy = next((text for start, text in _REMEDIES.items() if name.startswith(start)), "look at its disk and its folder")
    return StateFailed(f"{file}: {str(error) or name}; {remedy}")


class Files(NamedTuple):
    """The inode numbers of the three files of a database in use; 0 for a file that does not exist."""

    database: int
    log: int
    index_of_log: int


class OpenDatabase(NamedTuple):
    """An open database with its ``epoch``, its files, and the mapped counter."""

    connection: sqlite3.Connection
    epoch: str
    files: Files
    counter: Counter


def open_database(folder: Path, largest_bytes: int = LARGEST_FILE_BYTES, opening_seconds: float = OPENING_SECONDS) -> OpenDatabase:
    """Open the database in this folder, or make it. Raises ``StateFailed`` with the file's name and a remedy.

    Call it in the process that uses it, after any fork. It waits at most ``opening_seconds`` for other processes that open it.
    """
    with alone_in(folder, opening_seconds) as file:
        return connected(file, largest_bytes, None)


@contextmanager
def alone_in(folder: Path, opening_seconds: float) -> Iterator[Path]:
    """Hold the folder's lock while the block runs, so that no other process opens the file. Errors become ``StateFailed``."""
    problem = folder_problem(folder)
    if problem is not None:
        raise StateFailed(problem)
    file = folder / FILE_NAME
    try:
        make_folder(folder)
        with _locked(folder, opening_seconds):
            yield file
    except sqlite3.Error as error:
        raise explained(file, error) from error
    except OSError as error:
        remedy = "make room on its disk" if error.errno in _NO_ROOM else "give the gateway's user the right to it"
        raise StateFailed(f"{error.filename or file}: {error.strerror}; {remedy}") from error


def beside(file: Path) -> tuple[Path, Path]:
    """The paths of the write-ahead log and its index, which SQLite keeps beside a database in use."""
    return file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")


def files_of(file: Path) -> Files:
    """The inode numbers of the files that exist now."""
    return Files(*map(_inode, (file, *beside(file))))


def _inode(file: Path) -> int:
    try:
        return file.stat().st_ino
    except FileNotFoundError:
        return 0


@contextmanager
def _locked(folder: Path, opening_seconds: float) -> Iterator[None]:
    """Let only one process at a time open the database: SQLite does not wait for others while WAL mode is set or tables are made."""
    deadline = time.monotonic() + opening_seconds
    while (lock := _lock(folder / LOCK_NAME)) is None:
        if time.monotonic() > deadline:
            raise StateFailed(f"{folder / LOCK_NAME}: another process holds it; end that process")
        time.sleep(0.005)
    try:
        yield
    finally:
        os.close(lock)


def _lock(file: Path) -> int | None:
    """A descriptor that holds the lock; None if another process holds it, or has just deleted the file."""
    lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_ino == _inode(file):
            return lock
    except BlockingIOError:
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None


def _make_private(file: Path) -> None:
    """Give the file mode 0600, and make it if it is absent. An empty file is deleted first, with its log.

    An empty file may have been cut short, and other processes may still have it open. Nobody must join them.
    """
    try:
        found = file.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise StateFailed(f"{file}: is a symbolic link; put the file itself there, or name another folder")
        if found.st_size > 0:
            if found.st_mode & 0o777 != FILE_MODE:
                file.chmod(FILE_MODE)
            return
        file.unlink()
    except FileNotFoundError:
        pass
    for left_behind in beside(file):
        left_behind.unlink(missing_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))


def connected(file: Path, largest_bytes: int, counter: Counter | None) -> OpenDatabase:
    """Open or make the database. Call it inside ``alone_in``. ``counter``: the mapped counter, if it is already open."""
    for _ in range(_TRIES):
        _make_private(file)
        inode = _inode(file)
        try:
            opened = _connected(file, largest_bytes, counter)
        except sqlite3.Error:
            if _inode(file) == inode:
                raise
        else:
            if inode == opened.files.database == _inode(file):
                return opened
            opened.connection.close()
    raise StateFailed(f"{file}: is deleted while it is opened, again and again; keep others from cleaning up its folder")


def _connected(file: Path, largest_bytes: int, counter: Counter | None) -> OpenDatabase:
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        check_version(connection, file)
        (journal,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if journal != "wal":
            raise StateFailed(f"{file}: lies where processes cannot share memory; name a folder on a local disk")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
        connection.execute(f"PRAGMA max_page_count = {max(1, largest_bytes // _PAGE_BYTES)}")
        make_tables(connection)
        if connection.execute(f"SELECT 1 {_MARK}", (CARRIED,)).fetchone() is not None:  # somebody has put back an old file
            connection.execute(f"DELETE {_MARK}", (CARRIED,))
        (epoch,) = connection.execute("SELECT epoch FROM about").fetchone()
        return OpenDatabase(connection, str(epoch), files_of(file), counter or Counter(file.parent))
    except BaseException:
        connection.close()
        raise
