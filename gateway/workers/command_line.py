"""The command `run`, and `worker`, which is one of the processes that `run` starts."""

import asyncio
import signal
import sys
from pathlib import Path

import click

from gateway.config import Settings
from gateway.errors import BadConfig
from gateway.observe import Log, take_over_logging
from gateway.terminal import CommandRefused, config_option, settings_of, stop_signal, until_done
from gateway.workers.alone import alone
from gateway.workers.handover import Handover, read
from gateway.workers.supervisor import Supervisor
from gateway.workers.worker import work


@click.command()
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


@click.command(hidden=True)
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


async def _alone(settings: Settings, log: Log) -> None:
    await alone(settings, log, stop_signal())


async def _supervised(settings: Settings, log: Log) -> None:
    supervisor = Supervisor(settings, log, stop_signal())
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, supervisor.reload)
    await supervisor.run()


async def _worked(given: Handover, log: Log) -> None:
    await work(given, log, stop_signal())
