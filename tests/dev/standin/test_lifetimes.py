"""How long a session lives: idle, at most, and in a cookie that outlives the browser's process."""

import pytest

from gateway.dev.standin import Engine, Org
from tests.dev.standin.conftest import ALICE, PASSWORD, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter

ME = "/api/v1/sessions/me"
LINK = "/app/payroll/0oa1/sso/saml"


async def test_a_visit_moves_the_end_and_a_question_does_not(start: Serve, browse: Open) -> None:
    running = await start(Org(session_lifetime_seconds=600))
    browser = browse(running)
    enter(running, browser, ALICE)
    for path, lives in ((LINK, True), (ME, False)):
        for _ in range(2):
            running.org.clock.advance(400)
            await browser.get(path)
        assert (await browser.who() is not None) is lives


async def test_no_use_moves_the_end_past_the_longest_life(start: Serve, browse: Open) -> None:
    running = await start(Org(session_lifetime_seconds=600))
    running.org.sessions.max_lifetime_seconds = 1000
    browser = browse(running)
    session = enter(running, browser, ALICE)
    running.org.clock.advance(500)
    assert (await browser.ask("POST", f"{ME}/lifecycle/refresh")).status == 200
    assert session.expires_at == session.created_at + 1000
    running.org.clock.advance(501)
    assert await browser.who() is None


async def test_a_refresh_right_after_another_moves_nothing(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    enter(running, browser, ALICE)
    before = (await browser.get(ME)).json["expiresAt"]
    running.org.clock.advance(3)
    assert (await browser.ask("POST", f"{ME}/lifecycle/refresh")).json["expiresAt"] == before


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_a_persistent_cookie_names_its_end(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    for is_persistent in (False, True):
        running.org.uses_persistent_cookies = is_persistent
        seen = await browse(running).ask("POST", "/login/login.htm", form={"username": ALICE, "password": PASSWORD})
        lines = [line for line in seen.set_cookies if line.startswith(("sid=102", "idx=ey"))]
        assert len(lines) == (2 if engine == "identity" else 1)
        assert all((";Max-Age=7200;" in line) is is_persistent for line in lines)
