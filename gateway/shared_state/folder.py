"""The folder of the SQLite engine: the check whether it can be used, and its creation.

A folder that is made here has mode 0700. This module also owns the texts about problems with the folder. The check must never create
anything.
"""

import os
from pathlib import Path

from gateway.shared_state.file_systems import file_system_of, is_network

FOLDER_MODE = 0o700
MOUNTS = Path("/proc/self/mounts")  # /proc/mounts is a link to this file, but it is hidden if systemd sets ProcSubset=pid


def folder_problem(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """Why the state cannot be stored in this folder, with a remedy. None if no problem can be seen without creating anything.

    ``mounts``: the file with the table of mounts.
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
    """Make the folder with mode 0700 if it is absent. Raises ``OSError``."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def _nearest(folder: Path) -> Path:
    """The path itself if it exists, else the nearest existing path above it, which may be something else than a folder."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def _read(mounts: Path) -> str:
    """The table of mounts; empty if this system has none."""
    try:
        return mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
