"""What every command does alike at a terminal: the option for the configuration, the problems it prints, and the signals it obeys.

Owns the exit code of a refused command (1, with one line for each problem on standard error). Must never show a traceback for a problem
that the operator can solve.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click
import uvloop

from gateway.config import Settings, load
from gateway.errors import BadConfig

Result = TypeVar("Result")

config_option = click.option("--config", "file", type=click.Path(path_type=Path), required=True, help="The configuration, a TOML file.")


class CommandRefused(click.ClickException):
    """Ends a command with its problems, one line each, and exit code 1."""

    exit_code = 1

    def __init__(self, problems: tuple[str, ...]) -> None:
        """``problems``: one line for each."""
        super().__init__("; ".join(problems))
        self.problems = problems

    def show(self, file: Any = None) -> None:
        """Print the problems to standard error."""
        for problem in self.problems:
            click.echo(problem, err=True, file=file)


def settings_of(file: Path) -> Settings:
    """The settings in this file and the environment; ends the command with all problems if they cannot be used."""
    try:
        return load(file, os.environ)
    except BadConfig as error:
        raise CommandRefused(error.problems) from None


def until_done(work: Coroutine[Any, Any, Result]) -> Result:
    """Run the coroutine in an event loop, and return its result. A ``BadConfig`` ends the command with its problems."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except BadConfig as error:
        raise CommandRefused(error.problems) from None
    except KeyboardInterrupt:
        sys.exit(130)


def stop_signal() -> asyncio.Event:
    """An event that the first SIGTERM or SIGINT sets. A second signal ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stopped(restore: Callable[[signal.Signals], object]) -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(ValueError, RuntimeError):
                restore(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped, loop.remove_signal_handler)
    return stop
