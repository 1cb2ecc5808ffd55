"""The mapped counter: a number in a memory-mapped file beside the database. It changes whenever a revocation was published.

The file has 8 bytes and mode 0600. Each writer puts a new random number there, so readers only compare it with the last one; no number
comes twice. It must never truncate the file: a process that reads a mapped page after the end of its file is killed (SIGBUS).
"""

import mmap
import os
from contextlib import suppress
from pathlib import Path

FILE_NAME = "state.counter"
FILE_MODE = 0o600
_BYTES = 8


class Counter:
    """The mapped number in ``file``; ``cell[0]`` reads it. Close it with ``close``."""

    def __init__(self, folder: Path) -> None:
        """Raises ``OSError`` if the file cannot be made or mapped."""
        self.file = folder / FILE_NAME
        self._map, self.cell, self._inode = _mapped(self.file)

    def change(self) -> None:
        """Write another number, for every process that has this file open. If the file was replaced, write to the new one too."""
        number = os.urandom(_BYTES)
        self._map[:_BYTES] = number
        if self.remap():
            self._map[:_BYTES] = number

    def remap(self) -> bool:
        """If the file was deleted or replaced, map the current one and return True; ``cell`` is then a new object."""
        with suppress(OSError):  # if it cannot be made now, the old mapping stays in use, and the next call tries again
            if not self._is_there():
                before = self._map, self.cell
                self._map, self.cell, self._inode = _mapped(self.file)
                _close(*before)
                return True
        return False

    def close(self) -> None:
        """Unmap the file."""
        _close(self._map, self.cell)

    def _is_there(self) -> bool:
        try:
            return os.stat(self.file).st_ino == self._inode
        except FileNotFoundError:
            return False


def _mapped(file: Path) -> tuple[mmap.mmap, memoryview, int]:
    opened = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    try:
        found = os.fstat(opened)
        if found.st_size < _BYTES:
            os.pwrite(opened, bytes(_BYTES), 0)  # written and not only extended, so that a full disk fails here and not at a later store
        mapped = mmap.mmap(opened, _BYTES)
        return mapped, memoryview(mapped).cast("Q"), found.st_ino
    finally:
        os.close(opened)


def _close(mapped: mmap.mmap, cell: memoryview) -> None:
    cell.release()
    mapped.close()
