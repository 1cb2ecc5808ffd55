"""A temporary folder for the state that workers share, if the configuration names no folder.

Owns a private folder (mode 0700) that exists as long as the supervisor, which holds a lock on it. Must never leave it behind. If a
supervisor was killed, the next one deletes its folder: it deletes all such folders of the same user that no process has locked.
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
    """The settings for workers: unchanged, or with a folder that exists until the end of the block.

    ``temporary``: where it is made; None: in the system's folder for temporary files. Raises ``BadConfig`` if it cannot be made.
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

    The lock protects the folder from other supervisors, and from systemd's clean-up of temporary files (tmpfiles.d(5), "Age").
    """
    for _ in range(_TRIES):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=above))
        lock = _locked(folder, fcntl.LOCK_SH)
        if lock is not None and folder.is_dir():  # else another starting supervisor deleted it before it was locked
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
    """A descriptor that holds the lock; None if the folder does not exist, is not a folder, or is locked by another process."""
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
