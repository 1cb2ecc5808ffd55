"""The command `session-gateway` as processes that are forked from one that has imported it. The imports are most of a start.

Owns that process, the template, and what the tests see of its children. A child has arguments, environment, folder and outputs of its own,
obeys signals, and starts its workers as programs. Its parent is the template. Checks nothing by itself.
"""

import asyncio
import atexit
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from gateway.cli import main

_LARGEST_ORDER = 1 << 20
_DESCRIPTORS = 1 << 16
"""More than the template has open."""
_TEMPLATE = "import sys; sys.modules['rich'] = None; from tests.harness.forked import be_template; be_template(int(sys.argv[1]))"


class _Report(asyncio.Protocol):
    """Two lines from the template: the process id of a child, and later how it ended."""

    def __init__(self) -> None:
        self.pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._text = b""

    def data_received(self, data: bytes) -> None:
        self._text += data
        if not self.pid.done() and b"\n" in self._text:
            self.pid.set_result(int(self._text.split()[0]))

    def connection_lost(self, _: Exception | None) -> None:
        if not self.code.done():
            self.code.set_result(int(self._text.split()[1]))


class _Output(asyncio.StreamReaderProtocol):
    """Closes the pipe at its end, as asyncio's own protocol of a program's outputs does."""

    def eof_received(self) -> bool:
        super().eof_received()
        return False


@dataclass(frozen=True)
class Forked:
    """A child of the template. It has that part of the interface of ``asyncio.subprocess.Process`` which the tests use."""

    pid: int
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader
    code: asyncio.Future[int]

    @property
    def returncode(self) -> int | None:
        """Its exit code, or the signal that ended it as a negative number; None while it runs."""
        return self.code.result() if self.code.done() else None

    async def wait(self) -> int:
        """Wait until it has ended, and return ``returncode``."""
        return await asyncio.shield(self.code)

    async def communicate(self) -> tuple[bytes, bytes]:
        """Wait until it has ended, and return the rest of its outputs."""
        out, err, _ = await asyncio.gather(self.stdout.read(), self.stderr.read(), self.wait())
        return out, err

    def send_signal(self, number: int) -> None:
        """Send it a signal. Raises ``ProcessLookupError`` if it has ended."""
        if self.code.done():
            raise ProcessLookupError
        os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


async def forked(program: str, arguments: Sequence[str], environ: Mapping[str, str]) -> Forked:
    """Run the command. ``program``: the Python code of the same command, with which the process starts its workers."""
    pipes = [os.pipe() for _ in range(3)]
    order = {"program": program, "arguments": arguments, "environ": dict(environ), "folder": os.getcwd()}
    socket.send_fds(_template(), [json.dumps(order).encode()], [writing for _, writing in pipes])
    for _, writing in pipes:
        os.close(writing)
    (out, _), (err, _), (reports, _) = pipes
    _, report = await asyncio.get_running_loop().connect_read_pipe(_Report, os.fdopen(reports, "rb", 0))
    stdout, stderr = await _reader(out), await _reader(err)
    return Forked(await report.pid, stdout, stderr, report.code)


async def _reader(pipe: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: _Output(reader), os.fdopen(pipe, "rb", 0))
    return reader


@cache
def _template() -> socket.socket:
    """The socket to the template, which ends when this process does."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        command = [sys.executable, "-c", _TEMPLATE, str(its.fileno())]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[its.fileno()])
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


def be_template(descriptor: int) -> None:
    """Fork for each order and report of each child, until the tests have ended. In a child, be the command and end as it does."""
    import_module("gateway.workers.command_line")
    gc.freeze()
    orders, waiting = socket.socket(fileno=descriptor), selectors.DefaultSelector()
    waiting.register(orders, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.data is not None:
                waiting.unregister(key.fd)
                os.close(key.fd)
                ended, report = key.data
                _tell(report, os.waitstatus_to_exitcode(os.waitpid(ended, 0)[1]))
                os.close(report)
                continue
            text, pipes, *_ = socket.recv_fds(orders, _LARGEST_ORDER, 3)
            if not text:
                return
            if not (pid := os.fork()):
                waiting.close()
                orders.close()
                _be_command(json.loads(text), *pipes[:2])
            out, err, report = pipes
            os.close(out)
            os.close(err)
            _tell(report, pid)
            waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, report))


def _tell(report: int, number: int) -> None:
    with suppress(BrokenPipeError):  # the test is over, and nobody reads
        os.write(report, b"%d\n" % number)


def _be_command(order: Mapping[str, Any], out: int, err: int) -> None:
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.closerange(3, _DESCRIPTORS)  # all that the template holds: a pipe ends when its last holder closes it
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    sys.argv = ["-c", *order["arguments"]]
    sys.orig_argv = [sys.executable, "-c", order["program"], *order["arguments"]]
    main()
