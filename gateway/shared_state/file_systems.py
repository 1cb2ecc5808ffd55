"""Which file system a folder lies on, as Linux tells it, and which ones SQLite cannot use.

Owns the reading of ``/proc/mounts`` and the list of network file systems. Must never touch the disk. SQLite's write-ahead log needs memory
that all processes share, so it does not work over a network file system (https://www.sqlite.org/wal.html).
Rules from: proc_pid_mounts(5), fstab(5).
"""

import re

NETWORK_FILE_SYSTEMS = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "coda", "ncpfs"),
        *("ceph", "glusterfs", "lustre", "beegfs", "gpfs", "ocfs2", "gfs2", "orangefs", "pvfs2"),
        *("sshfs", "s3fs", "gcsfuse", "rclone", "davfs", "davfs2", "curlftpfs", "cephfs", "moosefs", "juicefs", "blobfuse", "blobfuse2"),
    )
)
"""By the names that the kernel gives them; those in user space stand there as ``fuse.NAME``."""

_ESCAPED = re.compile(r"\\([0-7]{3})")


def file_system_of(path: str, mounts: str) -> str | None:
    """The type of the file system that ``path`` lies on, such as "ext4"; None where no line of ``mounts`` says so.

    ``path``: absolute, without links. ``mounts``: the text of ``/proc/mounts``. The deepest mount point counts, and of several mounts at
    one point the last: it covers the others.
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
