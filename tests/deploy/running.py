"""A program of deploy/ as a process: what it says on standard error is read until it is ready. Checks nothing by itself."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from tests.harness.configuration import PROGRAM

PATIENCE_SECONDS = 60.0
OWN_PROGRAM = (sys.executable, "-c", PROGRAM)


@asynccontextmanager
async def running(command: Sequence[str], ready: bytes, environ: Mapping[str, str]) -> AsyncIterator[tuple[Process, bytes]]:
    """The process, and the line with ``ready`` in it, from either of its outputs; at the end it is asked to stop and waited for."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SESSION_GATEWAY")}
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=asyncio.subprocess.STDOUT, env={**inherited, **environ})
    assert process.stdout is not None
    said: list[bytes] = []
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not said or ready not in said[-1]:
                said.append(await process.stdout.readline())
                assert said[-1] != b"", b"".join(said).decode()
        rest = asyncio.create_task(process.stdout.read(), name="the rest of what it says")
        yield process, said[-1]
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await process.wait()
    await rest


def listening_at(line: bytes) -> str:
    """The public address in a gateway's line of JSON."""
    return str(json.loads(line)["address"])
