"""App links that end at another origin, as those of apps outside the org do."""

import pytest

from gateway.dev.standin import Engine, Org
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter, logins

LINK, PLACE = "/home/bookmark/0oa9/2557", "https://other.example/x?a=1"


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_the_link_sets_the_session_and_leads_to_another_origin(start: Serve, browse: Open, engine: Engine) -> None:
    running = await start(Org(engine=engine))
    browser = browse(running)
    assert (await browser.ask("POST", "/.standin/links", payload={"path": LINK, "location": PLACE})).status == 204
    assert (await browser.get(LINK)).location == "/login/login.htm?fromURI=%2Fhome%2Fbookmark%2F0oa9%2F2557"
    seen = await browser.get(f"{LINK}?sessionToken={running.org.session_token(BOB)}")
    assert (seen.status, seen.location) == (302, PLACE)
    assert any(line.startswith("sid=102") for line in seen.set_cookies)
    assert (await browser.get(LINK)).location == PLACE
    assert await browser.who() == BOB


async def test_over_a_living_session_the_token_is_ignored_and_the_link_leads_on(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, token = browse(running), running.org.session_token(BOB)
    running.org.app_links.lead_elsewhere(LINK, PLACE)
    enter(running, browser, ALICE)
    assert (await browser.get(f"{LINK}?sessionToken={token}")).location == PLACE
    assert await browser.who() == ALICE and running.org.session_tokens.meaning(token) is not None


async def test_a_step_up_goes_before_the_other_origin(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    session = enter(running, browser, ALICE)
    running.org.app_links.lead_elsewhere(LINK, PLACE)
    running.org.app_links.require_step_up(LINK)
    assert "stateToken=" in (await browser.get(LINK)).location
    running.org.sessions.verify(session)
    assert (await browser.get(LINK)).location == PLACE


async def test_dropped_orders_are_gone(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    enter(running, browser, ALICE)
    running.org.app_links.lead_elsewhere(LINK, PLACE)
    assert (await browser.ask("DELETE", "/.standin/links")).status == 204
    assert "SAML assertion for alice" in (await browser.get(LINK)).text and logins(running) == [ALICE]


@pytest.mark.parametrize(
    "order",
    [
        {"path": LINK},
        {"location": PLACE},
        {"path": "/login/x", "location": PLACE},
        {"path": LINK, "location": "/relative"},
        {"path": LINK, "location": "javascript:alert(1)"},
    ],
)
async def test_a_wrong_order_is_refused(start: Serve, browse: Open, order: object) -> None:
    assert (await browse(await start(Org())).ask("POST", "/.standin/links", payload=order)).status == 400
