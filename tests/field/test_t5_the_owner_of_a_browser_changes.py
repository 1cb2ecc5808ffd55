"""Row T5 on the wire: what a browser must forget before another user's first page, and what it may show without asking again."""

import pytest

from tests.field.restarts import at
from tests.harness.app import answering
from tests.harness.browser import ALICE, BOB, HR, LOGIN, NAVIGATION, WIKI, Browser, BrowserReply
from tests.harness.site import FETCH, NAVIGATE, Site, deployed
from tests.harness.subrequests import TRUSTING
from tests.pages.parsed import parse

OWNER, PASS = "__Host-gateway-owner", "__Host-gateway"
BOTH = '"cache", "storage"'
FRESH = (
    b"HTTP/1.1 200 OK\r\nCache-Control: public, max-age=600, immutable\r\nExpires: Thu, 01 Jan 2037 00:00:00 GMT\r\n"
    b"Content-Length: 2\r\n\r\nhi"
)


async def accepted(browser: Browser, origin: str = HR) -> BrowserReply:
    """The answer that brings the pass."""
    started = await browser.ask(f"{origin}/")
    return await browser.ask((await browser.ask(started.location)).location)


def leaves(browser: Browser, origin: str = HR) -> None:
    """The session ends in the browser, and nothing else of it."""
    browser.jar(origin).pop(PASS)
    for name in browser.okta_cookies():
        browser.jar(LOGIN).pop(name)


async def test_t5_the_browser_forgets_what_another_user_saw_and_only_then(site: Site) -> None:
    browser, _ = site.session(ALICE)
    first = await accepted(browser)
    assert first.status == 303 and first.values("Clear-Site-Data") == ['"cache"'], "whoever was here before"
    leaves(browser)
    browser.signs_in(site.org.sign_in(ALICE))
    assert (await accepted(browser)).values("Clear-Site-Data") == []
    leaves(browser)
    browser.signs_in(site.org.sign_in(BOB))
    assert (await accepted(browser)).values("Clear-Site-Data") == [BOTH]
    assert (await accepted(browser, WIKI)).values("Clear-Site-Data") == ['"cache"'], "each host has its own owner"
    assert browser.jar(HR)[OWNER] != browser.jar(WIKI)[OWNER]


async def test_t5_webkit_which_obeys_it_only_in_a_page_at_home_is_led_on_by_two_pages(site: Site) -> None:
    browser = await site.entered(ALICE)
    leaves(browser)
    browser.signs_in(site.org.sign_in(BOB))
    webkit = {**NAVIGATION, "User-Agent": "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"}
    started = await browser.ask(f"{HR}/notes?a=1&b=2")
    first = await browser.ask((await browser.ask(started.location)).location, fields=webkit)
    assert (first.status, first.values("Clear-Site-Data"), first.values("Set-Cookie")) == (200, [], []), "nothing is taken yet"
    second = await browser.ask(HR + leads_to(first), fields=webkit)
    assert (second.status, second.values("Clear-Site-Data"), leads_to(second)) == (200, [BOTH], "/notes?a=1&b=2")
    assert (await browser.ask(f"{HR}/notes?a=1&b=2")).status == 200
    assert (await browser.ask(HR + leads_to(first), fields=webkit)).status == 303, "a ticket is used once"
    leaves(browser)
    browser.signs_in(site.org.sign_in(BOB))
    ticket = (await browser.ask((await browser.ask(f"{HR}/")).location)).location
    assert (await browser.ask(ticket, fields=webkit)).status == 303, "the same user has nothing to forget"


def leads_to(page: BrowserReply) -> str:
    """Where the page goes by itself."""
    [refresh] = [each for each in parse(page.body.encode()).named("meta") if each.get("http-equiv") == "refresh"]
    return str(refresh["content"]).removeprefix("0; url=")


async def test_t5_the_owner_is_known_after_a_restart_and_under_a_new_key(site: Site) -> None:
    browser = await site.entered(ALICE)
    before = browser.jar(HR)[OWNER]
    async with site.beside(b"n" * 32, b"k" * 32) as after:
        moved = at(after, browser)
        leaves(moved)
        moved.signs_in(after.org.sign_in(ALICE))
        assert (await accepted(moved)).values("Clear-Site-Data") == [] and moved.jar(HR)[OWNER] != before
        leaves(moved)
        moved.signs_in(after.org.sign_in(BOB))
        assert (await accepted(moved)).values("Clear-Site-Data") == [BOTH]


async def test_t5_a_sign_out_keeps_the_owner_so_that_the_next_user_is_another(site: Site) -> None:
    browser = await site.entered(ALICE)
    await browser.ask((await browser.post(f"{HR}/.gateway/sign-out")).location)
    assert PASS not in browser.jar(HR) and OWNER in browser.jar(HR)
    browser.signs_in(site.org.sign_in(BOB))
    assert (await accepted(browser)).values("Clear-Site-Data") == [BOTH]


async def test_t5_no_app_sees_or_sets_the_owner(site: Site) -> None:
    browser = await site.entered(ALICE)
    assert OWNER in browser.jar(HR) and not any(OWNER.encode() in line for visit in site.behind.visits for line in visit.fields)
    site.behind.script = answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: __Host-gateway-owner=x; Path=/; Secure\r\nContent-Length: 0\r\n\r\n")
    assert (await browser.ask(f"{HR}/")).set_names == []


@pytest.mark.parametrize(
    ("asking", "kept"),
    [
        (NAVIGATE, "no-store"),
        (FETCH, "private, no-cache"),
        (b"Accept: */*\r\n", "private, no-cache"),
        (b"Sec-Fetch-Dest: script\r\nSec-Fetch-Mode: no-cors\r\n", "private, max-age=600, immutable"),
        (b"Sec-Fetch-Dest: iframe\r\nSec-Fetch-Mode: navigate\r\n", "no-store"),
    ],
)
async def test_t5_what_a_user_may_be_shown_without_asking(site: Site, asking: bytes, kept: str) -> None:
    cookie = await site.signed_in()
    site.behind.script = answering(FRESH)
    for target in ("/", "/maybe/x"):
        reply = await site.ask(target, asking + cookie)
        assert (reply.status, reply.values("Cache-Control")) == (200, [kept])
    bare = FRESH.replace(b"public, ", b"").replace(b"Expires: ", b"X-Expires: ")
    site.behind.script = answering(bare)
    reply = await site.ask("/", asking + cookie)
    unkept = "private, no-cache" if kept == "private, no-cache" else "no-store"
    assert reply.values("Cache-Control") == [unkept], "perhaps not the same for everybody"


async def test_t5_what_anybody_may_see_is_kept_as_the_app_says(site: Site) -> None:
    cookie = await site.signed_in()
    site.behind.script = answering(FRESH)
    for fields in (FETCH, FETCH + cookie, NAVIGATE + cookie):
        reply = await site.ask("/public/x", fields)
        assert reply.values("Cache-Control") == ["public, max-age=600, immutable"] and reply.values("Expires")


async def test_t5_a_front_proxy_that_only_asks_still_gets_the_hand_off_that_clears() -> None:
    async with deployed(listen=TRUSTING) as site:
        browser, _ = site.session(ALICE)
        await accepted(browser)
        leaves(browser)
        browser.signs_in(site.org.sign_in(BOB))
        assert (await accepted(browser)).values("Clear-Site-Data") == [BOTH]
