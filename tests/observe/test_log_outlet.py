"""How lines reach standard error: in batches, in order, and without ever blocking the gateway."""

import asyncio
import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.observe import Level, Log
from gateway.observe.outlet import LARGEST_BACKLOG, LARGEST_BATCH, Outlet, never, on_the_loop
from gateway.observe.sinks import LARGEST_WRITE, StreamSink
from tests.observe.access_lines import access

PATIENCE = 30.0


@dataclass
class Alarm:
    """Calls later when the test says that it is later."""

    waiting: list[Callable[[], None]] = field(default_factory=list)

    def later(self, seconds: float, call: Callable[[], None]) -> object:
        """Remember the call."""
        self.waiting.append(call)
        return call

    def ring(self) -> None:
        """Make all calls that wait, not those that they ask for."""
        calls, self.waiting = self.waiting, []
        for call in calls:
            call()


@dataclass
class Moody:
    """A sink that takes what the test says: so many bytes of each write, none (0), or breaks (an error)."""

    moods: Iterator[int | OSError]
    taken: bytearray = field(default_factory=bytearray)
    largest: int = 0

    def take(self, lines: bytes) -> int:
        """What the next mood says; everything when there is none left."""
        self.largest = max(self.largest, len(lines))
        mood = next(self.moods, len(lines))
        if isinstance(mood, OSError):
            raise mood
        self.taken += lines[:mood]
        return min(mood, len(lines))

    def wait(self, seconds: float) -> None:
        """Its mood changes with every try."""

    def close(self) -> None:
        """Nothing was opened."""


def _lost(lost: int) -> str:
    return f"lost {lost}\n"


def _access(log: Log, status: int) -> None:
    access(log, door="app", status=status)


def _told(text: str) -> list[object]:
    return [line.get("status", line["event"]) for line in map(json.loads, text.splitlines())]


def test_lines_about_requests_wait_for_each_other_and_for_a_moment_only() -> None:
    stream, alarm = io.StringIO(), Alarm()
    log = Log(stream=stream, later=alarm.later)
    for status in (200, 201, 202):
        _access(log, status)
    assert (stream.getvalue(), len(alarm.waiting)) == ("", 1)
    alarm.ring()
    assert _told(stream.getvalue()) == [200, 201, 202]
    _access(log, 203)
    assert len(alarm.waiting) == 1
    log.flush()
    assert _told(stream.getvalue())[3:] == [203]


def test_many_lines_do_not_wait() -> None:
    stream, alarm = io.StringIO(), Alarm()
    log = Log(stream=stream, later=alarm.later)
    for status in range(LARGEST_BATCH + 1):
        _access(log, status)
    assert _told(stream.getvalue()) == list(range(LARGEST_BATCH))


def test_any_other_line_is_written_at_once_and_in_its_order() -> None:
    stream, alarm = io.StringIO(), Alarm()
    log = Log(stream=stream, later=alarm.later)
    _access(log, 200)
    log.failure("request_failed", LookupError())
    assert _told(stream.getvalue()) == [200, "request_failed"]


def test_without_a_loop_every_line_is_written_at_once() -> None:
    stream = io.StringIO()
    _access(Log(stream=stream, later=on_the_loop), 200)
    assert _told(stream.getvalue()) == [200]


async def test_on_a_loop_lines_are_written_soon() -> None:
    written = asyncio.Event()

    class FlushedStream(io.StringIO):
        def flush(self) -> None:
            written.set()

    stream = FlushedStream()
    log = Log(stream=stream, later=on_the_loop)
    _access(log, 200)
    assert stream.getvalue() == ""
    async with asyncio.timeout(PATIENCE):
        await written.wait()
    assert _told(stream.getvalue()) == [200]


def test_closing_writes_what_waits_and_what_comes_later() -> None:
    stream, alarm = io.StringIO(), Alarm()
    log = Log(stream=stream, later=alarm.later)
    _access(log, 200)
    log.close()
    _access(log, 201)
    assert _told(stream.getvalue()) == [200, 201]


def test_lines_from_other_threads_and_from_within_a_write_are_kept() -> None:
    taken: list[str] = []

    class ReenteredStream(io.StringIO):
        def write(self, lines: str) -> int:
            taken.append(lines)
            if len(taken) == 1:
                outlet.now("from within\n")
                other = threading.Thread(target=outlet.now, args=("from a thread\n",))
                other.start()
                other.join()
            return len(lines)

    outlet = Outlet(StreamSink(ReenteredStream()), never, _lost)
    outlet.now("first\n")
    assert "".join(taken) == "first\nfrom within\nfrom a thread\n"


moods = st.lists(st.one_of(st.integers(0, 30), st.just(10_000), st.builds(OSError, st.just(28), st.just("full"))), max_size=60)


@given(moods=moods, sizes=st.lists(st.integers(1, 40), max_size=60))
def test_whatever_the_sink_does_lines_come_whole_in_order_or_are_counted(moods: list[int | OSError], sizes: list[int]) -> None:
    sink = Moody(iter(moods))
    outlet = Outlet(sink, never, _lost)
    lines = [f"line {number:03d} {'x' * size}" for number, size in enumerate(sizes)]
    for line in lines:
        outlet.now(line + "\n")
    sink.moods = iter(())
    outlet.flush()
    outlet.flush()
    *written, rest = sink.taken.decode().split("\n")
    assert rest == ""
    whole = [line for line in written if line in lines]
    assert whole == sorted(whole)
    said = [int(line.removeprefix("lost ")) for line in written if line.startswith("lost ") and line[5:].isdigit()]
    assert said == sorted(said)
    assert (said or [0])[-1] == outlet.lost
    assert len(lines) - len(whole) <= outlet.lost


def test_a_reader_that_stands_still_gets_the_oldest_lines_and_is_told_how_many_it_missed() -> None:
    sink, alarm = Moody(iter([0] * 10_000)), Alarm()
    outlet = Outlet(sink, alarm.later, _lost)
    line = "x" * 999 + "\n"
    fitting = LARGEST_BACKLOG // len(line)
    for _ in range(fitting + 7):
        outlet.now(line)
    assert outlet.lost == 7
    sink.moods = iter(())
    alarm.ring()
    outlet.now("next\n")
    assert sink.taken.decode() == line * fitting + "lost 7\nnext\n"
    assert sink.largest <= LARGEST_WRITE


def test_a_line_longer_than_a_write_is_written_in_pieces() -> None:
    sink = Moody(iter(()))
    Outlet(sink, never, _lost).now("x" * 3 * LARGEST_WRITE + "\n")
    assert sink.taken.decode() == "x" * 3 * LARGEST_WRITE + "\n"
    assert sink.largest == LARGEST_WRITE


def test_a_lost_line_leaves_no_half_of_it_in_the_next() -> None:
    sink = Moody(iter([3, OSError(28, "full")]))
    outlet = Outlet(sink, never, _lost)
    outlet.now("first\n")
    outlet.now("second\n")
    assert sink.taken == b"fir\nlost 1\nsecond\n"


class Disk(io.StringIO):
    """A stream that can be full."""

    is_full = False

    def write(self, lines: str) -> int:
        """An error while it is full."""
        if self.is_full:
            raise OSError(28, "full")
        return super().write(lines)


@pytest.mark.parametrize(("level", "said"), [("info", True), ("error", False)])
def test_how_many_were_lost_is_a_line_of_the_log(level: Level, said: bool) -> None:
    disk = Disk()
    log = Log(level, stream=disk, always={"worker": 2})
    disk.is_full = True
    log.write("error", "first")
    disk.is_full = False
    log.write("error", "second")
    assert log.lost == 1
    lines = [json.loads(line) for line in disk.getvalue().splitlines()]
    assert [line["event"] for line in lines] == (["log_lines_lost", "second"] if said else ["second"])
    if said:
        assert (lines[0]["level"], lines[0]["worker"], lines[0]["lost"]) == ("warning", 2, 1)


def test_a_stream_that_was_closed_or_never_was_loses_lines_and_raises_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    for sink in (StreamSink(stream), StreamSink(None)):
        outlet = Outlet(sink, never, _lost)
        outlet.now("first\n")
        outlet.close()
        outlet.now("second\n")
        assert outlet.lost == 2
