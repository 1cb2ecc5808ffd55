"""One of several processes on one SQLite state, for tests: ``python -m tests.shared_state.one_process ROLE FOLDER COUNT PIPE…``.

A publisher writes a number to every reader as soon as ``publish`` has returned, and waits for an answer; a reader looks the revocation up
at once. By hand with more: ``python -m tests.shared_state.one_process all FOLDER 100000`` prints how many look-ups missed.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from gateway.clock import Clock
from gateway.policy.session.session import Fingerprint
from gateway.revocations import LocalRevocations, Revocation, SharedRevocations
from gateway.shared_state import SqliteState

READERS = 3


def mark(number: int) -> Fingerprint:
    """The fingerprint of the cookie that is revoked with this number."""
    return Fingerprint(b"%016d" % number)


def tell(event: str, figures: Mapping[str, object]) -> None:
    """A state that has something to tell here failed."""
    raise AssertionError((event, figures))


async def _opened(folder: Path) -> tuple[SqliteState, SharedRevocations]:
    state = SqliteState(folder, Clock(), tell)
    revocations = SharedRevocations(LocalRevocations(Clock().monotonic), state)
    await revocations.follow()
    return state, revocations


async def publish(folder: Path, count: int, pipes: list[tuple[int, int]]) -> None:
    """Publish ``count`` revocations; each reader is told, and has looked, before the next."""
    state, revocations = await _opened(folder)
    for _, answered in pipes:
        os.read(answered, 1)  # it follows
    for number in range(count):
        await revocations.publish(Revocation((mark(number),)))
        for told, _ in pipes:
            os.write(told, number.to_bytes(4))
        for _, answered in pipes:
            os.read(answered, 1)
    for told, _ in pipes:
        os.close(told)
    await state.aclose()


async def look(folder: Path, told: int, answered: int, publishes: bool) -> int:
    """How many of the revocations were not in force when their number came. ``publishes``: some of its own too, as the others do."""
    state, revocations = await _opened(folder)
    misses = 0
    os.write(answered, b"f")
    # Nothing else runs in this process while it waits: only the look-up itself can hear what was published.
    while number := os.read(told, 4):
        misses += not revocations.has_cookie((mark(int.from_bytes(number)),))
        os.write(answered, b"l")
        if publishes:
            await revocations.publish(Revocation((Fingerprint(os.urandom(16)),)))
    await state.aclose()
    return misses


def start(role: str, folder: Path, count: int, *pipes: int) -> "subprocess.Popen[str]":
    """The process; it inherits these pipes."""
    command = [sys.executable, "-m", __spec__.name, role, str(folder), str(count), *map(str, pipes)]
    return subprocess.Popen(command, pass_fds=pipes, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def missed(folder: Path, count: int, seconds: float) -> list[int]:
    """How many revocations each of three readers missed, of so many."""
    readers, ends = [], list[int]()
    with ExitStack() as opened:
        for number in range(READERS):
            (read_told, write_told), (read_answer, write_answer) = os.pipe(), os.pipe()
            role = "look" if number else "look and publish"
            readers.append(opened.enter_context(start(role, folder, count, read_told, write_answer)))
            os.close(read_told)
            os.close(write_answer)
            ends.extend((write_told, read_answer))
        publisher = opened.enter_context(start("publish", folder, count, *ends))
        for end in ends:
            os.close(end)
        try:
            assert publisher.wait(seconds) == 0
            return [int(reader.communicate(timeout=seconds)[0]) for reader in readers]
        finally:
            for process in (publisher, *readers):
                process.kill()


def main(role: str, folder: Path, count: int, pipes: list[int]) -> None:
    """Play this role."""
    match role:
        case "publish":
            asyncio.run(publish(folder, count, list(zip(pipes[::2], pipes[1::2], strict=True))))
        case "all":
            sys.stdout.write(f"{missed(folder, count, 3600.0)}\n")
        case _:
            sys.stdout.write(f"{asyncio.run(look(folder, pipes[0], pipes[1], role != 'look'))}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), [int(pipe) for pipe in sys.argv[4:]])
