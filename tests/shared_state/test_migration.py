"""A file of version 1 is changed in place: what it kept is kept, and several processes may find it at once."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gateway.clock import Clock
from gateway.policy.session.session import Fingerprint
from gateway.revocations import Remembered, Revocation
from gateway.shared_state import SqliteState
from gateway.shared_state.tables import VERSION
from tests.harness.clock import WALL
from tests.shared_state.engines import StateClock, kept, not_told, opened

ONE, OTHER = Fingerprint(b"1" * 16), Fingerprint(b"2" * 16)

_VERSION_1 = """
CREATE TABLE about (epoch TEXT NOT NULL);
INSERT INTO about VALUES ('0123456789abcdef');
CREATE TABLE entry (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, began REAL NOT NULL, ends REAL NOT NULL
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
PRAGMA application_id = 0x53474154;
PRAGMA user_version = 1;
"""
_ENTRIES = (
    ("record", b"a", b"sealed", 60.0),
    ("revoked.cookie", ONE, b"", 43_200.0),
    ("revoked.unseen", OTHER, b"", 43_200.0),
    ("ticket", b"t", b"", 60.0),
    ("revoked.session", b"102abc", b"", 43_200.0),
    ("revoked.user", "00uä".encode(), b"", 43_200.0),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One with a file as the release before made it."""
    database = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    database.executescript(_VERSION_1)
    for kind, key, value, seconds in _ENTRIES:
        database.execute(
            "INSERT INTO entry (kind, key, value, began, ends) VALUES (?, ?, ?, ?, ?)", (kind, key, value, WALL - 5.0, WALL - 5.0 + seconds)
        )
    database.close()
    return tmp_path


async def test_everything_that_was_kept_is_kept(folder: Path) -> None:
    async with opened("sqlite", folder, StateClock()) as state:
        assert state.epoch == "0123456789abcdef"
        assert await state.get("record", b"a") == b"sealed" and not await state.claim("ticket", b"t", 60.0)
        assert await kept(state) == [
            Remembered(Revocation((ONE,)), 5.0),
            Remembered(Revocation((OTHER,), unseen=(OTHER,)), 5.0),
            Remembered(Revocation(session_mark="102abc"), 5.0),
            Remembered(Revocation(user_id="00uä"), 5.0),
        ]
        assert await state.lease([b"k"], b"owner", 10.0) is not None
    with sqlite3.connect(folder / "state.db") as database:
        assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        totals = dict(database.execute("SELECT kind, entries FROM total"))
        assert totals == dict(database.execute("SELECT kind, count(*) FROM entry GROUP BY kind"))
    database.close()


async def test_a_change_that_breaks_off_leaves_the_old_file_as_it_was(folder: Path) -> None:
    database = sqlite3.connect(folder / "state.db", isolation_level=None)
    database.execute("INSERT INTO entry (kind, key, value, began, ends) VALUES ('revoked.session', x'ff', '', 0, 1)")
    before = database.execute("SELECT * FROM entry ORDER BY id").fetchall()
    with pytest.raises(UnicodeDecodeError):
        SqliteState(folder, Clock(), not_told)
    assert database.execute("PRAGMA user_version").fetchone() == (1,)
    assert database.execute("SELECT * FROM entry ORDER BY id").fetchall() == before
    database.close()


async def test_of_several_that_open_it_at_once_one_changes_it(folder: Path) -> None:
    states = await asyncio.gather(*(asyncio.to_thread(_opened_and_closed, folder) for _ in range(4)))
    assert states == ["0123456789abcdef"] * 4


def _opened_and_closed(folder: Path) -> str:
    state = SqliteState(folder, Clock(), not_told)
    asyncio.run(state.aclose())
    return state.epoch
