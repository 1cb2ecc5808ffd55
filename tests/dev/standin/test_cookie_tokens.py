"""A session that a server opened, and how its cookie gets into a browser: by its id, and by the `cookieToken` of Classic Engine."""

import pytest

from gateway.dev.standin import Engine, Org, fingerprint
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve
from tests.dev.standin.sign_ins_without_token import enter, logins

FIELDS = "/api/v1/sessions?additionalFields=cookieToken,cookieTokenUrl"
PLACES = [
    "/login/sessionCookieRedirect?redirectUrl=%2Fapp%2FUserHome&token={token}",
    "/app/payroll/0oa1/sso/saml?onetimetoken={token}",
    "/login/sessionCookie?token={token}",
]


@pytest.mark.parametrize("place", PLACES)
async def test_a_browser_gets_the_very_session_that_was_opened_and_only_once(start: Serve, browse: Open, place: str) -> None:
    running = await start(Org())
    server, browser, another = browse(running), browse(running), browse(running)
    made = (await server.ask("POST", FIELDS, payload={"sessionToken": running.org.session_token(BOB)})).json
    await browser.get(place.format(token=made["cookieToken"]))
    assert browser.cookies["sid"] == made["id"] and await browser.who() == BOB and logins(running) == [BOB]
    assert running.org.journal.rows[1].token == fingerprint(made["cookieToken"])
    await another.get(place.format(token=made["cookieToken"]))
    assert await another.who() is None


async def test_the_address_of_the_image_is_given_where_asked_for_alone(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    for fields, names in (("cookieTokenUrl", {"cookieTokenUrl"}), ("cookieToken", {"cookieToken"}), ("other", set())):
        payload = {"sessionToken": running.org.session_token(BOB)}
        made = (await browser.ask("POST", f"/api/v1/sessions?additionalFields={fields}", payload=payload)).json
        assert {name for name in made if name.startswith("cookieToken")} == names
    payload = {"sessionToken": running.org.session_token(BOB)}
    address = (await browser.ask("POST", FIELDS, payload=payload)).json["cookieTokenUrl"]
    image = await browser.get(address.removeprefix(running.url))
    assert (image.status, image.fields["Content-Type"], await browser.who()) == (200, "image/gif", BOB)


async def test_over_a_living_session_it_is_ignored_as_every_token(start: Serve, browse: Open) -> None:
    running = await start(Org())
    server, browser = browse(running), browse(running)
    made = (await server.ask("POST", FIELDS, payload={"sessionToken": running.org.session_token(BOB)})).json
    enter(running, browser, ALICE)
    await browser.get(PLACES[0].format(token=made["cookieToken"]))
    assert await browser.who() == ALICE


@pytest.mark.parametrize(("engine", "has_it"), [("classic", True), ("identity", False)])
async def test_identity_engine_knows_no_cookie_token(start: Serve, browse: Open, engine: Engine, has_it: bool) -> None:
    running = await start(Org(engine=engine))
    made = await browse(running).ask("POST", FIELDS, payload={"sessionToken": running.org.session_token(BOB)})
    assert (made.status, "cookieToken" in made.json) == (200, has_it)


async def test_a_page_that_is_not_there_is_a_page_and_an_api_that_is_not_there_is_json(start: Serve, browse: Open) -> None:
    browser = browse(await start(Org()))
    page, api = await browser.get("/user/nothing"), await browser.get("/api/v1/nothing")
    assert (page.status, page.fields["Content-Type"].partition(";")[0]) == (404, "text/html")
    assert (api.status, api.json["errorCode"]) == (404, "E0000008")
