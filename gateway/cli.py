"""The command line: ``session-gateway`` and its commands.

Owns `run`, and which file holds each other command. Must never import a command's file before it is used: the stand-in org alone takes
4 MB of memory.
"""

import asyncio
import base64
import json
import secrets
import signal
import sys
from importlib import import_module
from pathlib import Path

import click

from gateway import __version__, clock
from gateway.config import Config, Settings
from gateway.config.environment import KEY_BYTES
from gateway.errors import BadConfig
from gateway.observe import Log, take_over_logging
from gateway.terminal import CommandRefused, config_option, settings_of, stop_signal, until_done
from gateway.workers import Handover, Supervisor, alone, read, work

_ELSEWHERE = {
    **dict.fromkeys(("check", "hook", "sign-out"), "gateway.commands.command_line"),
    **dict.fromkeys(("dev", "org"), "gateway.dev.command_line"),
}
"""The commands that this file does not hold, and the file of each."""

_HOW = "" if clock.__file__.endswith(".py") else " (compiled)"
"""Added to the version: whether this is the compiled build (``deploy/compiled.py``)."""


class Commands(click.Group):
    """The commands. Those of ``_ELSEWHERE`` are imported when they are used, or listed by ``--help``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *_ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None if there is none."""
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(_ELSEWHERE[cmd_name]), cmd_name.replace("-", "_"))
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__ + _HOW, prog_name="session-gateway")
def main() -> None:
    """A gateway that ends the old Okta session, proves it, and only then lets a sessionToken through."""


@main.command()
@config_option
def run(file: Path) -> None:
    """Run the gateway until SIGTERM or SIGINT; running requests may end within listen.drain. SIGHUP reads the configuration again."""
    settings = settings_of(file)
    log = Log(settings.config.log.level, settings.config.log.format)
    take_over_logging(log)
    for warning in settings.warnings:
        log.write("warning", "config", {"problem": warning})
    if settings.config.listen.workers == 1:
        until_done(_alone(settings, log))
    else:
        until_done(_supervised(settings, log))


@main.command(hidden=True)
@click.option("--number", default=0, help="Which worker this is; for those who look at the list of processes.")
def worker(number: int) -> None:
    """One of the processes of `run`, which starts it and gives it everything."""
    try:
        given = read(sys.stdin.buffer)
    except BadConfig as error:
        raise CommandRefused(error.problems) from None
    log = Log(given.settings.config.log.level, given.settings.config.log.format, always={"worker": given.number})
    take_over_logging(log)
    until_done(_worked(given, log))


@main.command()
def keygen() -> None:
    """Print a new seal key; put it before the old ones, so that what those have sealed stays readable."""
    click.echo(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii"))


@main.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    click.echo(json.dumps(Config.model_json_schema(by_alias=True), indent=2))


async def _alone(settings: Settings, log: Log) -> None:
    await alone(settings, log, stop_signal())


async def _supervised(settings: Settings, log: Log) -> None:
    supervisor = Supervisor(settings, log, stop_signal())
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, supervisor.reload)
    await supervisor.run()


async def _worked(given: Handover, log: Log) -> None:
    await work(given, log, stop_signal())
