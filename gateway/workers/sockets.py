"""The sockets of workers: the public port, which they share, and one Unix socket each, on which the supervisor asks them.

Owns how one port is had by several processes (``SO_REUSEPORT``: the kernel deals connections out), and a Unix socket without a name: it is
made in a folder of its own that is gone at once, so only the process that made it can connect, and nothing is left on the disk
however this process ends. Must never share the port with a stranger: it is taken alone first.
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
    """A socket at this address that never listens, so that the port is ours; `BadConfig` where somebody else has it.

    The port is taken without ``SO_REUSEPORT`` first, because with it a second gateway of the same user would get the port too, and half
    of the clients.
    """
    if not sys.platform.startswith("linux"):
        raise BadConfig((problem("more than one worker needs Linux, whose kernel deals connections out; use 1"),))
    with bind(address, problem) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return beside(alone)


def beside(reserved_one: socket.socket) -> socket.socket:
    """One more socket at the same address, for one worker."""
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
class Nameless:
    """A Unix socket that listens, and outlives the workers to which it is given. ``place``: the descriptor by which one connects."""

    listening: socket.socket
    place: int

    @property
    def path(self) -> str:
        """The path by which this process connects to it."""
        return path_of(self.place)

    @classmethod
    def made(cls) -> "Nameless":
        """A new one. Raises ``OSError`` where no folder can be made for a moment."""
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
        """Nobody can connect any more."""
        self.listening.close()
        os.close(self.place)


@contextmanager
def _opened(folder: str) -> Iterator[str]:
    """Another path to this folder, short enough for the address of a socket (108 bytes) wherever the folder lies."""
    opened = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        yield path_of(opened)
    finally:
        os.close(opened)


def path_of(place: int) -> str:
    """A path to what this descriptor of this process was opened on."""
    return f"/proc/self/fd/{place}"
