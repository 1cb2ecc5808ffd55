"""The folder for the state that workers share, where the configuration names none.

Owns a private folder (0700) that lives as long as the supervisor, which holds a lock on it. Must never leave it behind: where a supervisor
was killed, the next one deletes what no living one has locked.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.config import Settings
from gateway.errors import BadConfig
from gateway.shared_state import folder_problem

PREFIX = "session-gateway-state-"
_TRIES = 5


@contextmanager
def settings_with_state(settings: Settings, temporary: Path | None = None) -> Iterator[Settings]:
    """The settings for workers: as they are, or with a folder that is there until the end. `BadConfig` where there can be none.

    ``temporary``: where the folder is made; the system's folder for temporary files where none is given.
    """
    if not settings.needs_state_folder:
        yield settings
        return
    try:
        above = temporary or Path(tempfile.gettempdir())
        _delete_abandoned(above)
        folder, lock = _made(above)
    except OSError as error:
        raise _bad(settings, f"is missing, and there is no folder for temporary files ({error.strerror})") from error
    try:
        problem = folder_problem(folder)
        if problem is not None:
            raise _bad(settings, problem)
        yield settings.with_state_in(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _made(above: Path) -> tuple[Path, int]:
    """A new folder, and the descriptor that holds its lock.

    Whoever cleans up folders for temporary files leaves alone what is locked: another supervisor, and systemd (tmpfiles.d(5), "Age").
    """
    for _ in range(_TRIES):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=above))
        lock = _locked(folder, fcntl.LOCK_SH)
        if lock is not None and folder.is_dir():  # else another supervisor that begins just now took it for abandoned
            return folder, lock
        if lock is not None:
            os.close(lock)
    raise OSError(errno.ENOLCK, "no lock to be had on it")


def _delete_abandoned(above: Path) -> None:
    for folder in above.glob(PREFIX + "*"):
        lock = _locked(folder, fcntl.LOCK_EX)
        if lock is not None:
            if os.fstat(lock).st_uid == os.geteuid():
                shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _locked(folder: Path, how: int) -> int | None:
    """A descriptor that holds the lock; None where the folder is gone, is none, or is locked by another process."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(opened, how | fcntl.LOCK_NB)
        except OSError:
            os.close(opened)
            raise
        return opened
    return None


def _bad(settings: Settings, why: str) -> BadConfig:
    return BadConfig((settings.problem(("state", "directory"), f"{why}; name a folder on a local disk"),))
