"""The folder of the SQLite engine: the check whether it can be used, and its creation.

A folder that is made here has mode 0700. This module also owns the texts about problems with the folder. The check must never create
anything.

SQLite's write-ahead log needs memory that all processes share, so it does not work on a network file system
(https://www.sqlite.org/wal.html). Sources: proc_pid_mounts(5), fstab(5).
"""

import os
import re
from pathlib import Path

NETWORK_FILE_SYSTEMS = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "coda", "ncpfs"),
        *("ceph", "glusterfs", "lustre", "beegfs", "gpfs", "ocfs2", "gfs2", "orangefs", "pvfs2"),
        *("sshfs", "s3fs", "gcsfuse", "rclone", "davfs", "davfs2", "curlftpfs", "cephfs", "moosefs", "juicefs", "blobfuse", "blobfuse2"),
    )
)
"""The names that the kernel uses. A file system in user space has the name ``fuse.NAME`` there."""

_ESCAPED = re.compile(r"\\([0-7]{3})")


def file_system_of(path: str, mounts: str) -> str | None:
    """The type of the file system of ``path``, such as "ext4"; None if no line of ``mounts`` matches.

    ``path``: absolute, without links. ``mounts``: the text of ``/proc/mounts``. The deepest mount point counts. If several mounts have the
    same point, the last one counts, because it covers the others.
    """
    found, depth = None, -1
    for line in mounts.splitlines():
        words = line.split(" ")
        if len(words) < 3:
            continue
        point = _ESCAPED.sub(lambda escape: chr(int(escape[1], 8)), words[1])
        below = point if point.endswith("/") else point + "/"
        if (path + "/").startswith(below) and len(below) >= depth:
            found, depth = words[2], len(below)
    return found


def is_network(file_system: str) -> bool:
    """Whether other machines can write to a file system of this type."""
    return file_system.removeprefix("fuse.").lower() in NETWORK_FILE_SYSTEMS


FOLDER_MODE = 0o700
MOUNTS = Path("/proc/self/mounts")  # /proc/mounts is a link to this file, but it is hidden if systemd sets ProcSubset=pid


def folder_problem(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """Why the state cannot be stored in this folder, with a remedy. None if no problem can be seen without creating anything.

    ``mounts``: the file with the table of mounts.
    """
    existing = _nearest(folder.absolute())
    if not existing.is_dir():
        return f"{folder}: cannot be made, because {existing} is no folder; name another one"
    if not os.access(existing, os.W_OK | os.X_OK):
        why = "cannot be written" if existing == folder.absolute() else f"cannot be made, because {existing} cannot be written"
        return f"{folder}: {why}; give the gateway's user the right to, or name another one"
    kind = file_system_of(os.path.realpath(existing), _read(mounts))
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
