"""What one of four workers with SQLite costs on a core of its own, beside a worker that is alone with memory: CPU time per request.

Run: ``python -m tests.bench.worker_of_many [rounds]``. The measured worker has the first core to itself. The other three, the app and the
load have the last one. All workers accept on one port, and the kernel deals the connections out; so the load opens more than it needs,
looks up which worker accepted which, and keeps those of the measured worker. The other workers wait, as they would on cores of their own.

``workers_cost`` puts four workers on one core, which says what more processes than cores cost. This program says what sharing costs where
each worker has a core. Exits 1 where that is more than the limit, in the best round as well as in the median; 2 where nothing could be
measured.
"""

import asyncio
import os
import socket
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvloop

from tests.bench.proxies.arena import Arena, arena
from tests.bench.proxies.own import is_compiled
from tests.bench.proxies.processes import TICKS, NotRunning, found, pause, tree
from tests.bench.workers_cost import gateway, name_of

LIMIT = 0.03
ROUNDS, SECONDS, CONNECTIONS, WORKERS = 9, 3.0, 16, 4
TARGET = "/payroll/slips?month=3"
OK = b"HTTP/1.1 200 "


class RepeatedRequests(asyncio.Protocol):
    """One connection that asks again as soon as it is answered, until it is told to stop."""

    def __init__(self, message: bytes, until: float) -> None:
        """``until``: a second of the loop's clock."""
        self._message, self._until = message, until
        self._size = self._missing = self.answers = self.wrong = 0
        self._transport: asyncio.Transport | None = None
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has all of it, and is none
        self._transport.write(self._message)

    def data_received(self, data: bytes) -> None:
        """Count the answer once it is whole; all answers are of the same size."""
        if not self._missing:
            self._begin(data)
        self._missing -= len(data)
        if self._missing <= 0 and self._transport is not None:
            self.wrong += self._missing < 0
            self._missing = 0
            self.answers += 1
            if asyncio.get_running_loop().time() < self._until:
                self._transport.write(self._message)
            else:
                self._transport.close()

    def _begin(self, data: bytes) -> None:
        if not self._size:
            head = data.partition(b"\r\n\r\n")[0]
            self._size = len(head) + 4 + int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        self.wrong += not data.startswith(OK)
        self._missing = self._size

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if not self.over.done():
            self.over.set_result(None)


@dataclass(slots=True)
class WorkerFigures:
    """One gateway, its port, the worker that is measured and how many there are; and CPU microseconds for each answer, by round."""

    name: str
    port: int
    worker: int
    message: bytes
    costs: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    wrong: int = 0

    def measure(self, seconds: float) -> None:
        """One round."""
        sockets = list(connections_of(self.worker, self.port))
        before = _cpu_seconds(self.worker)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            answers, wrong = runner.run(_asked(sockets, self.message, seconds))
        self.costs.append((_cpu_seconds(self.worker) - before) / max(answers, 1) * 1e6)
        self.rates.append(answers / seconds)
        self.wrong += wrong


async def _asked(sockets: Sequence[socket.socket], message: bytes, seconds: float) -> tuple[int, int]:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    asking: list[RepeatedRequests] = []
    for one in sockets:
        _, protocol = await loop.create_connection(lambda: RepeatedRequests(message, until), sock=one)
        asking.append(protocol)
    async with asyncio.timeout(seconds + 10):
        await asyncio.gather(*(one.over for one in asking))
    return sum(one.answers for one in asking), sum(one.wrong for one in asking)


def connections_of(worker: int, port: int) -> Iterator[socket.socket]:
    """Connections to the port that this worker accepted; others are opened on the way, and closed."""
    left, deadline = CONNECTIONS, time.monotonic() + 30
    while left:
        if time.monotonic() > deadline:
            raise NotRunning(f"worker {worker} accepts no connections")
        opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
        pause(0.05)
        held = _held(worker)
        for one in opened:
            if left and _inode(port, one.getsockname()[1]) in held:
                left -= 1
                one.setblocking(False)
                yield one
            else:
                one.close()


def _held(pid: int) -> set[str]:
    return {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}


def _inode(port: int, client_port: int) -> str:
    """The server's end of a connection, as /proc names it; empty where nobody has accepted it."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[1].endswith(f":{port:04X}") and words[2].endswith(f":{client_port:04X}"):
            return f"socket:[{words[9]}]"
    return ""


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def _row(made: Arena, engine: str, workers: int) -> Iterator[WorkerFigures]:
    with gateway(made, f"{made.core},{made.load_core}", engine, workers) as (program, port):
        asked = made.system.signed_in(port)
        processes = list(tree(program.pid))
        worker = processes[-1]
        for process in processes:
            os.sched_setaffinity(process, {made.core if process == worker else made.load_core})
        row = WorkerFigures(name_of(engine, workers), port, worker, asked.message("GET", TARGET))
        row.measure(1.0)  # the worker has seen the session, and its connections to the app
        row.costs.clear()
        row.rates.clear()
        yield row


def main() -> int:
    """Measure, print, and return the exit status."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    cores = sorted(os.sched_getaffinity(0))
    if found("nginx") is None or len(cores) < 2:
        print("skipped: needs nginx and two cores")
        return 0
    print(f"the gateway is measured {'compiled' if is_compiled() else 'as Python: there is no compiled build of these sources'}")
    try:
        with arena(cores[0], cores[-1]) as made, ExitStack() as opened:
            rows = [opened.enter_context(_row(made, *kind)) for kind in (("memory", 1), ("sqlite", 1), ("sqlite", WORKERS))]
            for _ in range(rounds):
                for row in rows:
                    row.measure(SECONDS)
    except NotRunning as error:
        print(f"did not start: {error}")
        return 2
    for row in rows:
        print(
            f"  {row.name:18} {statistics.median(row.costs):6.2f} µs of CPU each ({min(row.costs):.2f} at best), "
            f"{statistics.median(row.rates):.0f}/s asked{f', {row.wrong} WRONG' if row.wrong else ''}"
        )
    status = [_held_to(rows[0], row) for row in rows[1:]]
    return 0 if all(status) and not any(row.wrong for row in rows) else 1


def _held_to(other: WorkerFigures, mine: WorkerFigures) -> bool:
    slower = statistics.median(more / less - 1 for less, more in zip(other.costs, mine.costs, strict=True))
    is_held = min(slower, min(mine.costs) / min(other.costs) - 1) <= LIMIT
    print(f"a worker of {mine.name} needs {slower:+.1%} CPU per request; limit {LIMIT:+.0%}: {'held' if is_held else 'BROKEN'}")
    return is_held


if __name__ == "__main__":
    sys.exit(main())
