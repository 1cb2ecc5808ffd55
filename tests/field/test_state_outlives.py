"""A revocation survives a restart of the gateway, if the configuration names a folder for the state."""

from pathlib import Path

import pytest

from gateway.compose import Gateway
from gateway.config import read
from gateway.dev.standin.faults import Fault
from gateway.errors import BadConfig
from gateway.observe import Log
from tests.harness.browser import ALICE, BOB, FORM, HR, LOGIN
from tests.harness.configuration import SEALED, SMALLEST
from tests.harness.gateway import REPLICAS
from tests.harness.site import deployed

ME = "/api/v1/sessions/me"
LOCAL = SMALLEST + '[listen]\naddress = "127.0.0.1:0"\n[admin]\naddress = "127.0.0.1:0"\n'


def _state(folder: Path) -> str:
    return f'ttl = "30m"\nttl_max = "30m"\n[state]\ndirectory = "{folder}"'


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_t6_a_sign_out_that_okta_could_not_prove_holds_after_a_restart(engine: str, tmp_path: Path) -> None:
    async with deployed(engine, session=_state(tmp_path / "state")) as site:
        browser = await site.entered(ALICE)
        other = await site.entered(BOB)
        before = dict(browser.jar(HR)), dict(browser.jar(LOGIN))
        site.org.faults.add(Fault(ME, "DELETE", 503, times=None))
        reply = await browser.post(f"{HR}/.gateway/sign-out", "to=", {**FORM, "Origin": HR})
        assert reply.status == 303
        assert [session.user.login for session in site.org.sessions.active()].count(ALICE) == 1  # Okta still believes it
        # The pass of before: a page that the browser kept open, or somebody who copied it.
        browser.jars = {HR.partition("://")[2]: before[0], LOGIN.partition("://")[2]: before[1]}
        await site.gateway.aclose()
        async with site.beside() as restarted:
            copied = restarted.browser()
            copied.jars = browser.jars
            asked = await copied.ask(f"{HR}/", fields={"Accept": "application/json"})
            (line,) = [line for line in restarted.lines if line["event"] == "request" and line.get("status") == 401]
            assert (asked.status, line["reason"]) == (401, "revoked")
            good = restarted.browser()
            good.jars = other.jars
            assert (await good.ask(f"{HR}/")).status == 200


async def test_t6_a_sign_out_while_the_state_cannot_be_written_holds_here_and_the_log_names_the_file(tmp_path: Path) -> None:
    async with deployed(session=_state(tmp_path)) as site:
        browser = await site.entered(ALICE)
        copied = site.browser()
        copied.jars = {host: dict(jar) for host, jar in browser.jars.items()}
        (tmp_path / "state.db").unlink()
        (tmp_path / "state.db").mkdir()
        reply = await browser.post(f"{HR}/.gateway/sign-out", "to=", {**FORM, "Origin": HR})
        assert (reply.status, site.lines[-1]["reason"]) == (303, "not_shared")
        assert (await copied.ask(f"{HR}/", fields={"Accept": "application/json"})).status == 401
        told = [line["problem"] for line in site.lines if line["event"] == "state_failed"]
        problem = f"{tmp_path}/state.db: was replaced by something that is no file while it was in use; take that away"
        assert 0 < len(told) <= REPLICAS and set(told) == {problem}


async def test_t6_a_state_that_cannot_be_opened_is_told_with_its_place_before_anything_listens(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"no database " * 1000)
    settings = read("gateway.toml", LOCAL + f'[state]\ndirectory = "{tmp_path}"\n', SEALED)
    gateway = Gateway(settings, Log("error"))
    with pytest.raises(BadConfig, match=rf"gateway\.toml:14: state\.directory: {tmp_path}/state\.db: file is not a database; delete"):
        await gateway.start()
    with pytest.raises(RuntimeError, match="does not listen"):
        _ = gateway.address


async def test_a_relative_folder_lies_beside_the_configuration(tmp_path: Path) -> None:
    settings = read(str(tmp_path / "gateway.toml"), LOCAL + '[state]\ndirectory = "kept"\n', SEALED)
    gateway = Gateway(settings, Log("error"))
    await gateway.start()
    try:
        assert (tmp_path / "kept" / "state.db").is_file()
    finally:
        await gateway.aclose()
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["state.counter", "state.db", "state.lock"]


async def test_check_makes_nothing(tmp_path: Path) -> None:
    read(str(tmp_path / "gateway.toml"), LOCAL + '[state]\ndirectory = "kept"\n', SEALED)
    assert list(tmp_path.iterdir()) == []
