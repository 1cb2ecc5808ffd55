"""The commands as processes: their output and their exit codes."""

import asyncio
import base64
import json
import signal
import socket
import tomllib
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import jsonschema
import pytest

from gateway.dev.standin import Org, serve
from tests.harness.configuration import SEALED, SMALLEST, finished, invoked, program
from tests.harness.forked import Forked

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "gateway.toml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration that works."""
    path = tmp_path / "gateway.toml"
    path.write_text(SMALLEST)
    return path


def _local(org_url: str, listen: str = "127.0.0.1:0", upstream: str = "http://127.0.0.1:1") -> str:
    return f"""
[listen]
address = "{listen}"
drain = "10s"
[admin]
address = "127.0.0.1:0"
[okta]
org = "{org_url}"
[login]
url = "http://login.localhost"
[[app]]
name = "app"
url = "http://app.localhost"
upstream = "{upstream}"
"""


@asynccontextmanager
async def _running(*arguments: str | Path) -> AsyncIterator[Process | Forked]:
    process = await program(*arguments)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _event(process: Process | Forked, name: str) -> dict[str, object]:
    assert process.stderr is not None
    async with asyncio.timeout(20):
        async for line in process.stderr:
            found: dict[str, object] = json.loads(line)
            if found["event"] == name:
                return found
    raise AssertionError(f"the process ended without {name}")


async def test_keygen_prints_a_new_key_of_32_bytes_each_time() -> None:
    (code, one, _), (_, other, _) = await invoked("keygen"), await invoked("keygen")
    assert code == 0
    assert len(base64.b64decode(one)) == 32
    assert one != other


async def test_the_schema_accepts_the_full_example_and_refuses_unknown_keys() -> None:
    code, out, _ = await invoked("schema")
    assert code == 0
    validator = jsonschema.Draft202012Validator(json.loads(out))
    example = tomllib.loads(EXAMPLE.read_text())
    assert list(validator.iter_errors(example)) == []
    assert [error.message for error in validator.iter_errors({**example, "sesion": {}})] != []
    assert [error.message for error in validator.iter_errors({**example, "session": {"ttl": "10"}})] != []


async def test_check_says_that_a_configuration_is_usable(file: Path) -> None:
    code, out, err = await invoked("check", "--config", file)
    assert (code, out) == (0, f"{file}: usable; 1 app, 1 seal key(s)\n")
    assert "links straight to https://example.okta.com bypass the gateway" in err


async def test_check_and_run_print_every_problem_and_end_with_1(file: Path) -> None:
    file.write_text(SMALLEST + "[sesion]\n[listen]\ndrain = 10\n")
    lines = [
        f'{file}:11: listen.drain: 10 has no unit; write it as text with one of ms, s, m, h, d, for example "10s"',
        f'{file}:9: sesion: is no key here; did you mean "session"?',
    ]
    for command in ("check", "run"):
        code, out, err = await finished(command, "--config", file)
        assert (code, out, err.splitlines()) == (1, "", lines)


async def test_check_prints_warnings_and_ends_with_0(file: Path) -> None:
    file.write_text(SMALLEST + 'access = "anyone"\nallow_public_root = true\n')
    code, _, err = await invoked("check", "--config", file)
    assert code == 0
    assert "app[0].allow_public_root: WARNING: hr is open to everybody, without a session" in err


async def test_check_online_asks_the_org(file: Path) -> None:
    running = await serve(Org(), "127.0.0.1", 0)
    try:
        file.write_text(_local(running.url, upstream=running.url))
        code, out, _ = await invoked("check", "--online", "--config", file)
        assert (code, out) == (0, f"{file}: usable; 1 app, 1 seal key(s), the org and the apps answer\n")
        assert [row.path for row in running.org.journal.rows] == ["/api/v1/sessions/me", "/"]
    finally:
        await running.aclose()


async def test_check_online_says_that_the_org_cannot_be_reached(file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    file.write_text(_local(f"http://127.0.0.1:{port}"))
    code, out, err = await invoked("check", "--online", "--config", file)
    assert (code, out) == (1, "")
    org, app = err.splitlines()
    assert org.startswith(f"{file}:8: okta.org: asked http://127.0.0.1:{port} as 127.0.0.1:{port}: Nothing listens at this address. Start")
    assert "app[0].upstream: http://127.0.0.1:1: Nothing listens at this address." in app and app.endswith("(ECONNREFUSED)")


async def test_run_ends_with_1_when_its_address_is_taken(file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file.write_text(_local("http://127.0.0.1:1", f"127.0.0.1:{port}"))
        code, out, err = await finished("run", "--config", file)
    assert (code, out) == (1, "")
    place = f"{file}:3: listen.address: cannot listen on 127.0.0.1:{port} (Address already in use)"
    assert [line for line in err.splitlines() if not line.startswith("{")] == [
        f"{place}; stop what listens there, or choose another address"
    ]


async def test_run_starts_without_the_org_and_ends_with_0(file: Path) -> None:
    file.write_text(_local("http://127.0.0.1:1"))
    async with _running("run", "--config", file) as process:
        listening = await _event(process, "listening")
        async with aiohttp.ClientSession() as client:
            assert (await client.get(f"http://{listening['admin']}/readyz")).status == 200
            assert (await client.get(f"http://{listening['address']}/readyz", headers={"Host": "app.localhost"})).status != 200
            assert (await client.get(f"http://{listening['address']}/readyz", headers={"Host": "evil.localhost"})).status == 421
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await process.wait() == 0


async def test_sigterm_makes_it_unready_lets_a_slow_request_end_and_then_ends_it(file: Path) -> None:
    has_started, release = asyncio.Event(), asyncio.Event()

    async def org(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        has_started.set()
        await release.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(org, "127.0.0.1", 0)
    file.write_text(_local(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    async with _running("run", "--config", file) as process, aiohttp.ClientSession() as client, asyncio.timeout(30):
        listening = await _event(process, "listening")
        slow = asyncio.create_task(client.get(f"http://{listening['address']}/slow", headers={"Host": "login.localhost"}))
        await has_started.wait()
        process.send_signal(signal.SIGTERM)
        await _event(process, "stopping")
        answer = await client.get(f"http://{listening['admin']}/readyz")
        assert (answer.status, await answer.json()) == (503, {"status": "not_ready", "reasons": {"process": "stopping"}})
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(f"http://{listening['address']}/new", headers={"Host": "login.localhost"})
        assert process.returncode is None
        release.set()
        assert await (await slow).text() == "slow"
        assert await process.wait() == 0
    server.close()


async def test_org_prints_where_it_is() -> None:
    async with _running("org", "--port", "0", "--engine", "identity", "--quirk", "idx-rotates") as process, asyncio.timeout(20):
        assert process.stdout is not None
        place, ready = await process.stdout.readline(), await process.stdout.readline()
        assert ready == b"ready\n"
        async with aiohttp.ClientSession() as client:
            assert (await client.get(place.decode().split()[1] + "/api/v1/sessions/me")).status == 404
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


async def _until_ready(process: Process | Forked) -> dict[str, str]:
    places: dict[str, str] = {}
    assert process.stdout is not None
    async for line in process.stdout:
        words = line.decode().split()
        if words == ["ready"]:
            return places
        places[words[0]] = words[1]
        if words[0] == "portal":
            assert line.decode().endswith(": enter as alice, then as carol\n")
    raise AssertionError("never ready")


async def test_dev_prints_where_everything_is_and_ready_and_ends_with_0() -> None:
    async with _running("dev", "--port", "0", "--org-port", "0", "--user", "carol@example.com:pass") as process, asyncio.timeout(30):
        places = await _until_ready(process)
        assert list(places) == ["portal", "evil", "app", "login", "org", "admin", "user"]
        assert places["user"] == "carol@example.com"
        address = "127.0.0.1:" + places["portal"].rpartition(":")[2].rstrip("/")
        async with aiohttp.ClientSession() as client:
            for name in ("portal", "evil"):
                host = places[name].removeprefix("http://").rstrip("/")
                answer = await client.get(f"http://{address}/", headers={"Host": host})
                assert answer.status == 200, name
                assert "carol" in await answer.text()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_dev_and_org_say_which_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command, option, *other in (("dev", "--port", "--org-port", "0"), ("dev", "--org-port", "--port", "0"), ("org", "--port")):
            code, out, err = await finished(command, option, port, *other)
            assert (code, out) == (1, "")
            assert err.splitlines()[-1].startswith(
                f"{option}: cannot listen on 127.0.0.1:{port} (Address already in use); stop what listens"
            )


async def test_dev_refuses_an_upstream_that_is_no_site() -> None:
    code, out, err = await finished("dev", "--upstream", "localhost:3000", "--port", "0", "--org-port", "0")
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("--upstream: ")


async def test_a_secret_in_two_places_ends_run(file: Path) -> None:
    file.write_text(SMALLEST + '[seal]\nkeys_file = "seal.keys"\n')
    code, _, err = await finished("run", "--config", file, environ=SEALED)
    assert code == 1
    assert "keys are given twice" in err


async def test_check_okta_prints_what_to_enter_and_a_test_user_is_for_proofs_alone(file: Path) -> None:
    code, out, _ = await invoked("check", "--okta", "--config", file)
    assert code == 0
    assert "Trusted Origins" in out
    assert "usable" not in out
    code, _, err = await invoked("check", "--online", "--as", file, "--config", file)
    assert (code, "oidc" in err) == (1, True)
