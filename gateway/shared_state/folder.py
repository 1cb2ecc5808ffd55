"""The folder of a state that lies on the disk: whether it can be used, and how it is made.

Owns its mode (0700 where it is made here) and the sentences about what is wrong with it. Must never make anything while it only looks.
"""

import os
from pathlib import Path

from gateway.shared_state.file_systems import file_system_of, is_network

FOLDER_MODE = 0o700
MOUNTS = Path("/proc/self/mounts")  # /proc/mounts leads here, and is hidden where systemd sets ProcSubset=pid


def folder_problem(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """Why a state cannot be kept in this folder, with a remedy; None where it can, as far as one can see without making anything.

    ``mounts``: the table of mounts, where it is not the system's own.
    """
    place = _nearest(folder.absolute())
    if not place.is_dir():
        return f"{folder}: cannot be made, because {place} is no folder; name another one"
    if not os.access(place, os.W_OK | os.X_OK):
        why = "cannot be written" if place == folder.absolute() else f"cannot be made, because {place} cannot be written"
        return f"{folder}: {why}; give the gateway's user the right to, or name another one"
    kind = file_system_of(os.path.realpath(place), _read(mounts))
    if kind is not None and is_network(kind):
        return f"{folder}: lies on a network file system ({kind}), where SQLite loses entries; name a folder on a local disk"
    return None


def make_folder(folder: Path) -> None:
    """Make it, for its owner alone, where it is absent. Raises ``OSError`` where that cannot be."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def _nearest(folder: Path) -> Path:
    """The folder itself, or where it is absent the one above it that exists, or what stands there in place of a folder."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def _read(mounts: Path) -> str:
    """The table of mounts; empty where this system has none."""
    try:
        return mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
