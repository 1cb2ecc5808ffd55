"""Row W2: a form that is sent after its session has ended is kept in the browser, and sent once, only by the same user."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from gateway.dev.standin import Fault
from tests.field.kept_forms import (
    BODY,
    FROM,
    PASS,
    SUBMITTED,
    TARGET,
    arrived,
    end,
    ended,
    enters,
    heading,
    hello,
    sends,
    submits,
)
from tests.harness.browser import ALICE, BOB, HR
from tests.harness.ports import free_port
from tests.harness.site import CONFIGURATION, Site, deployed
from tests.pages.parsed import parse


async def test_w2_the_same_user_again_sends_the_form_once_with_its_exact_bytes(site: Site) -> None:
    browser = await ended(site)
    page = await submits(browser)
    assert (page.status, heading(page)) == (200, "Your form has not been sent yet")
    assert FROM not in page.body and page.values("Cache-Control") == ["no-store"]
    links = {each.get("href"): each for each in parse(page.body.encode()).named("a")}
    assert links["/.gateway/sign-in?to=%2F.gateway%2Fsigned-in"]["target"] == "_blank"
    assert site.behind.visits == []
    await enters(site, browser, ALICE)
    reply = await sends(browser, page)
    assert (reply.status, reply.body) == (200, "hello")
    [visit] = site.behind.visits
    assert arrived(site) == [BODY.encode()]
    assert visit.line == f"POST {TARGET} HTTP/1.1".encode()
    assert visit.value(b"content-type") == b"application/x-www-form-urlencoded"
    assert visit.value(b"content-length") == str(len(BODY)).encode()
    assert visit.value(b"remote-user") == ALICE.encode() and visit.value(b"transfer-encoding") is None
    again = await sends(browser, page)
    assert (again.status, heading(again)) == (409, "This form was sent already") and len(arrived(site)) == 1


async def test_w2_another_user_cannot_send_it_and_is_told(site: Site) -> None:
    browser = await ended(site, ALICE)
    page = await submits(browser)
    await enters(site, browser, BOB)
    refused = await sends(browser, page)
    assert (refused.status, heading(refused)) == (403, "You cannot send this form")
    assert BOB in refused.body and "Somebody else filled it in" in refused.body
    assert site.behind.visits == []
    await end(site, browser)
    await enters(site, browser, ALICE)
    assert (await sends(browser, refused)).status == 200 and arrived(site) == [BODY.encode()]


async def test_w2_a_reload_of_the_page_by_the_next_user_keeps_the_former_owner(site: Site) -> None:
    """What the history holds is the page's own address: the browser posts the same body there again."""
    browser = await ended(site, ALICE)
    started = await browser.ask(f"{HR}{TARGET}", "POST", SUBMITTED, BODY)
    assert (started.status, urlsplit(started.location).path) == (307, "/.gateway/form")
    await enters(site, browser, BOB)
    page = await browser.ask(f"{HR}{started.location}", "POST", SUBMITTED, BODY)
    assert heading(page) == "You cannot send this form" and BOB in page.body
    assert (await sends(browser, page)).status == 403 and site.behind.visits == []
    await end(site, browser)
    await enters(site, browser, ALICE)
    page = await browser.ask(f"{HR}{started.location}", "POST", SUBMITTED, BODY)
    assert heading(page) == "Your form has not been sent yet" and "You are signed in again." in page.body
    assert (await sends(browser, page)).status == 200
    page = await browser.ask(f"{HR}{started.location}", "POST", SUBMITTED, BODY)
    assert (await sends(browser, page)).status == 409, "a reload makes no second form of it"
    assert len(arrived(site)) == 1


async def test_w2_while_nobody_is_signed_in_the_page_comes_again_with_the_form(site: Site) -> None:
    browser = await ended(site)
    page = await submits(browser)
    again = await sends(browser, page)
    assert (again.status, heading(again), again.values("WWW-Authenticate")) == (401, heading(page), ["Session"])
    await enters(site, browser, ALICE)
    assert (await sends(browser, again)).status == 200
    assert (await sends(browser, page)).status == 409, "it is the same form"


async def test_w2_after_a_sign_out_the_last_user_of_the_browser_is_the_owner(site: Site) -> None:
    browser = await site.entered(ALICE)
    await browser.post(f"{HR}/.gateway/sign-out", "", SUBMITTED)
    assert PASS not in browser.jar(HR)
    page = await submits(browser)
    await enters(site, browser, BOB)
    assert (await sends(browser, page)).status == 403


async def test_w2_while_okta_is_away_the_form_is_not_lost(site: Site) -> None:
    browser = await ended(site)
    page = await submits(browser)
    await enters(site, browser, ALICE)
    site.org.faults.add(Fault("/api/v1/sessions/me", "GET", 503, times=None))
    site.times.passed += 30
    page = await sends(browser, page)
    assert (page.status, page.values("Retry-After")) == (503, ["2"]) and "does not answer" in page.body
    site.org.faults.clear()
    site.times.passed += 120
    assert (await sends(browser, page)).status == 200
    assert arrived(site) == [BODY.encode()]


async def test_w2_an_app_that_cannot_be_reached_does_not_cost_the_form() -> None:
    port = free_port()
    async with deployed(configuration=CONFIGURATION.replace("{upstream}", f"http://127.0.0.1:{port}")) as site:
        browser, _ = site.session(ALICE)
        await browser.walk(f"{HR}/")
        await end(site, browser)
        page = await submits(browser)
        await enters(site, browser, ALICE)
        page = await sends(browser, page)
        assert (page.status, page.values("Retry-After")) == (503, ["5"]) and "cannot be reached" in page.body
        site.behind.script = hello
        app = await asyncio.start_server(site.behind.serve, "127.0.0.1", port)
        async with app:
            site.times.passed += 10
            assert (await sends(browser, page)).status == 200 and arrived(site) == [BODY.encode()]
            assert (await sends(browser, page)).status == 409


async def test_w2_a_shared_state_that_is_away_sends_no_form_twice_and_loses_none(tmp_path: Path) -> None:
    state = f'\n[state]\ndirectory = "{tmp_path / "state"}"\ntimeout = "200ms"\n'
    async with deployed(configuration=CONFIGURATION + state) as site:
        browser = await ended(site)
        page = await submits(browser)
        await enters(site, browser, ALICE)
        with closing(sqlite3.connect(tmp_path / "state" / "state.db")) as somebody:
            somebody.execute("BEGIN IMMEDIATE")
            page = await sends(browser, page)
            somebody.rollback()
        assert page.status == 503 and "state_failed" in page.body and arrived(site) == []
        assert (await sends(browser, page)).status == 200 and arrived(site) == [BODY.encode()]
