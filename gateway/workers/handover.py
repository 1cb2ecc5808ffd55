"""The handover: what the supervisor gives to a new worker, namely the settings, the worker's number, and its sockets.

It is sent through the standard input of the new process, which no other process can read or write. The worker does not read the
configuration files: so a replaced worker has the same configuration and the same keys as the others, even if the files have changed.
Must never be accepted from any process but the one that started this one: it is unpickled, so its sender can run any code.
"""

import asyncio
import ctypes
import os
import pickle
import signal
import sys
from dataclasses import dataclass
from typing import BinaryIO

from gateway.config import Settings
from gateway.errors import BadConfig

_PR_SET_PDEATHSIG = 1
_LENGTH = 4
LISTENS = b"L"
"""A worker writes this to its supervisor when it listens."""
WAITS = b"w"
"""A worker writes this repeatedly before it listens, while the shared state cannot be reached."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What a new worker gets. ``life``, ``public``, ``admin``: descriptors of sockets. ``parent``: the process id of the supervisor.

    ``life``: the socket pair to the supervisor; it is closed when the supervisor ends. The worker listens on the two others.
    """

    settings: Settings
    number: int
    parent: int
    life: int
    public: int
    admin: int

    def written(self) -> bytes:
        """The bytes that ``read`` reads."""
        return pickle.dumps(self)


def settings_written(settings: Settings) -> bytes:
    """The message with new settings for a running worker: the length (4 bytes), then the settings."""
    text = pickle.dumps(settings)
    return len(text).to_bytes(_LENGTH, "big") + text


async def settings_read(life: asyncio.StreamReader) -> Settings | None:
    """Wait for the next settings from the supervisor; None if the supervisor has ended."""
    try:
        text = await life.readexactly(int.from_bytes(await life.readexactly(_LENGTH), "big"))
    except (asyncio.IncompleteReadError, OSError):
        return None
    found = pickle.loads(text)  # noqa: S301 - as below
    return found if isinstance(found, Settings) else None


def read(source: BinaryIO) -> Handover:
    """The handover that the supervisor wrote. Raises ``BadConfig`` if a person has started the command ``worker``."""
    if source.isatty():
        raise BadConfig(("worker: is started by `session-gateway run` where listen.workers is more than 1",))
    try:
        given = pickle.loads(source.read())  # noqa: S301 - the pipe of our own parent, which could start any other program as well
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError) as error:
        raise BadConfig(("worker: was not started by a `session-gateway run` of the same version",)) from error
    if not isinstance(given, Handover):
        raise BadConfig(("worker: was not started by a `session-gateway run` of the same version",))
    return given


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, even while it is stopped or busy (prctl(2), PR_SET_PDEATHSIG)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def own_command() -> tuple[str, ...]:
    """The command line of this process without its arguments (interpreter, options, script). A worker is started with the same one."""
    argument_count = len(sys.argv) - 1
    return (sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - argument_count])
