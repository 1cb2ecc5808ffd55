"""The type of the file system of a folder on Linux, and the list of network file systems, which SQLite cannot use.

SQLite's write-ahead log needs memory that all processes share, so it does not work on a network file system
(https://www.sqlite.org/wal.html). It must never access the disk. Sources: proc_pid_mounts(5), fstab(5).
"""

import re

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
