"""Owns the smallest configuration that works, the keys for it, and the program, as a process or in this one. Checks nothing by itself."""

import asyncio
import base64
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner

from gateway.cli import main
from gateway.config import Settings, read
from gateway.errors import BadConfig
from tests.harness.forked import Forked, forked

SEAL_KEY = base64.b64encode(b"k" * 32).decode()
SEALED = {"SESSION_GATEWAY_SEAL_KEYS": SEAL_KEY}

PROGRAM = "import sys; sys.modules['rich'] = None; from gateway.cli import main; main()"
"""The command `session-gateway`, as Python code. `rich` is hidden: operators do not have it, and to import it takes a tenth of a start."""
NO_CERTIFICATES = {"SSL_CERT_FILE": os.devnull}
"""Trust no certificate of the system: no server of these tests has one, and to read them all takes another tenth of a start."""

OKTA = '[okta]\norg = "https://example.okta.com"\n'
LOGIN = '[login]\nurl = "https://login.example.com"\n'
APP = '[[app]]\nname = "hr"\nurl = "https://hr.example.com"\nupstream = "http://127.0.0.1:3000"\n'
SMALLEST = OKTA + LOGIN + APP


def settings(text: str = SMALLEST, environ: Mapping[str, str] = SEALED) -> Settings:
    """The settings of a text that stands in gateway.toml."""
    return read("gateway.toml", text, environ)


def problems(text: str, environ: Mapping[str, str] = SEALED) -> tuple[str, ...]:
    """What is wrong with it; empty when nothing is."""
    try:
        read("gateway.toml", text, environ)
    except BadConfig as error:
        return error.problems
    return ()


async def program(*arguments: str | Path, environ: Mapping[str, str] = SEALED) -> Process | Forked:
    """`session-gateway` with these arguments, in a process of its own. It is forked, unless its environment names a library to load."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SESSION_GATEWAY")}
    environ = {**inherited, **NO_CERTIFICATES, **environ}
    words = [*map(str, arguments)]
    if "LD_PRELOAD" in environ:
        return await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, *words, stdout=PIPE, stderr=PIPE, env=environ)
    return await forked(PROGRAM, words, environ)


async def finished(*arguments: str | Path, environ: Mapping[str, str] = SEALED) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command that ends by itself."""
    process = await program(*arguments, environ=environ)
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def invoked(*arguments: str | Path, environ: Mapping[str, str] = SEALED) -> tuple[int, str, str]:
    """Run a command in this process, and return the same as ``finished``. A new process would take a second to start.

    The command runs in a thread, so that the test can answer its requests meanwhile. Not for a `run`, `dev` or `org` that starts to serve:
    they handle signals, which only the main thread can do.
    """
    absent = dict.fromkeys(name for name in os.environ if name.startswith("SESSION_GATEWAY"))
    result = await asyncio.to_thread(CliRunner().invoke, main, [*map(str, arguments)], env={**absent, **environ}, catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr
