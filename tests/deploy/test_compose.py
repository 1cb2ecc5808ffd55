"""Both trials of compose: hardened as the pods are, and, with their commands started here as they stand there, places
where people sign in, out and over each other.

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
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import yaml
import yarl
from aiohttp.abc import ResolveResult

from tests.deploy.objects import DEPLOY
from tests.deploy.running import OWN_PROGRAM, running
from tests.harness.configuration import SEALED
from tests.harness.demonstration import EveryNameIsHere

PORTS = ("8080", "8081", "8091", "8092", "9091", "9092", "3000", "6379")
READY = {
    "redis": b"Ready to accept connections",
    "org": b"ready",
    "app": b"Running on",
    "gateway": b"listening",
    "gateway-1": b"listening",
    "gateway-2": b"listening",
    "front": b"start worker process",
}
FILES = ("compose.yaml", "compose.single.yaml")
NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-site"}
SCRIPT = {"Accept": "application/json", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}

Service = dict[str, Any]  # as compose.yaml writes it


def _services(text: str) -> dict[str, Service]:
    services = yaml.safe_load(text)["services"]
    assert isinstance(services, dict)
    return services


TRIALS = {file: _services((DEPLOY / file).read_text(encoding="utf-8")) for file in FILES}
SERVICES = TRIALS["compose.yaml"]


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, services in TRIALS.items() for name in services])
def test_every_container_is_hardened(file: str, name: str) -> None:
    service = TRIALS[file][name]
    assert (service["read_only"], service["user"], service["cap_drop"]) == (True, "65532:65532", ["ALL"])
    assert "no-new-privileges:true" in service["security_opt"]
    assert {"pids_limit", "mem_limit"} <= set(service)
    assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & set(service)
    assert not service["image"].endswith(":latest")
    assert ":" in service["image"].rpartition("/")[2]
    assert [port for port in service.get("ports", ()) if not port.startswith("127.0.0.1:")] == []
    for volume in service.get("volumes", ()):
        source, *_, mode = volume.split(":")
        assert (mode == "ro" and (DEPLOY / source).is_file()) or volume == "state:/var/lib/session-gateway"


@pytest.mark.parametrize(("file", "first"), [("compose.yaml", "front"), ("compose.single.yaml", "gateway")])
def test_all_containers_share_the_network_of_the_first(file: str, first: str) -> None:
    networks = {name: service.get("network_mode") for name, service in TRIALS[file].items()}
    assert networks == {name: None if name == first else f"service:{first}" for name in TRIALS[file]}


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
    places = {"etc/session-gateway/": "", "tmp/": "tmp/", "var/lib/session-gateway": "state"}
    return re.sub("/(" + "|".join(places) + ")", lambda found: f"{folder}/{places[found[1]]}", moved)


def _command(service: Service) -> list[str]:
    """What the container would start, with this machine's programs."""
    words = [*service.get("entrypoint", ["/opt/session-gateway/bin/session-gateway"]), *service.get("command", ())]
    if words[0] == "redis-server":
        return words
    if words[0] == "nginx":
        # As root, nginx would hand its work to a user that may not look into the test's folder.
        return ["nginx", *words[1:-1], f"{words[-1]} user root;" if os.geteuid() == 0 else words[-1]]
    own = {"/opt/session-gateway/bin/session-gateway": OWN_PROGRAM, "/opt/session-gateway/bin/python": (sys.executable,)}
    return [*own[words[0]], *words[1:]]


@asynccontextmanager
async def _trial(file: str, folder: Path) -> AsyncIterator[Trial]:
    """Everything of the file, started here in the order of `READY`."""
    for program in ("nginx", "redis-server") if file == "compose.yaml" else ():
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    ports = _free_ports()
    for name in ("tmp", "state"):
        (folder / name).mkdir()
    for name in ("gateway.toml", "single.toml", "nginx.conf"):
        text = (DEPLOY / "compose" / name).read_text(encoding="utf-8")
        (folder / name).write_text(_here(text, ports, folder).replace("error_log stderr warn", "error_log stderr notice"))
    services = _services(_here((DEPLOY / file).read_text(encoding="utf-8"), ports, folder))
    async with AsyncExitStack() as started:
        for name in (name for name in READY if name in services):
            environ = {**services[name].get("environment", {}), **(SEALED if name.startswith("gateway") else {})}
            await started.enter_async_context(running(_command(services[name]), READY[name], environ))
        yield Trial(ports)


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncIterator[Trial]:
    """Two replicas behind nginx, on Redis."""
    async with _trial("compose.yaml", tmp_path) as made:
        yield made


async def _sign_in(trial: Trial, person: aiohttp.ClientSession, login: str) -> None:
    """By the org's own form, to which the app leads."""
    async with person.get(f"{trial.app}/?month=may") as page:
        assert (page.status, page.url.origin()) == (200, yarl.URL(trial.login).origin())
        way_back = re.search(r'name="fromURI" value="([^"]+)"', await page.text())
    assert way_back is not None
    form = {"username": login, "password": "correct-horse", "fromURI": html.unescape(way_back[1])}
    async with person.post(f"{trial.login}/login/login.htm", data=form) as page:
        assert (page.status, str(page.url)) == (200, f"{trial.app}/?month=may")
        assert login in await page.text()


async def _api(trial: Trial, cookies: Mapping[str, str], port: int) -> tuple[int, str | None]:
    """What one gateway says to a script that comes with these cookies of the app: the status, and whom the app saw."""
    fields = {**SCRIPT, "Host": trial.app.removeprefix("http://")}
    async with aiohttp.ClientSession(headers=fields) as script:
        written = "; ".join(f"{name}={value}" for name, value in cookies.items())
        async with script.get(f"http://127.0.0.1:{port}/api/me", headers={"Cookie": written}) as answer:
            return answer.status, (await answer.json()).get("user")


def _cookies(trial: Trial, jar: aiohttp.CookieJar) -> dict[str, str]:
    return {name: morsel.value for name, morsel in jar.filter_cookies(yarl.URL(trial.app)).items()}


async def test_any_replica_knows_at_once_who_signed_in_and_who_signed_out(trial: Trial) -> None:
    jar = trial.jar()
    async with trial.person(jar) as person:
        await _sign_in(trial, person, "alice@example.com")
    kept = _cookies(trial, jar)
    for port in (*trial.replicas, *trial.replicas):
        assert await _api(trial, kept, port) == (200, "alice@example.com")
    leaving, other = trial.replicas
    async with trial.person(jar, leaving) as person:
        fields = {"Origin": trial.app, "Sec-Fetch-Site": "same-origin"}
        async with person.post(f"{trial.app}/.gateway/sign-out", data={"to": ""}, headers=fields) as page:
            assert page.status == 200
    assert await _api(trial, kept, other) == (401, None)
    assert await _api(trial, kept, leaving) == (401, None)


async def test_a_browser_that_every_request_of_goes_to_another_replica_never_sees_the_user_before(trial: Trial) -> None:
    jar = trial.jar()
    async with trial.person(jar) as person:
        await _sign_in(trial, person, "alice@example.com")
        before = _cookies(trial, jar)
        for port in trial.replicas:
            assert await _api(trial, before, port) == (200, "alice@example.com")
        signing_in = {"username": "bob@example.com", "password": "correct-horse"}
        async with person.post(f"http://127.0.0.1:{trial.ports['8081']}/api/v1/authn", json=signing_in) as answer:
            token = (await answer.json())["sessionToken"]
        home = f"{trial.login}/app/UserHome"  # the org leads to no other host, for it has no trusted origins
        link = f"{trial.login}/login/sessionCookieRedirect?token={token}&redirectUrl={quote(home, safe='')}"
        async with person.get(yarl.URL(link, encoded=True), headers={"Referer": f"{trial.app}/"}) as page:
            assert (page.status, page.url.host) == (200, yarl.URL(trial.login).host)
        async with person.get(f"{trial.app}/?month=may") as page:
            assert (page.status, str(page.url)) == (200, f"{trial.app}/?month=may")
            assert "bob@example.com" in await page.text()
    for port in trial.replicas:
        assert (await _api(trial, before, port))[0] == 401
        assert await _api(trial, _cookies(trial, jar), port) == (200, "bob@example.com")


async def test_a_replica_says_by_its_health_check_that_it_is_ready(trial: Trial) -> None:
    await _ask_health(trial, SERVICES["gateway-1"], SERVICES["gateway-2"])


async def _ask_health(trial: Trial, *services: Service) -> None:
    for service in services:
        kind, program, *arguments = service["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "/opt/session-gateway/bin/python")
        here = [_here(word, trial.ports, Path("/nowhere")) for word in arguments]
        asked = await asyncio.create_subprocess_exec(sys.executable, *here)
        assert await asked.wait() == 0


async def test_one_machine_needs_neither_front_nor_redis_and_forgets_nothing(tmp_path: Path) -> None:
    async with _trial("compose.single.yaml", tmp_path) as trial:
        await _ask_health(trial, TRIALS["compose.single.yaml"]["gateway"])
        jar = trial.jar()
        async with trial.person(jar) as person:
            await _sign_in(trial, person, "alice@example.com")
            kept = _cookies(trial, jar)
            port = int(trial.ports["8080"])
            for _ in range(8):
                assert await _api(trial, kept, port) == (200, "alice@example.com")
            fields = {"Origin": trial.app, "Sec-Fetch-Site": "same-origin"}
            async with person.post(f"{trial.app}/.gateway/sign-out", data={"to": ""}, headers=fields) as page:
                assert page.status == 200
        for _ in range(8):
            assert await _api(trial, kept, port) == (401, None)
        assert (tmp_path / "state" / "state.db").is_file()
