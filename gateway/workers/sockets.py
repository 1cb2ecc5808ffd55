"""The sockets of the workers: the public port, which they share, and one Unix socket per worker for the supervisor's questions.

Owns how several processes share one port (``SO_REUSEPORT``: the kernel distributes the connections), and how a Unix socket is made that
has no name. Such a socket is bound in a new folder that is deleted at once. So only the process that made it can connect to it, and
nothing is left on the disk, however this process ends.
Must never share the port with another program: the port is first bound without ``SO_REUSEPORT``.
Rules from: socket(7), unix(7), open(2) on ``O_PATH``.
"""

import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.compose.addresses import bind
from gateway.edge.server import BACKLOG
from gateway.errors import BadConfig


def reserved(address: str, problem: Callable[[str], str]) -> socket.socket:
    """A socket that is bound to this address and never listens: it reserves the port. Raises ``BadConfig`` if the port is in use.

    The port is first bound without ``SO_REUSEPORT``. With it, a second gateway of the same user could bind the port too, and would get
    half of the clients.
    """
    if not sys.platform.startswith("linux"):
        raise BadConfig((problem("more than one worker needs Linux, whose kernel deals connections out; use 1"),))
    with bind(address, problem) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return bound_again(alone)


def bound_again(reserved_one: socket.socket) -> socket.socket:
    """Another socket at the same address, for one worker."""
    made = socket.socket(reserved_one.family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if made.family == socket.AF_INET6:
            only = reserved_one.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        made.bind(reserved_one.getsockname())
    except OSError:
        made.close()
        raise
    return made


@dataclass(frozen=True, slots=True)
class UnnamedSocket:
    """A listening Unix socket without a name. It outlives the workers that get it. ``descriptor``: the descriptor to connect through."""

    listening: socket.socket
    descriptor: int

    @property
    def path(self) -> str:
        """The path with which this process connects to it."""
        return path_of(self.descriptor)

    @classmethod
    def made(cls) -> "UnnamedSocket":
        """A new one. Raises ``OSError`` if the temporary folder cannot be made."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with tempfile.TemporaryDirectory(prefix="session-gateway-") as folder, _opened(folder) as short:
                listening.bind(f"{short}/admin")
                listening.listen(BACKLOG)
                return cls(listening, os.open(f"{short}/admin", os.O_PATH | os.O_CLOEXEC))
        except BaseException:
            listening.close()
            raise

    def close(self) -> None:
        """Close it. After this, nobody can connect."""
        self.listening.close()
        os.close(self.descriptor)


@contextmanager
def _opened(folder: str) -> Iterator[str]:
    """A short path to this folder: the path of a Unix socket has at most 108 bytes, and the folder's own path may be longer."""
    opened = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        yield path_of(opened)
    finally:
        os.close(opened)


def path_of(descriptor: int) -> str:
    """The path to the file or folder that this descriptor was opened on; valid in this process only."""
    return f"/proc/self/fd/{descriptor}"
