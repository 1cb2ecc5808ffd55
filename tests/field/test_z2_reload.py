"""Z2: SIGHUP reads the configuration again, with one or several workers. A wrong one changes nothing; the log names the problem's place."""

import asyncio
import io
import json
import signal
import socket
import ssl
from pathlib import Path

import pytest

from gateway.compose import Gateway
from gateway.config import read, reloaded
from gateway.errors import BadConfig
from gateway.observe import Log
from gateway.workers.running import Running
from tests.harness.certificates import certificate
from tests.harness.configuration import SEALED, SMALLEST, settings
from tests.harness.gateway import of_one_process
from tests.harness.person import ALICE, BOB, CAROL, LOGIN, redemption
from tests.harness.system import REDIRECT, System, system
from tests.harness.workers import RunningWorkers, several_workers

MANY = [1, 2]
CLOSED = '\n[[app.rule]]\npath = "/closed/**"\nusers = ["bob@example.com"]\n'


async def reload(running: RunningWorkers, folder: Path, text: str, event: str, times: int) -> None:
    """Write the configuration, and wait until the event has come so many times in all."""
    (folder / "gateway.toml").write_text(text)
    running.process.send_signal(signal.SIGHUP)
    await running.event(event, times)


async def statuses(running: RunningWorkers, target: str, cookie: str, count: int = 6) -> set[int]:
    """What so many new connections are answered."""
    found = set()
    for _ in range(count):
        caller = await running.caller()
        found.add((await caller.ask(target, cookie))[0])
        await caller.close()
    return found


@pytest.mark.parametrize("workers", MANY)
async def test_z2_another_configuration_is_in_force_and_nobody_is_signed_out(workers: int, tmp_path: Path) -> None:
    async with several_workers(tmp_path, workers=workers) as running:
        text = (tmp_path / "gateway.toml").read_text()
        _, cookie = await running.entered()
        gone, gone_cookie = await running.entered()
        await gone.ask("https://hr.example.com/.gateway/sign-out", "POST", {"Origin": "https://hr.example.com"})
        assert await statuses(running, "/closed/x", cookie) == {200}
        await reload(running, tmp_path, text + CLOSED, "config_loaded", workers)
        assert await statuses(running, "/closed/x", cookie) == {403}
        assert await statuses(running, "/open", cookie) == {200}
        assert await statuses(running, "/open", gone_cookie) == {401}, "what was signed out before stays so"
        await reload(running, tmp_path, text, "config_loaded", 2 * workers)
        assert await statuses(running, "/closed/x", cookie) == {200}
        assert running.process.returncode is None
        assert await running.readiness() == (200, {})
        assert (await running.metrics())['requests_total{door="app",status="403",verdict="forbid"}'] == 6.0, "counters go on"


@pytest.mark.parametrize("workers", MANY)
async def test_z2_a_configuration_with_problems_keeps_the_old_one_and_each_is_said_with_its_place(workers: int, tmp_path: Path) -> None:
    async with several_workers(tmp_path, workers=workers) as running:
        file = tmp_path / "gateway.toml"
        text = file.read_text()
        _, cookie = await running.entered()
        await reload(running, tmp_path, text.replace("drain", "drian") + '[sesion]\nttl = "1s"\n', "config_refused", 2)
        await reload(running, tmp_path, text.replace("127.0.0.1:", "127.0.0.2:", 1), "config_refused", 3)
        await reload(running, tmp_path, "no toml", "config_refused", 4)
        lines = running.events("config_refused")
        assert {line["level"] for line in lines} == {"error"}
        number = len(text.splitlines())
        assert [str(line["problem"]).partition(f"{file}:")[2][:40] for line in lines] == [
            "5: listen.drian: is no key here; did you"[:40],
            f'{number + 1}: sesion: is no key here; did you mean "'[:40],
            "3: listen.address: cannot change while the gateway"[:40],
            "1: Expected '=' after a key in a key/value"[:40],
        ]
        assert await statuses(running, "/x", cookie) == {200}
        await reload(running, tmp_path, text + CLOSED, "config_loaded", workers)
        assert await statuses(running, "/closed/x", cookie) == {403}


@pytest.mark.parametrize("workers", MANY)
async def test_z2_no_connection_is_lost_while_it_reloads(workers: int, tmp_path: Path) -> None:
    async with several_workers(tmp_path, workers=workers) as running:
        text = (tmp_path / "gateway.toml").read_text()
        _, cookie = await running.entered()
        answered: list[int] = []
        is_over = asyncio.Event()

        async def asks() -> None:
            while not is_over.is_set():
                caller = await running.caller()
                answered.append((await caller.ask("/x", cookie))[0])
                await caller.close()

        asking = [asyncio.create_task(asks()) for _ in range(4)]
        for turn in range(1, 4):
            await reload(running, tmp_path, text + CLOSED * (turn % 2), "config_loaded", turn * workers)
        is_over.set()
        await asyncio.gather(*asking)
        assert len(answered) > 3 and set(answered) == {200}


async def test_z2_sighup_before_it_listens_ends_nobody(tmp_path: Path) -> None:
    async with several_workers(tmp_path, workers=1) as running:
        for _ in range(5):
            running.process.send_signal(signal.SIGHUP)
        await running.event("config_unchanged", 1)
        assert await running.readiness() == (200, {})


async def test_z2_the_certificate_is_read_again_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    certificate(tmp_path)
    text = SMALLEST + '[listen]\naddress = "127.0.0.1:0"\ntls_certificate = "tls.crt"\ntls_key = "tls.key"\n'
    (tmp_path / "gateway.toml").write_text(text)
    written = io.StringIO()
    first = read(str(tmp_path / "gateway.toml"), text, SEALED)
    gateway = Gateway(first, log := Log("info", stream=written), admin=socket.create_server(("127.0.0.1", 0)))
    await gateway.start()
    running = Running(gateway, first, log)
    try:
        before = await shown(gateway.public_port)
        certificate(tmp_path)
        await running.replace(reloaded(first, SEALED))
        after = await shown(running.gateway.public_port)
        assert before != after
        (tmp_path / "tls.key").write_text("no key")
        with pytest.raises(BadConfig) as raised:
            reloaded(first, SEALED)
        assert "listen.tls_key: " in raised.value.problems[0]
        assert await shown(running.gateway.public_port) == after
    finally:
        await running.aclose()
    assert [json.loads(line)["event"] for line in written.getvalue().splitlines()] == ["certificate_loaded", "config_unchanged"]


async def shown(port: int) -> bytes:
    """The certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="hr.example.com")
    try:
        return bytes(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
    finally:
        writer.transport.abort()


async def test_z2_a_ca_that_was_replaced_under_its_name_is_a_change(tmp_path: Path) -> None:
    certificate(tmp_path)
    text = SMALLEST.replace('upstream = "http:', 'upstream_ca_file = "tls.crt"\nupstream = "https:').replace("127.0.0.1", "hr.internal")
    name = str(tmp_path / "gateway.toml")
    before = read(name, text, SEALED)
    assert before.stamp == read(name, text, SEALED).stamp
    certificate(tmp_path)
    assert before.stamp != read(name, text, SEALED).stamp


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ('[listen]\naddress = ":9999"\n', "listen.address"),
        ("[listen]\nworkers = 3\n", "listen.workers"),
        ('[listen]\nredirect_address = ":9997"\n', "listen.redirect_address"),
        ('[admin]\naddress = ":9998"\n', "admin.address"),
        ('[log]\nlevel = "debug"\n', "log.level"),
        ('[state]\nengine = "memory"\n', "state.engine"),
        ('[state]\ntimeout = "2s"\n', "state.timeout"),
    ],
)
def test_z2_what_cannot_change_while_it_runs_is_said(changed: str, key: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(SMALLEST)
    current = read(str(file), SMALLEST, SEALED)
    file.write_text(SMALLEST + changed)
    with pytest.raises(BadConfig) as raised:
        reloaded(current, SEALED)
    (problem,) = raised.value.problems
    assert problem.startswith(f"{file}:10: {key}: cannot change while the gateway runs; restart it")


def test_z2_other_seal_keys_cannot_either(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(SMALLEST)
    current = read(str(tmp_path / "gateway.toml"), SMALLEST, SEALED)
    other = {"SESSION_GATEWAY_SEAL_KEYS": "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="}
    with pytest.raises(BadConfig) as raised:
        reloaded(current, other)
    assert "seal.keys_file: the keys cannot change" in raised.value.problems[0]
    assert settings().stamp


@of_one_process
async def test_z2_a_sign_in_that_runs_during_a_reload_is_over_before_the_next_one_of_its_browser_begins() -> None:
    async with system() as place:
        person, already = await place.entered(ALICE), len(place.rows("GET", REDIRECT))
        place.fails(REDIRECT, hold=True, after=True)
        first = asyncio.create_task(person.ask(redemption(place.org.session_token(BOB)), site="same-site"))
        await place.org.journal.seen("GET", REDIRECT, already + 1)
        former = await loaded_again(place)
        second = asyncio.create_task(person.go(redemption(place.org.session_token(CAROL)), site="same-site"))
        await asyncio.wait({second}, timeout=1)
        assert place.live() == [BOB]
        place.org.faults.clear()
        assert (await first).status == 302
        assert (await second).body == f"hello {CAROL}"
        assert place.live() == [CAROL]
        await former.aclose()


@of_one_process
async def test_z2_a_sign_out_that_is_not_proven_when_the_former_gateway_ends_is_tried_again_by_the_new_one() -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        place.is_down()
        await person.ask(f"{LOGIN}/.gateway/sign-out", "POST", site="same-origin", body="to=")
        former = await loaded_again(place)
        await former.aclose()
        assert place.live() == [ALICE]
        place.org.faults.clear()
        await place.until()


async def loaded_again(place: System) -> Gateway:
    """Put another gateway with the same configuration in place of the one that runs, as SIGHUP does, and return the former one."""
    former = place.gateway
    assert isinstance(former, Gateway)
    place.gateway = Gateway(read("gateway.toml", place.text, SEALED), Log(stream=place.written), replaces=former)
    await place.gateway.start()
    former.accept_no_more()
    return former
