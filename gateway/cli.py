"""The command line: ``session-gateway``.

Owns which file holds each command. Must never import a command's file before that command is used: the stand-in org alone takes 4 MB of
memory.
"""

from importlib import import_module

import click

from gateway import __version__, clock

_FILES = {
    **dict.fromkeys(("run", "worker"), "gateway.workers.command_line"),
    **dict.fromkeys(("check", "hook", "keygen", "schema", "sign-out"), "gateway.commands.command_line"),
    **dict.fromkeys(("dev", "org"), "gateway.dev.command_line"),
}
"""The commands, and the file of each. In that file, the function has the name of its command."""

_HOW = "" if clock.__file__.endswith(".py") else " (compiled)"
"""Added to the version: whether this is the compiled build (``deploy/compiled.py``)."""


class Commands(click.Group):
    """The commands of ``_FILES``. Each is imported when it is used, or listed by ``--help``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted."""
        return sorted(_FILES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None if there is none."""
        if cmd_name not in _FILES:
            return None
        command: click.Command = getattr(import_module(_FILES[cmd_name]), cmd_name.replace("-", "_"))
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__ + _HOW, prog_name="session-gateway")
def main() -> None:
    """A gateway that ends the old Okta session, proves it, and only then lets a sessionToken through."""
