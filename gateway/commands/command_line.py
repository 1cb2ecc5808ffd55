"""The commands `check`, `hook`, `keygen`, `schema` and `sign-out`.

Owns their options, and what they print.
"""

import base64
import json
import secrets
from pathlib import Path

import click

from gateway.clock import Clock
from gateway.commands.okta_admin import okta_admin, okta_settings
from gateway.commands.online import ask_apps, ask_org, ask_state
from gateway.commands.online_oidc import ask_oidc, user_of
from gateway.commands.ordered_sign_out import order_sign_out
from gateway.config import Config, Settings, advice
from gateway.config.environment import KEY_BYTES
from gateway.errors import BadConfig
from gateway.observe import Log
from gateway.terminal import CommandRefused, config_option, settings_of, until_done


@click.command()
@config_option
@click.option("--online", is_flag=True, help="Ask the org, the apps and Redis too.")
@click.option("--as", "user_file", type=click.Path(path_type=Path), help="With --online: a file with login and password of a test user.")
@click.option("--okta", is_flag=True, help="Print what to enter in Okta's admin console and in DNS.")
def check(file: Path, online: bool, user_file: Path | None, okta: bool) -> None:
    """Say everything that is wrong with a configuration, each with its place; exit code 1 if anything is."""
    settings = settings_of(file)
    for warning in settings.warnings:
        click.echo(warning, err=True)
    if okta:
        click.echo(okta_admin(settings))
        return
    if online:
        problems = until_done(_okta_problems(settings, user_file)) + until_done(ask_apps(settings))
        at_state, warnings = until_done(ask_state(settings))
        for warning in warnings:
            click.echo(warning, err=True)
        problems += at_state
        if problems:
            raise CommandRefused(problems)
    count = len(settings.config.apps)
    apps = f"{count} app{'' if count == 1 else 's'}" if count else "the login host alone, without an app"
    reached = ", the org and the apps answer" if online else ""
    click.echo(f"{file}: usable; {apps}, {len(settings.seal_keys)} seal key(s){reached}")
    for limit in advice(settings):
        click.echo(limit, err=True)


@click.command()
@config_option
def hook(file: Path) -> None:
    """Print what to enter in Okta's admin console: the event hook, and Universal Logout."""
    click.echo(okta_settings(settings_of(file)))


@click.command()
def keygen() -> None:
    """Print a new seal key; put it before the old ones, so that what those have sealed stays readable."""
    click.echo(base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii"))


@click.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    click.echo(json.dumps(Config.model_json_schema(by_alias=True), indent=2))


@click.command(name="sign-out")
@config_option
@click.option("--everybody", is_flag=True, help="End everybody's sessions.")
@click.option("--user", "login", metavar="LOGIN", help="End one user's sessions; the login as people type it, or Okta's id.")
def sign_out(file: Path, everybody: bool, login: str | None) -> None:
    """End sessions in every running gateway that shares this state; run it as the user of the gateway."""
    if everybody is bool(login and login.strip()):
        raise CommandRefused(("sign-out: say either --everybody, or --user LOGIN",))
    settings = settings_of(file)
    log = Log(settings.config.log.level, settings.config.log.format)
    click.echo(until_done(order_sign_out(settings, None if everybody else login, Clock(), log)))


async def _okta_problems(settings: Settings, user_file: Path | None) -> tuple[str, ...]:
    if settings.config.session.source == "oidc":
        return await ask_oidc(settings, user_of(user_file) if user_file is not None else None)
    if user_file is not None:
        raise BadConfig(('check: --as is for session.source = "oidc" alone',))
    return await ask_org(settings)
