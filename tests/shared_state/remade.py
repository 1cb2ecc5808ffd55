"""Processes that work on one SQLite state while its file is deleted: ``python -m tests.shared_state.remade FOLDER NUMBER``.

Each publishes a revocation and tries a claim for every number, and then waits until it has heard those of the others. Owns these processes.
Checks nothing by itself.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.clock import Clock
from gateway.errors import StateFailed
from gateway.revocations import Remembered, Revocation
from gateway.shared_state import SqliteState
from tests.harness.polling import moment
from tests.shared_state.engines import until

WORKERS, NUMBERS, DELETIONS = 3, 400, 15
_PAUSE_SECONDS = 0.1
_HEARD_SECONDS = 20.0


@dataclass(frozen=True)
class Found:
    """Which claims each process won, and how many revocations of others it heard."""

    won: list[list[int]]
    heard: list[int]


async def at_work(folder: Path, seconds: float) -> Found:
    """Start all, and delete the file again and again while they work."""
    command = [sys.executable, "-m", __spec__.name, str(folder)]
    workers = [
        subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        for number in range(WORKERS)
    ]
    try:
        # Who begins while nobody has noticed yet makes a new file, and cannot know what was claimed in the one before.
        await until(lambda: len(list(folder.glob("follows-*"))) == WORKERS)
        for _ in range(DELETIONS):
            await until((folder / "state.db").exists)
            await moment(_PAUSE_SECONDS)
            (folder / "state.db").unlink()
        said = [json.loads((await asyncio.to_thread(worker.communicate, None, seconds))[0]) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    return Found([one["won"] for one in said], [one["heard"] for one in said])


async def _work(folder: Path, who: int) -> None:
    heard, won = set[str](), list[int]()
    state = SqliteState(folder, Clock(), _told)

    def hear(remembered: Remembered) -> None:
        name = remembered.revocation.session_mark
        if name is not None and not name.startswith(f"{who}-"):
            heard.add(name)

    await state.follow(hear)
    (folder / f"follows-{who}").touch()
    for number in range(NUMBERS):
        await _until_done(state, number, who, won)
        await moment(0.002)
    ends = time.monotonic() + _HEARD_SECONDS
    while len(heard) < (WORKERS - 1) * NUMBERS and time.monotonic() < ends:
        await moment(0.01)
        state.poll()
    await asyncio.to_thread(sys.stdin.read)  # nothing is deleted any more
    sys.stdout.write(json.dumps({"won": won, "heard": len(heard)}))
    await state.aclose()


async def _until_done(state: SqliteState, number: int, who: int, won: list[int]) -> None:
    """Publish and claim, however often that fails; nothing has changed then."""
    is_published = False
    while True:
        try:
            if not is_published:
                await state.publish(Revocation(session_mark=f"{who}-{number}"))
            is_published = True
            if await state.claim("ticket", b"%d" % number, 3600.0):
                won.append(number)
        except StateFailed:
            await moment(0.01)
        else:
            return


def _told(event: str, figures: Mapping[str, object]) -> None:
    sys.stderr.write(f"{event} {dict(figures)}\n")


if __name__ == "__main__":
    asyncio.run(_work(Path(sys.argv[1]), int(sys.argv[2])))
