"""One long body in each direction: how fast it goes through, and what the contestant's memory does meanwhile."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.proxies.app_request import AppRequest
from tests.bench.proxies.processes import Program
from tests.bench.proxies.well import forget, head_of, length_of, pour

FIRST = 64 << 20
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Bulk:
    """Gigabytes a second, and by how many megabytes the memory rose above what it was after a first, small body."""

    gigabytes_per_second: float
    grown: float


class _Watch:
    """Looks at a program's memory until the ``with`` ends; ``most`` is the largest that it saw."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.first = self.most = program.resident_bytes()

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.most = max(self.most, self._program.resident_bytes())


def download(asked: AppRequest, port: int, count: int) -> None:
    """Get a body of so many bytes, whole."""
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(asked.message("GET", f"/long/{count}"))
        head, already = head_of(connection)
        if length_of(head) != count:
            raise ConnectionError(f"not the body that was asked for: {head[:200]!r}")
        forget(connection, count - already)


def upload(asked: AppRequest, port: int, count: int) -> None:
    """Send a body of so many bytes, and wait for the answer."""
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(asked.message("POST", "/long/upload", ("Content-Length", str(count)), ("Origin", "https://hr.example.com")))
        pour(connection, count)
        head, _ = head_of(connection)
        if b" 200 " not in head[:20]:
            raise ConnectionError(f"the upload was refused: {head[:200]!r}")


def bulk(program: Program, carry: Callable[[int], None], count: int) -> Bulk:
    """Carry a small body, then ``count`` bytes, and watch."""
    carry(min(FIRST, count))
    with _Watch(program) as watch:
        started_at = time.perf_counter()
        carry(count)
        seconds = time.perf_counter() - started_at
    return Bulk(count / seconds / 1e9, (watch.most - watch.first) / 1e6)
