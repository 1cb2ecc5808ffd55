"""The commands `sign-out` and `hook`: what they print, and that running gateways carry the sign-out out."""

from pathlib import Path

import pytest

from tests.doors.hooks.two_gateways import APP, two_gateways
from tests.harness.configuration import SMALLEST, invoked
from tests.harness.person import ALICE, BOB


@pytest.mark.parametrize("who", [("--user", " Alice@Example.com "), ("--everybody",)])
async def test_running_gateways_refuse_sessions_from_before_and_let_in_who_signs_in_again(tmp_path: Path, who: tuple[str, ...]) -> None:
    async with two_gateways(tmp_path, "sqlite") as there:
        alice, bob = await there.system.entered(ALICE), await there.system.entered(BOB)
        for port in there.ports:
            assert await there.seen(alice, port) == f"hello {ALICE}"
            assert await there.seen(bob, port) == f"hello {BOB}"
        for session in there.system.org.sessions.active():
            session.created_at -= 60  # the command has the clock of the machine
        there.system.later(11)
        for port in there.ports:
            assert await there.seen(alice, port) == f"hello {ALICE}"
        (tmp_path / "gateway.toml").write_text(there.system.text)
        status, out, err = await invoked("sign-out", "--config", tmp_path / "gateway.toml", *who)
        assert (status, "are refused" in out, "sign_out_ordered" in err) == (0, True, True), err
        there.system.later(12)
        for port in there.ports:
            assert await there.seen(alice, port) == ""
            assert (await there.seen(bob, port) == "") == (who == ("--everybody",))
        again = await there.system.entered(ALICE)
        assert await there.seen(again, there.ports[1]) == f"hello {ALICE}"


async def test_with_the_memory_of_one_process_it_says_why_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(SMALLEST)
    status, out, err = await invoked("sign-out", "--config", tmp_path / "gateway.toml", "--everybody")
    assert (status, out) == (1, "")
    assert "state.directory" in err and "cannot reach them" in err


@pytest.mark.parametrize("asked", [(), ("--everybody", "--user", "alice"), ("--user", " ")])
async def test_it_must_be_told_whom(tmp_path: Path, asked: tuple[str, ...]) -> None:
    (tmp_path / "gateway.toml").write_text(SMALLEST)
    status, _, err = await invoked("sign-out", "--config", tmp_path / "gateway.toml", *asked)
    assert (status, err) == (1, "sign-out: say either --everybody, or --user LOGIN\n")


async def test_hook_prints_what_to_enter_at_okta_and_no_secret(tmp_path: Path) -> None:
    secret = "s" * 40
    (tmp_path / "secret").write_text(secret)
    (tmp_path / "gateway.toml").write_text(f'{SMALLEST}[hooks]\nokta_secret_file = "secret"\nuniversal_logout_apps = ["{APP}"]\n')
    status, out, _ = await invoked("hook", "--config", tmp_path / "gateway.toml")
    assert status == 0
    for part in ("https://login.example.com/.gateway/hooks/okta", "user.lifecycle.suspend", "user.session.start", "/universal-logout", APP):
        assert part in out
    assert secret not in out


async def test_hook_says_what_is_not_configured(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(SMALLEST)
    status, out, _ = await invoked("hook", "--config", tmp_path / "gateway.toml")
    assert (status, out.count("not configured")) == (0, 2)
