"""The trial of compose.yaml: hardened as the pods are, and, its commands started here as they stand there, a place where people sign in.

There is no container engine in the tests: the processes run on this machine's loopback, which is what the containers share too. Only ports
and paths are others.
"""

import asyncio
import html
import os
import random
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
import yarl
from aiohttp.abc import ResolveResult

from tests.deploy.objects import DEPLOY
from tests.deploy.running import OWN_PROGRAM, running
from tests.house.configurations import SEALED
from tests.journeys.stage import EveryNameIsHere

PORTS = ("8080", "8081", "8091", "8092", "9091", "9092", "3000")
READY = {"org": b"ready", "app": b"Running on", "gateway-1": b"listening", "gateway-2": b"listening", "front": b"start worker process"}
NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-site"}
SCRIPT = {"Accept": "application/json", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}

Service = dict[str, Any]  # as compose.yaml writes it


def _services(text: str) -> dict[str, Service]:
    services = yaml.safe_load(text)["services"]
    assert isinstance(services, dict)
    return services


SERVICES = _services((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["user"], service["cap_drop"]) == (True, "65532:65532", ["ALL"])
    assert "no-new-privileges:true" in service["security_opt"]
    assert {"pids_limit", "mem_limit"} <= set(service)
    assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & set(service)
    assert not service["image"].endswith(":latest")
    assert ":" in service["image"].rpartition("/")[2]
    assert [port for port in service.get("ports", ()) if not port.startswith("127.0.0.1:")] == []
    for volume in service.get("volumes", ()):
        source, _, mode = volume.split(":")
        assert (DEPLOY / source).is_file()
        assert mode == "ro"


def test_all_containers_share_the_fronts_network() -> None:
    assert {name: service.get("network_mode") for name, service in SERVICES.items() if name != "front"} == dict.fromkeys(
        set(SERVICES) - {"front"}, "service:front"
    )


def _free_ports() -> dict[str, str]:
    """A free port for each one in the files, below those that the system hands out by itself; all stay bound until the last is known."""
    found: list[str] = []
    with ExitStack() as bound:
        for port in random.sample(range(20_000, 32_000), 200):
            with suppress(OSError):
                bound.enter_context(socket.create_server(("", port)))
                found.append(str(port))
            if len(found) == len(PORTS):
                return dict(zip(PORTS, found, strict=True))
    raise AssertionError("no free ports")


class EveryNameIsAt(EveryNameIsHere):
    """Every name, whatever the port in its address, is one server of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        return await super().resolve(host, self._port, family)


@dataclass(frozen=True)
class Trial:
    """Everything of compose.yaml while it runs here. ``ports``: by the port in the files."""

    ports: dict[str, str]

    @property
    def app(self) -> str:
        return f"http://app.example.localhost:{self.ports['8080']}"

    @property
    def login(self) -> str:
        return f"http://login.example.localhost:{self.ports['8080']}"

    @property
    def replicas(self) -> tuple[int, int]:
        """The ports of the two gateways."""
        return int(self.ports["8091"]), int(self.ports["8092"])

    def jar(self) -> aiohttp.CookieJar:
        """A browser's cookies, Secure ones too."""
        return aiohttp.CookieJar(treat_as_secure_origin=[yarl.URL(self.app), yarl.URL(self.login)])

    def person(self, jar: aiohttp.CookieJar, replica: int | None = None) -> aiohttp.ClientSession:
        """A browser that keeps cookies and follows redirects; ``replica``: past the front, to this one alone."""
        resolver = EveryNameIsHere() if replica is None else EveryNameIsAt(replica)
        connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False)
        return aiohttp.ClientSession(connector=connector, cookie_jar=jar, headers=NAVIGATION)


def _here(text: str, ports: dict[str, str], folder: Path) -> str:
    """A file of the trial with other ports, and with the folder for what the containers mount."""
    moved = re.sub(r"(?<=[:\"=, ])(" + "|".join(PORTS) + r")\b", lambda found: ports[found[1]], text)
    return re.sub("/(etc/session-gateway|tmp)/", lambda found: f"{folder}/{'tmp/' if found[1] == 'tmp' else ''}", moved)


def _command(service: Service) -> list[str]:
    """What the container would start, with this machine's programs."""
    words = [*service.get("entrypoint", ["/opt/session-gateway/bin/session-gateway"]), *service.get("command", ())]
    if words[0] == "nginx":
        # As root, nginx would hand its work to a user that may not look into the test's folder.
        return ["nginx", *words[1:-1], f"{words[-1]} user root;" if os.geteuid() == 0 else words[-1]]
    own = {"/opt/session-gateway/bin/session-gateway": OWN_PROGRAM, "/opt/session-gateway/bin/python": (sys.executable,)}
    return [*own[words[0]], *words[1:]]


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncIterator[Trial]:
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed")
    ports = _free_ports()
    (tmp_path / "tmp").mkdir()
    for name in ("gateway.toml", "nginx.conf"):
        text = (DEPLOY / "compose" / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(_here(text, ports, tmp_path).replace("error_log stderr warn", "error_log stderr notice"))
    services = _services(_here((DEPLOY / "compose.yaml").read_text(encoding="utf-8"), ports, tmp_path))
    async with AsyncExitStack() as started:
        for name, ready in READY.items():
            environ = {**services[name].get("environment", {}), **(SEALED if name.startswith("gateway") else {})}
            await started.enter_async_context(running(_command(services[name]), ready, environ))
        yield Trial(ports)


async def test_people_sign_in_and_either_replica_knows_them(trial: Trial) -> None:
    jar = trial.jar()
    async with trial.person(jar) as person:
        async with person.get(f"{trial.app}/?month=may") as page:
            assert (page.status, page.url.origin()) == (200, yarl.URL(trial.login).origin())
            way_back = re.search(r'name="fromURI" value="([^"]+)"', await page.text())
        assert way_back is not None
        form = {"username": "alice@example.com", "password": "correct-horse", "fromURI": html.unescape(way_back[1])}
        async with person.post(f"{trial.login}/login/login.htm", data=form) as page:
            assert (page.status, str(page.url)) == (200, f"{trial.app}/?month=may")
            assert "alice@example.com" in await page.text()
    # A replica that has just begun does not know what the other revoked before: it sends a pass of the other's through one hand-off.
    for port in trial.replicas:
        async with trial.person(jar, port) as person, person.get(f"{trial.app}/?month=may") as page:
            assert (page.status, str(page.url)) == (200, f"{trial.app}/?month=may")
            assert "alice@example.com" in await page.text()
    kept = {name: morsel.value for name, morsel in jar.filter_cookies(yarl.URL(trial.app)).items()}
    for port in trial.replicas:
        host = {"Host": trial.app.removeprefix("http://")}
        async with (
            aiohttp.ClientSession(cookies=kept, headers={**SCRIPT, **host}) as script,
            script.get(f"http://127.0.0.1:{port}/api/me") as me,
        ):
            assert (me.status, (await me.json())["user"]) == (200, "alice@example.com")


async def test_a_replica_says_by_its_health_check_that_it_is_ready(trial: Trial) -> None:
    for name in ("gateway-1", "gateway-2"):
        kind, program, *arguments = SERVICES[name]["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "/opt/session-gateway/bin/python")
        here = [_here(word, trial.ports, Path("/nowhere")) for word in arguments]
        asked = await asyncio.create_subprocess_exec(sys.executable, *here)
        assert await asked.wait() == 0
