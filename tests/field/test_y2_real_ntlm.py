"""Row Y2 with a real app: npm's express-ntlm, which authenticates the connection, and ``curl --ntlm`` as alice's client.

Source: einfallstoll/express-ntlm#76. Behind a proxy that shares connections, one user's requests came with another user's name.
"""

import asyncio
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.field.ntlm import TYPE_ONE, asked, signs_in
from tests.harness.browser import BOB
from tests.harness.site import CONFIGURATION, Site, deployed
from tests.harness.wire import PATIENCE, Wire

APP = Path(__file__).with_name("ntlm_app.cjs")
MODULES = Path(__file__).parents[1] / "browser" / "npm" / "node_modules"
REQUESTS_OF_BOB, CONNECTIONS_OF_BOB, PAGES_OF_A_CURL = 1000, 10, 12
NTLM = b"Authorization: NTLM " + TYPE_ONE + b"\r\n"
BASIC = b"Authorization: Basic Ym9iOnNlY3JldA==\r\n"
WITHOUT_SIGNING_IN = [(b"/page", b""), (b"/windows", b""), (b"/page", NTLM), (b"/windows", NTLM), (b"/page", BASIC), (b"/windows", BASIC)]


@dataclass(frozen=True, slots=True)
class NtlmSite:
    """The gateway before a running app, and the app's own port."""

    site: Site
    port: int

    async def curl(self, cookie: bytes, *paths: str) -> bytes:
        """What ``curl --ntlm`` gets as alice, on one connection."""
        addresses = [f"http://127.0.0.1:{self.site.gateway.public_port}{path}" for path in paths]
        words = ["curl", "-s", "--ntlm", "-u", "alice:secret", "-H", "Host: hr.example.com", "-H", cookie.decode().strip(), *addresses]
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
        return out


def what_is_missing() -> str:
    """What this machine lacks for the app and its client, or nothing."""
    curl = shutil.which("curl")
    if curl is None or b"NTLM" not in subprocess.run([curl, "--version"], capture_output=True, check=False).stdout:
        return "needs a curl that speaks NTLM"
    if shutil.which("node") is None:
        return "node is not installed"
    has_app = (MODULES / "express-ntlm" / "package.json").is_file()
    return "" if has_app else "needs npm's express-ntlm: run make test, or npm ci --prefix tests/browser/npm"


@pytest.fixture
async def real() -> AsyncIterator[NtlmSite]:
    missing = what_is_missing()
    if missing:
        pytest.skip(missing)
    pipe = asyncio.subprocess.PIPE
    app = await asyncio.create_subprocess_exec("node", "--no-deprecation", str(APP), str(MODULES), stdin=pipe, stdout=pipe)
    try:
        assert app.stdout is not None
        async with asyncio.timeout(PATIENCE):
            port = int(await app.stdout.readline())
        async with deployed(configuration=CONFIGURATION.replace('"{upstream}"', f'"http://127.0.0.1:{port}"', 1)) as site:
            yield NtlmSite(site, port)
    finally:
        app.kill()
        await app.wait()


async def test_y2_alice_signs_in_once_for_all_pages_of_her_connection(real: NtlmSite) -> None:
    alice = await real.site.signed_in()
    assert await real.curl(alice, *["/windows"] * 5) == b"alice alice@example.com\n" * 5
    assert await asked(await real.site.connect(real.port), b"", b"/handshakes") == (200, b"1")


async def test_y2_the_app_itself_gives_a_connection_to_whoever_sends_on_it(real: NtlmSite) -> None:
    """The control: on a connection that two users share, the second is the first."""
    shared = await real.site.connect(real.port)
    assert (await signs_in(shared, b"", "alice"))[0] == 200
    assert await asked(shared, b"", b"/page") == (200, b"alice -\n")
    assert await asked(shared, b"", b"/windows") == (200, b"alice -\n")


async def as_bob(wire: Wire, cookie: bytes, count: int, has_account: bool) -> Counter[tuple[bytes, int, bytes]]:
    """What the app said on one connection of bob's, with and without Authorization; with an account, he signs in on his way."""
    told = Counter[tuple[bytes, int, bytes]]()
    while told.total() < count:
        path, fields = WITHOUT_SIGNING_IN[told.total() % len(WITHOUT_SIGNING_IN)]
        if has_account and told.total() == count // 2:
            path, (status, body) = b"signs in", await signs_in(wire, cookie, "bob")
        else:
            status, body = await asked(wire, cookie, path, fields)
        told[path, status, body.split(b" ")[0] if status == 200 else b""] += 1
    return told


async def test_y2_of_a_thousand_requests_of_bob_none_gets_alices_windows_user(real: NtlmSite) -> None:
    """Mixed and at once: alice by curl and without NTLM, bob without an account of Windows and with one of his own."""
    site, alice, bob = real.site, await real.site.signed_in(), await real.site.signed_in(BOB)
    is_over = asyncio.Event()

    async def alice_by_curl() -> int:
        rounds = 0
        while not is_over.is_set():
            out = await real.curl(alice, *["/windows", "/page"] * (PAGES_OF_A_CURL // 2))
            assert out == b"alice alice@example.com\n" * PAGES_OF_A_CURL
            rounds += 1
        return rounds

    async def alice_without() -> int:
        wire, rounds = await site.connect(), 0
        while not is_over.is_set():
            assert await asked(wire, alice, b"/page") == (200, b"nobody alice@example.com\n")
            rounds += 1
        return rounds

    async with asyncio.TaskGroup() as group:
        hers = [group.create_task(each()) for each in (alice_by_curl, alice_by_curl, alice_without)]
        share = REQUESTS_OF_BOB // CONNECTIONS_OF_BOB
        his = [as_bob(await site.connect(), bob, share, number % 2 == 1) for number in range(CONNECTIONS_OF_BOB)]
        told = await asyncio.gather(*his)
        is_over.set()
    assert all(task.result() > 1 for task in hers)
    without, with_account = (sum(told[first::2], Counter[tuple[bytes, int, bytes]]()) for first in (0, 1))
    assert without.total() + with_account.total() == REQUESTS_OF_BOB
    assert set(without) == {(b"/page", 200, b"nobody"), (b"/windows", 401, b""), (b"/windows", 400, b"")}
    assert {windows for _, status, windows in with_account if status == 200} == {b"bob", b"nobody"}
    assert with_account[b"signs in", 200, b"bob"] == CONNECTIONS_OF_BOB // 2
