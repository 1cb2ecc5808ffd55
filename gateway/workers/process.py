"""One worker process, as the supervisor sees it: it starts the process, reads its messages, and makes sure that it ends.

Owns the process and the supervisor's end of the socket pair. On that socket the worker sends bytes that say that it waits or listens
(``handover.WAITS``, ``handover.LISTENS``), at its end its last metrics; then the stream ends.
Must never leave a zombie, a process whose end was not waited for.
"""

import asyncio
import signal
import socket
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from gateway.config import Settings
from gateway.workers.handover import Handover, own_command, settings_written
from gateway.workers.sockets import bound_again

DEAD_SECONDS = 2.0
"""How long to wait for the end of a killed process. It runs no more of our code long before."""


class WorkerProcess:
    """A running worker. It ends by itself or by ``kill``; in both cases ``wait`` must be called."""

    def __init__(self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """``reader`` and ``writer``: the supervisor's end of the socket pair. It is closed with the process."""
        self._process = process
        self._reader = reader
        self._writer = writer
        self._is_stopping = False

    @classmethod
    async def started(cls, settings: Settings, number: int, public: socket.socket, admin: socket.socket, parent: int) -> "WorkerProcess":
        """Start a new interpreter and give it its sockets and settings. It has sent nothing yet."""
        ours, theirs = socket.socketpair()
        own = bound_again(public)
        try:
            given = Handover(settings, number, parent, theirs.fileno(), own.fileno(), admin.fileno())
            command = (*own_command(), "worker", "--number", str(number))
            # A session of its own: Ctrl-C in a terminal must reach only the supervisor, which then sends SIGTERM to its workers.
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
            with suppress(OSError):  # the process died at once; ``wait`` reports it
                into.write(given.written())
                await into.drain()
                into.close()
                await into.wait_closed()

    async def message(self) -> bytes:
        """Wait for the worker's next message while it starts: ``WAITS`` or ``LISTENS``; empty if the worker has ended."""
        with suppress(OSError):
            return await self._reader.read(1)
        return b""

    async def last_metrics(self) -> str:
        """Wait until the worker closes its end of the socket: its last metrics, or an empty text if it was killed."""
        with suppress(OSError):
            return (await self._reader.read()).decode()
        return ""

    def stop(self) -> None:
        """Send SIGTERM: the worker drains and ends. Sent only once, because a second SIGTERM would end it at once."""
        if not self._is_stopping:
            self._is_stopping = True
            self._signal(signal.SIGTERM)

    def reload(self, settings: Settings) -> None:
        """Send new settings to the worker. A worker that is starting uses them when it listens."""
        if not self._writer.is_closing():
            self._writer.write(settings_written(settings))

    async def wait(self) -> int:
        """Wait for the end of the process: its exit code, or the negative number of the signal that ended it."""
        return await self._process.wait()

    async def kill(self) -> None:
        """Kill the process, and wait until it has ended, at most ``DEAD_SECONDS``."""
        self._signal(signal.SIGKILL)
        with suppress(TimeoutError):
            async with asyncio.timeout(DEAD_SECONDS):
                await self._process.wait()
        self._writer.close()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
