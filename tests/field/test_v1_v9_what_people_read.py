"""Rows V1, V4 to V6, V8 and V9: every page is true for its reader, in words that an office worker understands."""

import re

import pytest

from gateway.pages import BadRequest, ConfirmSwitch, RefusedPage, SessionPage, SignedOutPage, View, render
from gateway.pages.rendering import factor
from tests.harness.browser import ALICE, HR, LOGIN, BrowserReply
from tests.harness.site import CONFIGURATION, FETCH, NAVIGATE, Site, deployed
from tests.pages.parsed import parse
from tests.pages.views_of_every_kind import NOW, PLAIN_VIEWS

SIGN_OUT = "/.gateway/sign-out"


def heading(reply: BrowserReply) -> str:
    """What the page of an answer is about."""
    return parse(reply.body.encode()).text("h1")


def words(reply: BrowserReply) -> str:
    """What a person reads of an answer, without the small print."""
    return parse(reply.body.encode()).text("main")


async def test_v1_a_new_user_reads_that_she_cannot_sign_in_while_okta_is_away(site: Site) -> None:
    new, known = site.browser(), await site.entered(ALICE)
    await site.running.aclose()
    page = await new.ask(f"{LOGIN}/login/login.htm")
    assert (page.status, heading(page)) == (503, "You cannot sign in just now")
    assert "signed you out" not in words(page) and "still signed in" not in words(page)
    page = await known.ask(f"{LOGIN}/login/login.htm")
    assert (page.status, heading(page)) == (503, "We cannot check your sign-in just now")
    assert "We have not signed you out." in words(page)


async def test_v1_an_app_that_is_away_calls_only_those_signed_in_who_are() -> None:
    async with deployed(configuration=CONFIGURATION.replace("{upstream}", "http://127.0.0.1:1")) as site:
        assert "signed in" not in (await site.ask("/public/x", NAVIGATE)).body.decode()
        browser, _ = site.session(ALICE)
        page, _asked = await browser.walk(f"{HR}/x")
        assert page.status == 502 and "You are still signed in." in words(page)


async def test_v2_cookies_that_are_blocked_everywhere_are_said_at_the_first_return(site: Site) -> None:
    browser, forgets = site.browser(), ""
    started = await browser.ask(f"{HR}/x", cookie=forgets)
    at_okta = await browser.ask(started.location, cookie=forgets)
    assert at_okta.status == 302
    page = await browser.ask(LOGIN + at_okta.parameter("fromURI"), cookie=forgets)
    assert (page.status, heading(page)) == (400, "Your browser keeps no cookies here")
    assert "Your password was not the problem." in words(page) and "login.example.com" in words(page)
    assert parse(page.body.encode()).named("a")[0]["href"] == f"{HR}/.gateway/sign-in?to=%2Fx"


async def test_v2_a_browser_that_keeps_cookies_and_did_not_sign_in_is_led_to_the_form_again(site: Site) -> None:
    browser = site.browser()
    at_okta = await browser.ask((await browser.ask(f"{HR}/x")).location)
    again = await browser.ask(LOGIN + at_okta.parameter("fromURI"))
    assert again.status == 302 and again.location.startswith("/login/login.htm")


async def test_w13_a_bookmarked_sign_in_page_opened_in_another_browser_begins_again_by_itself_once(site: Site) -> None:
    bookmarked = await site.browser().ask((await site.browser().ask(f"{HR}/x")).location)
    other, _ = site.session(ALICE)
    page, asked = await other.walk(LOGIN + bookmarked.parameter("fromURI"))
    assert page.status == 200 and asked[-1] == f"{HR}/x"
    assert [url for url in asked if "/.gateway/sign-in" in url] == [f"{HR}/.gateway/sign-in?to=%2Fx&again=1"]


async def test_w13_a_browser_that_keeps_no_cookie_of_the_app_is_told_the_second_time(site: Site) -> None:
    bookmarked = await site.browser().ask((await site.browser().ask(f"{HR}/x")).location)
    other, _ = site.session(ALICE)
    at_app = await other.ask((await other.ask(LOGIN + bookmarked.parameter("fromURI"))).location, cookie="")
    page = await other.ask(HR + at_app.location, cookie="")
    assert (page.status, heading(page)) == (400, "Your browser keeps no cookies here") and "hr.example.com" in words(page)
    other.jar(HR).clear()
    assert (await other.ask(f"{HR}/.gateway/sign-in?to=%2Fx")).status == 302, "the user's own next try begins anew"


async def test_v4_a_wrong_clock_of_the_server_is_said_as_such(site: Site) -> None:
    browser = await site.entered(ALICE)
    site.times.passed += 3 * 3600
    page = await browser.ask(f"{HR}/.gateway/")
    assert heading(page) == "We cannot tell whether you are signed in"
    assert "The clock of this server may be wrong." in words(page) and "clocks_disagree" in page.body
    for _ in range(3):
        page, _asked = await browser.walk(f"{HR}/", most=30)
    assert (page.status, heading(page)) == (400, "Signing in goes round in circles")
    assert "The clock of this server may be wrong." in words(page)
    assert "this computer" not in words(page)


async def test_v4_no_page_says_at_once_that_one_is_signed_in_and_that_it_has_ended() -> None:
    for seconds in (-60, 0, 1, 3600):
        at = NOW.fromtimestamp(NOW.timestamp() + seconds, NOW.tzinfo)
        page = parse(render(SessionPage("alice", at, NOW, "Payroll")).html)
        assert (page.text("h1") == "You are signed in") is (seconds > 0)


async def test_v5_a_missing_factor_is_named(site: Site) -> None:
    browser = await site.entered(ALICE)
    page = await browser.ask(f"{HR}/strong/x")
    assert (page.status, heading(page)) == (403, "This page needs a stronger sign-in")
    assert factor("mfa") in words(page) and heading(page) != "This account may not open this page"
    assert parse(page.body.encode()).named("form") == [{"method": "post", "action": SIGN_OUT}]
    assert "step_up_amr" in page.body
    line = f"Cookie: __Host-gateway={browser.jar(HR)['__Host-gateway']}\r\n".encode()
    assert (await site.ask("/strong/x", FETCH + line)).body == b'{"error": "step_up", "reason": "amr", "missing": ["mfa"]}'


async def test_v5_a_sign_in_that_is_too_long_ago_says_how_old_it_may_be() -> None:
    aged = CONFIGURATION.replace('amr = ["mfa"]', 'authenticated_within = "1ms"')
    async with deployed(configuration=aged) as site:
        browser = await site.entered(ALICE)
        site.times.passes(2)  # Okta tells the beginning of a session in whole seconds of its own clock
        page = await browser.ask(f"{HR}/strong/x")
        assert (page.status, heading(page)) == (403, "Please sign in again for this page")


async def test_v6_a_sign_out_with_nobody_signed_in_asks_nothing(site: Site) -> None:
    for browser in (site.browser(), await site.entered(ALICE)):
        if browser.jars:
            await browser.post(f"{HR}{SIGN_OUT}", fields=_form(HR))
            browser.jar(HR).clear()
        page, asked = await browser.walk(f"{HR}{SIGN_OUT}")
        assert [url.partition("?")[0] for url in asked] == [f"{HR}{SIGN_OUT}", f"{LOGIN}{SIGN_OUT}"]
        assert (page.status, heading(page)) == (200, "Nobody is signed in here")
        assert parse(page.body.encode()).named("form") == []


async def test_v6_whoever_has_a_session_at_the_login_host_alone_is_asked_once(site: Site) -> None:
    browser, _ = site.session(ALICE)
    page, _asked = await browser.walk(f"{HR}{SIGN_OUT}?to=%2Fx")
    assert heading(page) == "Sign out?" and ALICE in words(page)
    form = {each["name"]: each["value"] for each in parse(page.body.encode()).named("input")}
    assert form == {"to": f"{HR}/x"}
    page = await browser.post(f"{LOGIN}{SIGN_OUT}", "", _form(LOGIN))
    assert heading(page) == "You are signed out"


def _form(origin: str) -> dict[str, str]:
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
    return {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin", **kind}


async def test_v8_the_session_page_without_its_last_slash_leads_to_it(site: Site) -> None:
    for origin in (HR, LOGIN):
        reply = await site.browser().ask(f"{origin}/.gateway")
        assert (reply.status, reply.location) == (303, "/.gateway/")
    assert (await site.browser().ask(f"{HR}/.gateway", "POST", _form(HR))).status == 405


async def test_v8_pages_call_an_app_by_its_title_and_never_by_its_slug() -> None:
    named = CONFIGURATION.replace('name = "hr"\n', 'name = "hr"\ntitle = "Payroll <& leave>"\n')
    async with deployed(configuration=named) as site:
        nobody = await site.browser().ask(f"{HR}/.gateway/")
        assert "Sign in to use Payroll <& leave>." in words(nobody)
        browser = await site.entered(ALICE)
        assert "Continue to Payroll <& leave>" in words(await browser.ask(f"{HR}/.gateway/"))
        home = words(await browser.ask(f"{LOGIN}/.gateway/"))
        assert "Payroll <& leave>" in home and "wiki.example.com" in home


_GONE = (
    "behind this gateway", "For another", "Best after", "not served here", "with certainty", "No, stay", "not your doing",
    "session cannot be checked", "went astray", "small print",
)  # fmt: skip
_SAID: tuple[tuple[View, str], ...] = (
    (SignedOutPage(True), "in all your work applications"),
    (SessionPage("alice", NOW.replace(hour=23), NOW, "Payroll"), "You stay signed in for"),
    (RefusedPage("close_unproven", 5, ""), "Try again in 5 seconds"),
    (RefusedPage("close_unproven", 5, ""), "We could not make sure that the last person was signed out"),
    (BadRequest(421, "unknown_host"), "We don't know this address"),
    (ConfirmSwitch("alice@example.com", "c2VhbGVk"), "Stay signed in as alice@example.com"),
)
_REASONS = ("no_upstream", "auth_of_auth", "own_path", "too_many_requests_of_client", "cross_site", "browser_changed", "x")


@pytest.mark.parametrize(("view", "said"), _SAID)
def test_v9_pages_say_it_in_a_clerks_words(view: View, said: str) -> None:
    assert said in parse(render(view).html).text("main")


def test_v9_no_page_has_the_old_words_or_a_sentence_of_more_than_twenty_seven_words() -> None:
    statuses = (400, 404, 405, 408, 409, 413, 414, 418, 421, 431, 500, 502, 503, 504)
    views = [*PLAIN_VIEWS, *(BadRequest(status, reason) for status in statuses for reason in _REASONS)]
    for view in views:
        text = parse(render(view).html).text("main")
        assert [gone for gone in _GONE if gone in text] == []
        paragraphs = re.findall(r"<(?:p|li|h1|h2)\b.*?</(?:p|li|h1|h2)>", render(view).html.decode(), re.DOTALL)
        sentences = [one for each in paragraphs for one in re.split(r"(?<=[.?!]) ", re.sub("<[^>]*>", "", each))]
        assert len(sentences) > 1
        assert [sentence for sentence in sentences if len(sentence.split()) > 27] == []
