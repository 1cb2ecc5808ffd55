"""deploy/OKTA.md from its first line to its last, by an administrator who does and types what stands there. The stand-in is the org.

What the document lets people enter at Okta is entered at the stand-in, taken from what the commands print. Only names that lead to this
machine are put in the place of `example.okta.com` and of the app's port.
"""

import asyncio
import io
import os
import re
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from gateway.compose import Gateway
from gateway.config import read
from gateway.dev import demo
from gateway.dev.standin import Client, Org, serve
from gateway.observe import Log
from tests.deploy.okta_guide import TEXT, WAYS, values_of
from tests.harness.configuration import PROGRAM
from tests.harness.demonstration import NAVIGATION

ALICE, PASSWORD = "alice@example.com", "correct-horse"
FRONT, OWN_NAME, APART = WAYS
SECONDS = 60.0
_SHELL = re.compile(r"```sh\n(?P<text>.+?)```", re.DOTALL)
_EXAMPLE = re.compile(r"```toml\n(?P<text>.+?)```", re.DOTALL)
_COMMAND = re.compile(r"`(session-gateway check --online[^`]*)`")
_EXPORT = re.compile(r"`export (\w+)=([^`]+)`")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the administrator sits: a folder, a shell, and an org that is still empty."""

    folder: Path
    org: Org
    org_url: str
    app_url: str
    environ: dict[str, str]

    async def types(self, command: str, config: str = "gateway.toml") -> tuple[int, str]:
        """Exit status and output of a command of the document."""
        process = await asyncio.create_subprocess_exec(
            *("sh", "-ec", command.replace("gateway.toml", config)),
            cwd=self.folder,
            env=self.environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(SECONDS):
            out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    def writes(self, title: str) -> None:
        """The example of this way, as it stands there, and beside it the same for this machine."""
        example = _EXAMPLE.search(WAYS[title])
        assert example is not None
        here = re.sub(r"https://example\.(okta|customdomains\.okta)\.com", self.org_url, example["text"])
        (self.folder / "gateway.toml").write_text(example["text"])
        (self.folder / "here.toml").write_text(here.replace("http://127.0.0.1:3000", self.app_url))

    def enters(self, printed: str) -> None:
        """What the command printed, at the org: Trusted Origins, and the app of the third way."""
        rows = [re.split(r" {2,}", line.strip(), maxsplit=1) for line in printed.splitlines() if line.startswith("  ")]
        self.org.trusted_origins |= {row[1] for row in rows if row[0] == "Origin"}
        told = {row[0]: row[1] for row in rows if len(row) == 2}
        if "Sign-in redirect URI" in told:
            secret = (self.folder / told["Secret, exactly as it stands in"]).read_text().strip()
            self.org.clients.register(Client(told["Client ID, as in oidc.client_id"], (told["Sign-in redirect URI"],), secret))

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[Gateway]:
        """The gateway with this configuration, on free ports."""
        ports = {"SESSION_GATEWAY__LISTEN__ADDRESS": "127.0.0.1:0", "SESSION_GATEWAY__ADMIN__ADDRESS": "127.0.0.1:0"}
        keys = {"SESSION_GATEWAY_SEAL_KEYS_FILE": str(self.folder / self.environ["SESSION_GATEWAY_SEAL_KEYS_FILE"])}
        path = self.folder / "here.toml"
        running = Gateway(read(str(path), path.read_text(), ports | keys), Log("debug", stream=io.StringIO()))
        await running.start()
        yield running
        await running.aclose()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """The files of "Before you begin" are there, by its own commands."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program = bin_folder / "session-gateway"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(PROGRAM)} "$@"\n')
    program.chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SESSION_GATEWAY")}
    environ = inherited | {"PATH": f"{bin_folder}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    async with AsyncExitStack() as opened:
        org = Org()
        running = await serve(org, "127.0.0.1", 0)
        opened.push_async_callback(running.aclose)
        served = await demo.serve(demo.legacy_app(), "127.0.0.1", 0)
        opened.push_async_callback(served.aclose)
        made = Desk(tmp_path, org, running.url, f"http://127.0.0.1:{served.port}", environ)
        preparation, export = _SHELL.search(TEXT), _EXPORT.search(TEXT)
        assert preparation is not None and export is not None
        status, said = await made.types(preparation["text"])
        assert status == 0, said
        made.environ[export[1]] = export[2]
        yield made


@pytest.mark.parametrize("title", WAYS)
async def test_every_step_works_as_it_is_written(desk: Desk, title: str) -> None:
    desk.writes(title)
    status, printed = await desk.types("session-gateway check --okta --config gateway.toml")
    assert status == 0, printed
    missing = [value for value in values_of(WAYS[title]) if value not in printed]
    assert [value for value in missing if value != "what ends TLS before the gateway"] == []
    desk.enters(printed)
    if title == FRONT:
        await _presses_verify(desk, printed)
    if title != APART:
        await _signs_in_once(desk, title)
    commands = _COMMAND.findall(WAYS[title])
    assert commands or title == OWN_NAME
    (desk.folder / "FILE").write_text(f"{ALICE}\n{PASSWORD}\n")
    for command in commands:
        status, said = await desk.types(command, "here.toml")
        assert status == 0 and "the org and the apps answer" in said, said
    if title == APART:
        await _pastes_a_key(desk)


async def _signs_in_once(desk: Desk, title: str) -> None:
    scheme, login = ("https", "login.example.com") if title == FRONT else ("http", "signin.example.com")
    async with desk.gateway() as gateway, aiohttp.ClientSession() as client:
        form = {"username": ALICE, "password": PASSWORD, "fromURI": "https://hr.example.com/"}
        address = f"{scheme}://127.0.0.1:{gateway.public_port}/login/login.htm"
        fields = {**NAVIGATION, "Host": login, "Origin": f"https://{login}", "Sec-Fetch-Site": "same-origin"}
        async with client.post(address, data=form, headers=fields, ssl=False, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "https://hr.example.com/"), await answer.text()
            assert "sid" in answer.cookies
    assert [session.user.login for session in desk.org.sessions.active()] == [ALICE]


async def _presses_verify(desk: Desk, printed: str) -> None:
    """Step 9: Okta asks once, with the secret that was entered."""
    told = dict(re.findall(r"^  (URL|Authentication field)  +(\S+)", printed, re.MULTILINE))
    secret = (desk.folder / "hook.secret").read_text().splitlines()[0]
    async with desk.gateway() as gateway, aiohttp.ClientSession() as client:
        parts = urlsplit(told["URL"])
        fields = {"Host": parts.netloc, "x-okta-verification-challenge": "a-challenge"}
        address = f"https://127.0.0.1:{gateway.public_port}{parts.path}"
        for value, status in ((secret, 200), ("another", 401)):
            async with client.get(address, headers={**fields, told["Authentication field"]: value}, ssl=False) as answer:
                assert answer.status == status
                assert status != 200 or (await answer.json()) == {"verification": "a-challenge"}


async def _pastes_a_key(desk: Desk) -> None:
    """The better way of step 2."""
    assert "openssl genrsa 2048" in WAYS[APART] and "oidc.private_key_file" in WAYS[APART]
    path = desk.folder / "gateway.toml"
    path.write_text(path.read_text().replace('client_secret_file = "client.secret"', 'private_key_file = "client.key"'))
    status, printed = await desk.types("openssl genrsa 2048 > client.key; session-gateway check --okta --config gateway.toml")
    assert status == 0 and "Public key / Private key" in printed and '"kty":"RSA"' in printed and '"d"' not in printed
