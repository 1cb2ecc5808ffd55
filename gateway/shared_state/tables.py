"""The tables of the SQLite engine: their creation, and the migration from an older release.

This module owns the version of the file. It must never leave the tables half made, or change another program's database.
"""

import sqlite3
from pathlib import Path

from gateway.errors import StateFailed
from gateway.policy.session.session import Fingerprint
from gateway.revocations import Revocation
from gateway.shared_state.published import key_of, parts_of
from gateway.shared_state.serialization import serialized

VERSION = 2
_APPLICATION = 0x53474154

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
"""Triggers keep the totals up to date, so no process can forget it. A new ``id`` is larger than all earlier ones, so it gives the order."""

_FROM_VERSION_1 = """
ALTER TABLE about ADD COLUMN leases INTEGER NOT NULL DEFAULT 0;
DROP INDEX entry_key; DROP INDEX entry_age; DROP INDEX entry_ends;
DROP TRIGGER entry_added; DROP TRIGGER entry_gone; DROP TABLE total;
ALTER TABLE entry RENAME TO former;
"""
_MARKS = (f"PRAGMA application_id = {_APPLICATION}", f"PRAGMA user_version = {VERSION}", "COMMIT")


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables, or migrate those of version 1, in one transaction."""
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
        for mark in _MARKS:  # one by one, because ``executescript`` would commit first
            connection.execute(mark)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _from_version_1(row: tuple[str, bytes, bytes, float, float]) -> tuple[str, bytes, bytes, float, float]:
    """An entry of version 1 as an entry of version 2. Version 1 had an entry without a value for each revoked key."""
    kind, key, _, started_at, ends = row
    match kind:
        case "revoked.cookie":
            revocation = Revocation((Fingerprint(key),))
        case "revoked.unseen":
            revocation = Revocation((Fingerprint(key),), unseen=(Fingerprint(key),))
        case "revoked.session":
            revocation = Revocation(session_mark=key.decode("utf-8", "surrogatepass"))
        case "revoked.user":
            revocation = Revocation(user_id=key.decode("utf-8", "surrogatepass"))
        case _:
            return row
    (part,) = parts_of(revocation)
    written = serialized(part.revocation)
    return part.kind, key_of(written), written, started_at, ends


def check_version(connection: sqlite3.Connection, file: Path) -> None:
    """Raises ``StateFailed`` for a database of another program, or of a version that this release does not know."""
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
