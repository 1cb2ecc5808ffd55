"""One worker process: how it is started, and how it is made sure that it is dead.

Owns the process and its end of the channel. Must never leave a process behind that nobody waits for. Rules from: DESIGN section 7.
"""

import asyncio
import socket
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from gateway.config import Settings
from gateway.supervisor.channel import Channel
from gateway.supervisor.handover import KEEPER, Handover, own_command
from gateway.supervisor.sockets import Nameless, beside

DEAD_SECONDS = 2.0
"""How long a killed process may take to be gone. It runs no more code of ours long before."""


class WorkerProcess:
    """A running worker. End it with ``kill``, or wait for its end; either way ``wait`` must be called."""

    def __init__(self, process: Process, channel: Channel) -> None:
        """``channel``: the supervisor's end."""
        self._process = process
        self.channel = channel

    @classmethod
    async def started(cls, settings: Settings, number: int, public: socket.socket, keeper: Nameless, parent: int) -> "WorkerProcess":
        """A fresh interpreter with its sockets and settings; it has not said anything yet."""
        ours, theirs = socket.socketpair()
        own = beside(public)
        try:
            way = keeper.listening.fileno() if number == KEEPER else keeper.place
            given = Handover(settings, number, parent, theirs.fileno(), own.fileno(), way)
            command = (*own_command(), "worker", "--number", str(number))
            # A session of its own: Ctrl-C in a terminal is for the supervisor, which tells its workers in its own way.
            process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, pass_fds=(given.channel, given.public, given.keeper), start_new_session=True
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            own.close()
        made = cls(process, await Channel.on(ours))
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

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def wait(self) -> int:
        """The code with which it ended; a signal is a negative number."""
        return await self._process.wait()

    async def kill(self) -> None:
        """Returns when it answers nobody any more."""
        with suppress(ProcessLookupError):
            self._process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(DEAD_SECONDS):
                await self._process.wait()
