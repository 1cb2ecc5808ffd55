"""Kinds of standard error: a pipe without a reader, a reader that left, a full disk, the journal's socket, or no standard error at all."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gateway.observe.outlet import LARGEST_BACKLOG, Outlet, never
from gateway.observe.sinks import DescriptorSink

LINE = "x" * 99 + "\n"
PATIENCE = 30.0


@contextmanager
def _outlet(descriptor: int) -> Iterator[Outlet]:
    sink = DescriptorSink(descriptor)
    try:
        yield Outlet(sink, never, lambda lost: f"lost {lost}\n")
    finally:
        sink.close()


@contextmanager
def _ends(kind: str) -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe() if kind == "pipe" else (end.detach() for end in socket.socketpair())
    try:
        yield reading, writing
    finally:
        for end in (reading, writing):
            with suppress(OSError):
                os.close(end)


def _drained(reading: int) -> str:
    os.set_blocking(reading, False)
    pieces = []
    with suppress(BlockingIOError):
        while piece := os.read(reading, LARGEST_BACKLOG):
            pieces.append(piece)
    return b"".join(pieces).decode()


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_reader_that_stands_still_stops_nobody_and_misses_nothing_but_what_is_counted(kind: str) -> None:
    with _ends(kind) as (reading, writing), _outlet(writing) as outlet:
        lines = 0
        while not outlet.lost:
            outlet.now(LINE)
            lines += 1
        assert lines * len(LINE) > LARGEST_BACKLOG
        received = ""
        while piece := _drained(reading):
            received += piece
            outlet.flush()
        assert received == LINE * (lines - 1) + "lost 1\n"


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_others_who_share_the_descriptor_see_no_change(kind: str) -> None:
    with _ends(kind) as (_, writing), _outlet(writing) as outlet:
        outlet.now(LINE)
        assert os.get_blocking(writing)


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_reader_that_left_is_no_error_of_ours(kind: str) -> None:
    with _ends(kind) as (reading, writing), _outlet(writing) as outlet:
        os.close(reading)
        outlet.now(LINE)
        outlet.close()
        assert outlet.lost == 1


def test_a_full_disk_is_no_error_of_ours() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with _outlet(full) as outlet:
        outlet.now(LINE)
        outlet.now(LINE)
        assert outlet.lost == 2
    os.close(full)


def test_a_file_is_shared_with_whoever_else_writes_to_it(tmp_path: Path) -> None:
    shared = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    with _outlet(shared) as outlet:
        outlet.now("first\n")
        os.write(shared, b"somebody else\n")
        outlet.now("second\n")
    os.close(shared)
    assert (tmp_path / "log").read_text() == "first\nsomebody else\nsecond\n"


def test_nothing_is_written_to_a_descriptor_that_was_given_back() -> None:
    with _ends("pipe") as (reading, writing):
        with _outlet(writing) as outlet:
            pass
        outlet.now(LINE)
        assert outlet.lost == 1
        assert _drained(reading) == ""


WRITES = """
import asyncio
from gateway.observe import Log
log = Log()
async def main():
    for number in range({lines}):
        log.requests.tell(("app", "", "", "", "", ""), number, "", "", "", "", 1.0)
asyncio.run(main())
{then}
"""


def _program(lines: int, then: str = "") -> list[str]:
    return [sys.executable, "-c", WRITES.format(lines=lines, then=then)]


@pytest.mark.parametrize(("then", "exit_status"), [("", 0), ("raise SystemExit(3)", 3), ("import os; log.flush(); os._exit(4)", 4)])
def test_a_process_ends_with_all_lines_written(then: str, exit_status: int) -> None:
    ended = subprocess.run(_program(3, then), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == exit_status
    assert [f'"status": {number}' in line for number, line in enumerate(ended.stderr.splitlines())] == [True] * 3


def test_a_process_ends_though_nobody_reads_what_it_writes() -> None:
    with _ends("pipe") as (_, writing):
        ended = subprocess.run(_program(20_000), stderr=writing, timeout=PATIENCE, check=False)
    assert ended.returncode == 0


def test_a_process_without_standard_error_runs() -> None:
    shell = ["sh", "-c", 'exec "$@" 2>&-', "sh", *_program(3, "log.flush(); print(log.lost)")]
    ended = subprocess.run(shell, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (ended.returncode, ended.stdout) == (0, "3\n")
