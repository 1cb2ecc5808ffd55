"""What it costs to bear witness of one request: its line in the log and its counts in the metrics, in microseconds.

Run: ``python -m tests.bench.witness``. The lines go into a pipe that another process reads, as under a service manager or a container's
runtime, so the writing is in the figures. Times are CPU time: medians of many rounds less an empty call, and beside each the general line,
which is what such a line costs without ``Log.access``. Exits 1 where line and counts together are over the limit; for that the quickest
round counts, so that a busy neighbour fails nobody.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from gateway.observe import Format, Log
from gateway.observe.metrics import Metrics
from tests.bench.proxies.microseconds import microseconds
from tests.observe.access_lines import access

LIMIT_MICROSECONDS = 3.0
ROUNDS, REPEATS = 50, 1000
FORMS: tuple[Format, ...] = ("json", "text")


def shown(name: str, work: Callable[[], object]) -> float:
    """Print what one call costs, and return it at best."""
    (empty, quick_empty), (median, quick) = microseconds(lambda: None, ROUNDS, REPEATS), microseconds(work, ROUNDS, REPEATS)
    print(f"{name:42} {median - empty:7.2f} µs, {quick - quick_empty:6.2f} at best")
    return quick - quick_empty


@contextmanager
def read_by_another() -> Iterator[TextIO]:
    """A pipe into a process that reads it."""
    reading, writing = os.pipe()
    with (
        open(writing, "w") as stream,
        open(reading) as source,
        subprocess.Popen(["cat"], stdin=source, stdout=subprocess.DEVNULL) as reader,
    ):
        source.close()
        yield stream
        stream.close()
        reader.wait()


def waits(seconds: float, call: Callable[[], None]) -> object:
    """A loop that is too busy for its timers: lines are written by their number."""
    return call


def cost_of_line(form: Format, stream: TextIO) -> float:
    """Print what lines of this form cost, and return the usual one at best."""
    log, numbers = Log("info", form, stream, later=waits), iter(range(sys.maxsize))

    def usual_line(peer: str = "192.0.2.1", client: str = "198.51.100.7", fingerprint: str = "0123456789ab") -> None:
        access(
            log,
            door="app",
            method="GET",
            app="hr",
            route="app",
            verdict="admit",
            reason="session",
            status=200,
            peer=peer,
            client=client,
            fingerprint=fingerprint,
            milliseconds=1.23456,
        )

    def from_a_stranger() -> None:
        number = next(numbers)
        usual_line(client=f"2001:db8::{number & 0xFFFF:x}:{number >> 16:x}", fingerprint=f"{number:012x}")

    words = {"door": "app", "method": "GET", "app": "hr", "route": "app", "verdict": "admit", "reason": "session", "status": 200}
    figures = {**words, "peer": "192.0.2.1", "client": "198.51.100.7", "fingerprint": "0123456789ab", "milliseconds": 1.23456}
    shown(f"{form} line, the general way", lambda: log.tell("request", figures))
    shown(f"{form} line, new client and session each time", from_a_stranger)
    usual = shown(f"{form} line", usual_line)
    log.close()
    if log.lost:
        print(f"{log.lost} lines found no room in the pipe")
    return usual


def cost_of_counts() -> float:
    """Print what the counts of a request cost, and return it at best."""
    metrics = Metrics()

    def count() -> None:
        metrics.request_started()
        metrics.answered("app", "admit", 200, 0.0012)

    return shown("counts", count)


def main() -> int:
    """Measure, print, and return the exit status."""
    counts = cost_of_counts()
    with read_by_another() as stream:
        line = max([cost_of_line(form, stream) for form in FORMS])
    off = Log("warning")
    shown("line above the level", lambda: access(off, door="app", status=200))
    is_good = line + counts < LIMIT_MICROSECONDS
    print(f"line and counts {line + counts:.2f} µs; limit {LIMIT_MICROSECONDS:.0f} µs: {'held' if is_good else 'BROKEN'}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
