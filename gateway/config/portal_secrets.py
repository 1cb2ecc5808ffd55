"""The secrets by which portals announce starts (``switch.portal_secrets_file``).

Owns the reading of that file: one secret a line, blank lines and lines that begin with ``#`` are skipped. Must never show a secret in a
problem's text.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

SHORTEST_SECRET = 32
"""In characters: what `openssl rand -base64 32` prints is longer."""


@dataclass(frozen=True, slots=True)
class PortalSecrets:
    """The secrets of all portals, and what is wrong with the file."""

    secrets: tuple[str, ...] = field(default=(), repr=False)
    problem: str = ""
    warning: str = ""


def portal_secrets(file: str, folder: Path) -> PortalSecrets:
    """The secrets in the file, looked for in ``folder``; none where no file is named."""
    if not file:
        return PortalSecrets()
    path = folder / Path(file).expanduser()
    try:
        text, mode = path.read_text(encoding="ascii"), os.stat(path).st_mode
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not plain ASCII text"
        return PortalSecrets(problem=f"{path}: {why}; name a readable file with one secret a line")
    lines = [line.strip() for line in text.splitlines()]
    secrets = tuple(line for line in lines if line and not line.startswith("#"))
    if not secrets:
        return PortalSecrets(problem=f"{path}: no secret in it; write one a line, made with `openssl rand -base64 32`")
    short = [number for number, line in enumerate(lines, start=1) if line in secrets and len(line) < SHORTEST_SECRET]
    if short:
        return PortalSecrets(problem=f"{path}: line {short[0]}: a secret has at least {SHORTEST_SECRET} characters")
    is_open = mode & (stat.S_IROTH | stat.S_IWOTH)
    return PortalSecrets(secrets, warning=f"{path} is open to every user of this machine; chmod 600 it" if is_open else "")
