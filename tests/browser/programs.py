"""Owns programs that a test starts beside itself: each is the first of a process group, which ends with it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

_END_SECONDS, _MOMENT_SECONDS = 5.0, 0.03


@asynccontextmanager
async def running(*command: str | Path, environ: Mapping[str, str], output: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program; ``output`` is its standard output, its complaints are beside it. At the end it and all that it started are ended."""
    with output.open("wb") as said, output.with_suffix(".errors").open("wb") as complained:
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **environ}, stdout=said, stderr=complained, start_new_session=True
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        except TimeoutError:
            pass
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def text_of(file: Path, process: asyncio.subprocess.Process, seconds: float) -> str:
    """What is in the file, once there is something; `AssertionError` when the program ends first or the time is over."""
    async with asyncio.timeout(seconds):
        while not (file.exists() and file.read_text().strip()):
            await is_alive_still(process)
    return file.read_text().strip()


async def is_alive_still(process: asyncio.subprocess.Process) -> None:
    """Give it a moment to become ready; `AssertionError` when it ends instead."""
    with suppress(TimeoutError):
        raise AssertionError(f"it ended with {await asyncio.wait_for(process.wait(), _MOMENT_SECONDS)}")
