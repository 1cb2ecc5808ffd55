"""One worker process: how it is started, what it says of its life, and how it is made sure that it is dead.

Owns the process and the supervisor's end of its socket pair: bytes say that it waits or listens, what follows are its last metrics, and
the end of the stream says that it is gone. Must never leave a process behind that nobody waits for.
"""

import asyncio
import signal
import socket
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from gateway.config import Settings
from gateway.workers.handover import Handover, own_command, settings_written
from gateway.workers.sockets import beside

DEAD_SECONDS = 2.0
"""How long a killed process may take to be gone. It runs no more code of ours long before."""


class WorkerProcess:
    """A running worker. End it with ``kill``, or wait for its end; either way ``wait`` must be called."""

    def __init__(self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The streams: the supervisor's end of the socket pair. It is closed with the process."""
        self._process = process
        self._reader = reader
        self._writer = writer
        self._is_stopping = False

    @classmethod
    async def started(cls, settings: Settings, number: int, public: socket.socket, admin: socket.socket, parent: int) -> "WorkerProcess":
        """A fresh interpreter with its sockets and settings; it has not said anything yet."""
        ours, theirs = socket.socketpair()
        own = beside(public)
        try:
            given = Handover(settings, number, parent, theirs.fileno(), own.fileno(), admin.fileno())
            command = (*own_command(), "worker", "--number", str(number))
            # A session of its own: Ctrl-C in a terminal is for the supervisor, which tells its workers in its own way.
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, pass_fds=(given.life, given.public, given.admin), start_new_session=True
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            own.close()
        made = cls(process, *await asyncio.open_unix_connection(sock=ours))
        await made._hand_over(given)
        return made

    async def _hand_over(self, given: Handover) -> None:
        into = self._process.stdin
        if into is not None:
            with suppress(OSError):  # it died at once: ``wait`` says so
                into.write(given.written())
                await into.drain()
                into.close()
                await into.wait_closed()

    async def word(self) -> bytes:
        """What the worker says next of its start, ``WAITS`` or ``LISTENS``; empty where it is gone."""
        with suppress(OSError):
            return await self._reader.read(1)
        return b""

    async def last_words(self) -> str:
        """Returns when the worker is gone: its last metrics, or nothing where it was killed."""
        with suppress(OSError):
            return (await self._reader.read()).decode()
        return ""

    def stop(self) -> None:
        """Ask the worker to drain and end, once: a second signal would end it at once."""
        if not self._is_stopping:
            self._is_stopping = True
            self._signal(signal.SIGTERM)

    def reload(self, settings: Settings) -> None:
        """Have the worker take these settings over; one that is starting does so when it listens."""
        if not self._writer.is_closing():
            self._writer.write(settings_written(settings))

    async def wait(self) -> int:
        """The code with which it ended; a signal is a negative number."""
        return await self._process.wait()

    async def kill(self) -> None:
        """Returns when it answers nobody any more."""
        self._signal(signal.SIGKILL)
        with suppress(TimeoutError):
            async with asyncio.timeout(DEAD_SECONDS):
                await self._process.wait()
        self._writer.close()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
