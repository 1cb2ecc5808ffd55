"""Half load: requests that come by chance at a given rate, whether or not earlier ones are answered; wrk cannot do that.

Each request takes a connection that is idle at its moment. Its time runs from the moment before it is sent until the whole answer is
there; if no connection is idle, from the moment when it was due, so that a server that stalls is not spared (coordinated omission).
The generator is one thread on select(2), which waits in microseconds; ``MOST`` is what it can send without being late itself. Python's
collector is off meanwhile: its looks took 30 ms, behind which everything that was due was sent in one burst.
"""

import gc
import random
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.proxies.app_request import END, AppRequest

MOST = 24000.0
CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Paced:
    """Times to the answer in milliseconds, at ``rate`` requests a second; ``late``: the part that found no idle connection."""

    rate: float
    p50: float
    p99: float
    late: float


class _Pacer:
    """One run: connections, those of them that are idle, and when each request under way began."""

    def __init__(self, asked: AppRequest, port: int) -> None:
        self._message = asked.message()
        self._connections = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(CONNECTIONS)]
        self._by_number = {connection.fileno(): connection for connection in self._connections}
        self._began: dict[int, float] = {}
        self._idle = list(self._by_number)
        self._poll = select.epoll()
        self.times: list[float] = []
        self.late = 0
        for connection in self._connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._poll.register(connection.fileno(), select.EPOLLIN)

    def close(self) -> None:
        self._poll.close()
        for connection in self._connections:
            connection.close()

    def run(self, moments: Iterator[float]) -> None:
        """Ask at these moments, and wait for the last answer."""
        for due in moments:
            while (left := due - time.perf_counter()) > 0:
                self._read(left)
            started_at = time.perf_counter()
            if not self._idle:
                self.late, started_at = self.late + 1, due
                while not self._idle:
                    self._read(10.0)
            number = self._idle.pop()
            self._began[number] = started_at
            self._by_number[number].sendall(self._message)
        while self._began:
            self._read(10.0)

    def _read(self, seconds: float) -> None:
        if not select.select([self._poll], [], [], seconds)[0]:
            if seconds >= 10.0:
                raise TimeoutError("no answer in ten seconds")
            return
        now = time.perf_counter()
        for number, _ in self._poll.poll(0):
            received = self._by_number[number].recv(65536)
            if not received:
                raise ConnectionError("the server closed a connection in use")
            if received.endswith(END):
                self.times.append(now - self._began.pop(number))
                self._idle.append(number)


def _by_chance(rate: float, seconds: float) -> Iterator[float]:
    """Moments of a Poisson process; the same for everybody."""
    chance, moment = random.Random(3), time.perf_counter()
    end = moment + seconds
    while (moment := moment + chance.expovariate(rate)) < end:
        yield moment


def paced_load(asked: AppRequest, port: int, rate: float, seconds: float) -> Paced:
    """Ask at this rate for so long; the first fifth of the answers warms up and does not count."""
    pacer = _Pacer(asked, port)
    gc.disable()
    try:
        pacer.run(_by_chance(rate, seconds))
    finally:
        gc.enable()
        pacer.close()
    times = sorted(pacer.times[len(pacer.times) // 5 :])
    p50, p99 = (times[int(len(times) * part)] * 1e3 for part in (0.5, 0.99))
    return Paced(rate, p50, p99, pacer.late / len(pacer.times))
