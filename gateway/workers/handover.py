"""What a new worker is given: the settings that the supervisor read, its number, and its sockets.

Owns the way they travel: through the standard input of the new process, which nobody else can read or write. So a worker that is replaced
runs by the same configuration and the same keys as the others, whatever has become of the files. Must never be taken from anywhere but the
process that started this one.
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
"""What a worker writes to its supervisor when it listens."""
WAITS = b"w"
"""What it writes before that, again and again, while the shared state is away."""


@dataclass(frozen=True, slots=True)
class Handover:
    """``life``, ``public`` and ``admin``: descriptors of sockets. ``life`` ends with the supervisor; the others are to be listened on."""

    settings: Settings
    number: int
    parent: int
    life: int
    public: int
    admin: int

    def written(self) -> bytes:
        """For ``read``."""
        return pickle.dumps(self)


def settings_written(settings: Settings) -> bytes:
    """New settings for a worker that runs: their length, and then they."""
    text = pickle.dumps(settings)
    return len(text).to_bytes(_LENGTH, "big") + text


async def settings_read(life: asyncio.StreamReader) -> Settings | None:
    """The next settings that the supervisor sends; None where it is gone."""
    try:
        text = await life.readexactly(int.from_bytes(await life.readexactly(_LENGTH), "big"))
    except (asyncio.IncompleteReadError, OSError):
        return None
    found = pickle.loads(text)  # noqa: S301 - as below
    return found if isinstance(found, Settings) else None


def read(source: BinaryIO) -> Handover:
    """What the supervisor wrote; `BadConfig` where a person has called the command."""
    if source.isatty():
        raise BadConfig(("worker: is started by `session-gateway run` where listen.workers is more than 1",))
    try:
        given = pickle.loads(source.read())  # noqa: S301 - the pipe of our own parent, which could as well start another program
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError) as error:
        raise BadConfig(("worker: was not started by a `session-gateway run` of the same version",)) from error
    if not isinstance(given, Handover):
        raise BadConfig(("worker: was not started by a `session-gateway run` of the same version",))
    return given


def die_with(parent: int) -> None:
    """End this process with its parent, even while it is stopped or busy and hears of nothing (prctl(2), PR_SET_PDEATHSIG)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def own_command() -> tuple[str, ...]:
    """How this very program was started, less what it was asked to do: a worker is started in the same way."""
    asked = len(sys.argv) - 1
    return (sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - asked])
