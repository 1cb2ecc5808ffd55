"""Reads files with secrets that others must show: ``switch.portal_secrets_file`` (portals), ``hooks.okta_secret_file`` (Okta's event hook).

One secret a line; blank lines and lines that begin with ``#`` are skipped. Must never show a secret in a problem's text.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

SHORTEST_SECRET = 32
"""In characters. `openssl rand -base64 32` prints 44."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets in a file, and what is wrong with the file."""

    secrets: tuple[str, ...] = field(default=(), repr=False)
    problem: str = ""
    warning: str = ""


def secrets_in(file: str, folder: Path) -> Secrets:
    """The secrets in the file, which is looked for in ``folder``; none if no file is named."""
    if not file:
        return Secrets()
    path = folder / Path(file).expanduser()
    try:
        text, mode = path.read_text(encoding="ascii"), os.stat(path).st_mode
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not plain ASCII text"
        return Secrets(problem=f"{path}: {why}; name a readable file with one secret a line")
    lines = [line.strip() for line in text.splitlines()]
    secrets = tuple(line for line in lines if line and not line.startswith("#"))
    if not secrets:
        return Secrets(problem=f"{path}: no secret in it; write one a line, made with `openssl rand -base64 32`")
    short = [number for number, line in enumerate(lines, start=1) if line in secrets and len(line) < SHORTEST_SECRET]
    if short:
        return Secrets(problem=f"{path}: line {short[0]}: a secret has at least {SHORTEST_SECRET} characters")
    is_open = mode & (stat.S_IROTH | stat.S_IWOTH)
    return Secrets(secrets, warning=f"{path} is open to every user of this machine; chmod 600 it" if is_open else "")
