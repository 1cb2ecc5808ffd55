"""Owns programs in Node: scripts of this folder that use npm's clients unchanged, each with a deadline.

A script gets its arguments as one JSON object. One that is asked prints one JSON line at its end; one that serves prints its port first.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).with_name("node")
MODULES = SCRIPTS.parents[1] / "browser" / "npm" / "node_modules"
RECIPE = SCRIPTS.parents[2] / "deploy" / "portal-express" / "portal.js"
SECONDS = 40.0
_NAMES = SCRIPTS / "names.cjs"


class Node:
    """Runs scripts."""

    def __init__(self, program: str) -> None:
        """``program``: the path of Node."""
        self._program = program
        self._running: list[asyncio.subprocess.Process] = []

    async def ask(self, script: str, **arguments: object) -> Any:
        """What a script printed; the test fails with what it complained about where it failed."""
        process = await self._start(script, arguments)
        async with asyncio.timeout(SECONDS):
            out, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return json.loads(out.decode().splitlines()[-1])

    async def serve(self, script: str, **arguments: object) -> int:
        """The port of a script that serves until the test ends."""
        process = await self._start(script, arguments)
        assert process.stdout is not None and process.stderr is not None
        async with asyncio.timeout(SECONDS):
            line = await process.stdout.readline()
            assert line, (await process.stderr.read()).decode()
        return int(line)

    async def run_recipe(self, **environ: str) -> str:
        """Start deploy/portal-express as its README says, and return the first line that it prints."""
        process = await asyncio.create_subprocess_exec(
            *(self._program, "--require", str(_NAMES), str(RECIPE)),
            env={**os.environ, "NODE_PATH": str(MODULES), **environ},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._running.append(process)
        assert process.stdout is not None and process.stderr is not None
        async with asyncio.timeout(SECONDS):
            line = await process.stdout.readline()
            assert line, (await process.stderr.read()).decode()
        return line.decode()

    async def aclose(self) -> None:
        """End every program."""
        for process in self._running:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def _start(self, script: str, arguments: dict[str, object]) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(self._program, "--no-deprecation", "--require", str(_NAMES), str(SCRIPTS / script), json.dumps(arguments)),
            env={**os.environ, "NODE_PATH": str(MODULES), "NODE_NO_WARNINGS": "1", "PORTAL_RECIPE": str(RECIPE)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._running.append(process)
        return process
