"""An app that a front proxy carries: its host answers the own paths, and says what is wrong to everybody who gets lost there."""

import json
import re
from collections.abc import AsyncIterator

import pytest

from tests.harness.browser import ALICE, HR, LOGIN
from tests.harness.site import CONFIGURATION, FETCH, NAVIGATE, Site, cookie_line, deployed
from tests.harness.subrequests import TRUSTING, ask, identity
from tests.harness.websocket import SHAKE

CARRIED = re.sub(r'upstream = "\{upstream\}"\n(first_byte_timeout = "5s"\n)?', "", CONFIGURATION, count=1)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed(listen=TRUSTING, configuration=CARRIED) as made:
        yield made


@pytest.mark.parametrize("target", ["/", "/public/x", "/form/x", "/../x", "/bob/x"])
async def test_everything_but_the_own_paths_is_404_and_says_who_should_have_come(site: Site, target: str) -> None:
    page = await site.ask(target, NAVIGATE)
    assert (page.status, page.location) == (404, "")
    assert b"This page comes from another server" in page.body
    assert b"no_upstream" in page.body
    for method in ("GET", "POST"):
        script = await site.ask(target, FETCH, method=method)
        assert (script.status, json.loads(script.body)) == (404, {"error": "no_upstream"})
    assert [line["reason"] for line in site.lines if line["event"] == "request"] == ["no_upstream"] * 3
    assert site.behind.visits == []


async def test_a_websocket_finds_nobody_either(site: Site) -> None:
    wire = await site.connect()
    await wire.say(SHAKE + b"Origin: https://hr.example.com\r\n\r\n")
    assert (await wire.head()).startswith(b"HTTP/1.1 404 ")


async def test_people_sign_in_and_out_there_and_the_front_proxy_is_answered(site: Site) -> None:
    browser, _ = site.session(ALICE)
    lost, asked = await browser.walk(f"{HR}/.gateway/sign-in?to=/x")
    assert (lost.status, asked[-1]) == (404, f"{HR}/x")  # here the front proxy would have gone on to the app
    cookie = cookie_line(browser, HR)
    assert identity(await ask(site, "traefik", "/x", cookie))["Remote-User"] == [ALICE]
    assert (await browser.ask(f"{HR}/.gateway/session")).status == 200
    assert (await site.ask("/", FETCH + cookie)).status == 404
    await browser.post(f"{HR}/.gateway/sign-out", "to=")
    assert (await ask(site, "traefik", "/x", FETCH + cookie)).status == 401
    assert (await browser.ask(f"{LOGIN}/.gateway/")).status == 200
