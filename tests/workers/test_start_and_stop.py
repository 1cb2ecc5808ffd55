"""Several workers start together or not at all, and stop together, however their supervisor ends."""

import asyncio
import signal
import socket
from pathlib import Path

import aiohttp
import pytest

from tests.harness.configuration import finished
from tests.harness.workers import CONFIGURATION, WORKERS, is_alive, several_workers, until


async def test_sigterm_makes_it_unready_lets_slow_requests_end_and_then_ends_all(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        _, cookie = await running.entered()
        callers = await running.callers_of_all(cookie)
        pids = running.pids()
        slow = [asyncio.create_task(caller.ask("/slow", cookie)) for caller in callers.values()]
        await running.app.began.wait()
        running.process.send_signal(signal.SIGTERM)
        await running.event("stopping")
        status, reasons = await running.readiness()
        assert status == 503 and reasons["process"] == "stopping"
        await until(lambda: not _is_answered(running.port))
        assert running.process.returncode is None
        running.app.release.set()
        assert await asyncio.gather(*slow) == [(200, "hello alice@example.com")] * WORKERS
        async with asyncio.timeout(30):
            assert await running.process.wait() == 0
        assert not any(map(is_alive, pids.values()))
        assert list((tmp_path / "scratch").iterdir()) == []
        assert [line["code"] for line in running.events("worker_stopped")] == [0] * WORKERS


def _is_answered(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_no_worker_outlives_its_supervisor(tmp_path: Path, how: signal.Signals) -> None:
    async with several_workers(tmp_path) as running:
        pids = running.pids()
        assert len(pids) == WORKERS
        if how is signal.SIGSTOP:
            running.kill(1, how)  # one that cannot hear of it
        running.process.kill()
        await until(lambda: not any(map(is_alive, pids.values())))
    (abandoned,) = (tmp_path / "scratch").iterdir()  # the shared state; nobody lives to delete it but the next supervisor
    assert abandoned.stat().st_mode & 0o777 == 0o700
    async with several_workers(tmp_path):
        (state,) = (tmp_path / "scratch").iterdir()
        assert state != abandoned


async def test_a_second_signal_ends_everything_at_once(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        _, cookie = await running.entered()
        pids = running.pids()
        slow = asyncio.create_task((await running.caller()).ask("/slow", cookie))
        await running.app.began.wait()
        running.process.send_signal(signal.SIGTERM)
        await running.event("stopping")
        running.process.send_signal(signal.SIGTERM)
        assert await running.process.wait() != 0
        await until(lambda: not any(map(is_alive, pids.values())))
        assert await slow == (0, "")


async def test_a_taken_port_is_one_clear_line_and_starts_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = tmp_path / "gateway.toml"
        file.write_text(CONFIGURATION.format(port=port, org="http://127.0.0.1:1", upstream="http://127.0.0.1:1"))
        code, out, err = await finished("run", "--config", file)
    assert (code, out) == (1, "")
    place = f"{file}:3: listen.address: cannot listen on 127.0.0.1:{port} (Address already in use)"
    assert err.splitlines() == [f"{place}; stop what listens there, or choose another address"]


async def test_a_second_gateway_does_not_share_the_port_of_the_first(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        file = tmp_path / "second.toml"
        file.write_text(CONFIGURATION.format(port=running.port, org="http://127.0.0.1:1", upstream="http://127.0.0.1:1"))
        code, _, err = await finished("run", "--config", file)
        assert code == 1 and "Address already in use" in err


async def test_a_worker_is_not_for_people() -> None:
    code, out, err = await finished("worker")
    assert (code, out) == (1, "") and err.startswith("worker: was not started by")


async def test_a_port_that_is_free_again_serves_again(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        port = running.port
        running.process.send_signal(signal.SIGTERM)
        assert await running.process.wait() == 0
    async with several_workers(tmp_path, port) as running, aiohttp.ClientSession() as client:
        assert (await client.get(f"http://127.0.0.1:{port}/", headers={"Host": "hr.example.com"})).status == 401
