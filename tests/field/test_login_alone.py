"""A gateway with the login host only: another product's portal sends its users there, and no app is behind the gateway."""

from pathlib import Path

import pytest

from tests.harness.browser import ALICE, BOB, FORM, HR, LOGIN
from tests.harness.configuration import LOGIN as LOGIN_TABLE
from tests.harness.configuration import OKTA, invoked, problems
from tests.harness.site import CONFIGURATION, Site, deployed

ALONE = CONFIGURATION.partition("[[app]]")[0]
ENGINES = ["classic", "identity"]


async def test_x19_check_accepts_a_configuration_without_an_app_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(OKTA + LOGIN_TABLE)
    code, out, _ = await invoked("check", "--config", file)
    assert (code, out) == (0, f"{file}: usable; the login host alone, without an app, 1 seal key(s)\n")


@pytest.mark.parametrize("text", ["", "app = []\n"], ids=["no table", "an empty list"])
def test_x19_no_app_is_no_problem_in_whichever_way_it_is_written(text: str) -> None:
    assert problems(text + OKTA + LOGIN_TABLE) == ()


async def _switched(site: Site, engine: str) -> None:
    browser, old = site.session(ALICE)
    token = site.org.session_token(BOB)
    redeem = f"{LOGIN}/login/sessionCookieRedirect?token={token}&redirectUrl=https%3A%2F%2Fportal.example.com%2F"
    site.org.trusted_origins.add("https://portal.example.com")
    fields = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}
    url, reply = redeem, await browser.ask(redeem, fields={**fields, "Referer": "https://portal.example.com/"})
    for _ in range(6):
        if reply.status not in (302, 303, 307) or not reply.location.startswith((LOGIN, "/")):
            break
        url = reply.location if "://" in reply.location else LOGIN + reply.location
        reply = await browser.ask(url)
    assert reply.location == "https://portal.example.com/", (reply, url)
    live = site.org.sessions.active()
    assert old not in live and [session.user.login for session in live] == [BOB]
    shown = await browser.ask(f"{LOGIN}/.gateway/session")
    assert shown.status == 200 and BOB in shown.body


@pytest.mark.parametrize("engine", ENGINES)
async def test_x19_a_token_over_a_live_session_switches_at_the_login_host_alone(engine: str) -> None:
    async with deployed(engine, configuration=ALONE) as site:
        await _switched(site, engine)


@pytest.mark.parametrize("engine", ENGINES)
async def test_x19_its_pages_and_its_sign_out_work_and_lead_to_no_app(engine: str) -> None:
    async with deployed(engine, configuration=ALONE) as site:
        browser, session = site.session(ALICE)
        page = await browser.ask(f"{LOGIN}/.gateway/")
        assert page.status == 200 and ALICE in page.body and "Continue to" not in page.body
        reply = await browser.post(f"{LOGIN}/.gateway/sign-out", "to=", {**FORM, "Origin": LOGIN})
        assert reply.status in (200, 303)
        assert not any(one.sid == session.sid for one in site.org.sessions.active())
        assert (await browser.ask(f"{LOGIN}/.gateway/session")).status == 401
        assert (await browser.ask(f"{LOGIN}/.gateway/")).status == 200


async def test_x19_no_other_host_exists_and_a_hand_off_to_one_is_refused() -> None:
    async with deployed(configuration=ALONE) as site:
        browser, _ = site.session(ALICE)
        assert (await browser.ask(f"{HR}/")).status == 421
        assert (await browser.ask(f"{HR}/.gateway/session")).status == 421
        handed = await browser.ask(f"{LOGIN}/.gateway/handoff?app=hr.example.com%3A443&to=%2F")
        assert handed.status == 400 and handed.location == ""
        asked = await site.ask("/.gateway/auth/nginx", b"X-Forwarded-Host: hr.example.com\r\n", origin=LOGIN)
        assert asked.status >= 400
