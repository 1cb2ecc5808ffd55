"""The commands `dev` and `org`.

Owns their options, and what they print.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from gateway.dev.command import Demonstration, DemoOptions, port_taken
from gateway.dev.standin import ALICE_AND_BOB, QUIRKS, Engine, Org, User, made_context, serve
from gateway.errors import BadConfig
from gateway.observe import Log, take_over_logging
from gateway.terminal import stop_signal, until_done

_engine = click.option("--engine", type=click.Choice(["classic", "identity"]), default="classic", show_default=True, help="Okta's engine.")
_quirks = click.option(
    "--quirk", "quirks", multiple=True, type=click.Choice(sorted(QUIRKS)), help="A bad habit of real orgs; may be repeated."
)
_trusted_origins = click.option(
    "--trusted-origin", "trusted_origins", multiple=True, metavar="ORIGIN", help="An origin that the org trusts; may be repeated."
)
_users = click.option("--user", "users", multiple=True, metavar="LOGIN[:PASSWORD]", help="One more user; may be repeated.")


@click.command()
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
    options = DemoOptions(upstream=upstream, has_demo=not no_demo, engine=kind, users=_people(users), environ=os.environ, **more)
    until_done(_demonstrated(Demonstration(options, log)))


@click.command()
@click.option("--port", default=8081, show_default=True, help="Where the org listens; 0 is any free port.")
@click.option("--tls", is_flag=True, help="Serve https, with a certificate that is made for this run.")
@_quirks
@_trusted_origins
@_engine
@_users
def org(port: int, tls: bool, engine: str, users: tuple[str, ...], **more: Any) -> None:
    """Run the stand-in org alone."""
    standin = Org(engine="identity" if engine == "identity" else "classic", users=_people(users), **more)
    until_done(_stood_in(standin, port, tls))


def _people(users: tuple[str, ...]) -> tuple[User, ...]:
    given = (user.partition(":") for user in users)
    return (*ALICE_AND_BOB, *(User(login, password or ALICE_AND_BOB[0].password) for login, _, password in given))


async def _demonstrated(demonstration: Demonstration) -> None:
    stop = stop_signal()
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
    stop = stop_signal()
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
