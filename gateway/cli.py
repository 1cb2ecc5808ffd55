"""The command line: ``session-gateway`` and its commands.

Owns what is printed, the exit codes (0; or 1 with one line for each problem on standard error), and the signals.
Must never show a traceback for a problem that the operator can solve, and never leave something half started.
"""

import asyncio
import base64
import json
import os
import secrets
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import click
import uvloop

from gateway import __version__, clock
from gateway.clock import Clock
from gateway.compose import (
    ask_apps,
    ask_oidc,
    ask_org,
    ask_state,
    okta_admin,
    okta_settings,
    order_sign_out,
    user_of,
)
from gateway.config import Config, Settings, advice, load
from gateway.config.environment import KEY_BYTES
from gateway.dev.command import Demonstration, Wishes, port_taken
from gateway.dev.standin import ALICE_AND_BOB, QUIRKS, Engine, Org, User, made_context, serve
from gateway.errors import BadConfig
from gateway.observe import Log, take_over_logging
from gateway.workers import Handover, Supervisor, alone, read, work

Result = TypeVar("Result")

_config = click.option("--config", "file", type=click.Path(path_type=Path), required=True, help="The configuration, a TOML file.")
_engine = click.option("--engine", type=click.Choice(["classic", "identity"]), default="classic", show_default=True, help="Okta's engine.")
_quirks = click.option(
    "--quirk", "quirks", multiple=True, type=click.Choice(sorted(QUIRKS)), help="A bad habit of real orgs; may be repeated."
)
_trusted_origins = click.option(
    "--trusted-origin", "trusted_origins", multiple=True, metavar="ORIGIN", help="An origin that the org trusts; may be repeated."
)
_users = click.option("--user", "users", multiple=True, metavar="LOGIN[:PASSWORD]", help="One more user; may be repeated.")


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


_HOW = "" if clock.__file__.endswith(".py") else " (compiled)"
"""Added to the version: whether this is the compiled build (``deploy/compiled.py``)."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__ + _HOW, prog_name="session-gateway")
def main() -> None:
    """A gateway that ends the old Okta session, proves it, and only then lets a sessionToken through."""


@main.command()
@_config
def run(file: Path) -> None:
    """Run the gateway until SIGTERM or SIGINT; running requests may end within listen.drain. SIGHUP reads the configuration again."""
    settings = _settings(file)
    log = Log(settings.config.log.level, settings.config.log.format)
    take_over_logging(log)
    for warning in settings.warnings:
        log.write("warning", "config", {"problem": warning})
    if settings.config.listen.workers == 1:
        _until_done(_alone(settings, log))
    else:
        _until_done(_supervised(settings, log))


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
    _until_done(_worked(given, log))


@main.command()
@_config
@click.option("--online", is_flag=True, help="Ask the org, the apps and Redis too.")
@click.option("--as", "user_file", type=click.Path(path_type=Path), help="With --online: a file with login and password of a test user.")
@click.option("--okta", is_flag=True, help="Print what to enter in Okta's admin console and in DNS.")
def check(file: Path, online: bool, user_file: Path | None, okta: bool) -> None:
    """Say everything that is wrong with a configuration, each with its place; exit code 1 if anything is."""
    settings = _settings(file)
    for warning in settings.warnings:
        click.echo(warning, err=True)
    if okta:
        for line in okta_admin(settings):
            click.echo(line)
        return
    if online:
        problems = _until_done(_asked(settings, user_file)) + _until_done(ask_apps(settings))
        at_state, warnings = _until_done(ask_state(settings))
        for warning in warnings:
            click.echo(warning, err=True)
        problems += at_state
        if problems:
            raise CommandRefused(problems)
    count = len(settings.config.apps)
    apps = f"{count} app{'' if count == 1 else 's'}" if count else "the login host alone, without an app"
    asked = ", the org and the apps answer" if online else ""
    click.echo(f"{file}: usable; {apps}, {len(settings.seal_keys)} seal key(s){asked}")
    for limit in advice(settings):
        click.echo(limit, err=True)


@main.command()
@_config
def hook(file: Path) -> None:
    """Print what to enter in Okta's admin console: the event hook, and Universal Logout."""
    for line in okta_settings(_settings(file)):
        click.echo(line)


@main.command(name="sign-out")
@_config
@click.option("--everybody", is_flag=True, help="End everybody's sessions.")
@click.option("--user", "login", metavar="LOGIN", help="End one user's sessions; the login as people type it, or Okta's id.")
def sign_out(file: Path, everybody: bool, login: str | None) -> None:
    """End sessions in every running gateway that shares this state; run it as the user of the gateway."""
    if everybody is bool(login and login.strip()):
        raise CommandRefused(("sign-out: say either --everybody, or --user LOGIN",))
    settings = _settings(file)
    log = Log(settings.config.log.level, settings.config.log.format)
    click.echo(_until_done(order_sign_out(settings, None if everybody else login, Clock(), log)))


@main.command()
@click.option("--port", default=8080, show_default=True, help="Where the gateway listens; 0 is any free port.")
@click.option("--org-port", default=8081, show_default=True, help="Where the unguarded org listens; 0 is any free port.")
@click.option("--upstream", metavar="URL", help="Your own app in place of the demo.")
@click.option("--no-demo", is_flag=True, help="No portal and no page of another site.")
@click.option("--tls", is_flag=True, help="The gateway serves https, with a certificate that is made for this run.")
@_quirks
@_trusted_origins
@_engine
@_users
def dev(upstream: str | None, no_demo: bool, engine: str, users: tuple[str, ...], **more: Any) -> None:
    """Run the gateway, a stand-in org and a demo in one process, and print where everything is."""
    log = Log("info", "text")
    take_over_logging(log)
    kind: Engine = "identity" if engine == "identity" else "classic"
    wishes = Wishes(upstream=upstream, has_demo=not no_demo, engine=kind, users=_people(users), environ=os.environ, **more)
    _until_done(_demonstrated(Demonstration(wishes, log)))


@main.command()
@click.option("--port", default=8081, show_default=True, help="Where the org listens; 0 is any free port.")
@click.option("--tls", is_flag=True, help="Serve https, with a certificate that is made for this run.")
@_quirks
@_trusted_origins
@_engine
@_users
def org(port: int, tls: bool, engine: str, users: tuple[str, ...], **more: Any) -> None:
    """Run the stand-in org alone."""
    standin = Org(engine="identity" if engine == "identity" else "classic", users=_people(users), **more)
    _until_done(_stood_in(standin, port, tls))


@main.command()
def keygen() -> None:
    """Print a new seal key; put it before the old ones, so that what those have sealed stays readable."""
    click.echo(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii"))


@main.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    click.echo(json.dumps(Config.model_json_schema(by_alias=True), indent=2))


def _settings(file: Path) -> Settings:
    try:
        return load(file, os.environ)
    except BadConfig as error:
        raise CommandRefused(error.problems) from None


async def _asked(settings: Settings, user_file: Path | None) -> tuple[str, ...]:
    if settings.config.session.source == "oidc":
        return await ask_oidc(settings, user_of(user_file) if user_file is not None else None)
    if user_file is not None:
        raise BadConfig(('check: --as is for session.source = "oidc" alone',))
    return await ask_org(settings)


def _people(users: tuple[str, ...]) -> tuple[User, ...]:
    given = (user.partition(":") for user in users)
    return (*ALICE_AND_BOB, *(User(login, password or ALICE_AND_BOB[0].password) for login, _, password in given))


def _until_done(work: Coroutine[Any, Any, Result]) -> Result:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except BadConfig as error:
        raise CommandRefused(error.problems) from None
    except KeyboardInterrupt:
        sys.exit(130)


async def _alone(settings: Settings, log: Log) -> None:
    await alone(settings, log, _stop_signal())


async def _supervised(settings: Settings, log: Log) -> None:
    supervisor = Supervisor(settings, log, _stop_signal())
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, supervisor.reload)
    await supervisor.run()


async def _worked(given: Handover, log: Log) -> None:
    await work(given, log, _stop_signal())


async def _demonstrated(demonstration: Demonstration) -> None:
    stop = _stop_signal()
    await demonstration.start()
    try:
        for line in demonstration.places():
            click.echo(line)
        click.echo("ready")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await demonstration.aclose()


async def _stood_in(standin: Org, port: int, tls: bool) -> None:
    stop = _stop_signal()
    with TemporaryDirectory(prefix="standin-org-") as folder:
        context, certificate = made_context(Path(folder)) if tls else (None, None)
        try:
            running = await serve(standin, "127.0.0.1", port, context)
        except OSError as error:
            raise BadConfig((port_taken("--port", port, error),)) from error
        click.echo(f"org       {running.url}")
        if certificate is not None:
            click.echo(f"trust     {certificate}   the certificate that clients need, while this runs")
        click.echo("ready")
        sys.stdout.flush()
        await stop.wait()
        await running.aclose()


def _stop_signal() -> asyncio.Event:
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
