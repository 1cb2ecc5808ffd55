"""Row W2: if a form is not kept, a page says why. Forms of other sites are never sent. Frames get a page that fits into them."""

import asyncio
import re

import pytest

from gateway.policy.session.kept_form import KEPT_SECONDS, LARGEST_FORM_BYTES
from tests.field.kept_forms import (
    ACCEPTS,
    BODY,
    FROM,
    IN_FRAME,
    OWNER,
    PLAIN,
    SUBMITTED,
    TARGET,
    arrived,
    ended,
    enters,
    form_of,
    heading,
    hello,
    sends,
    submits,
)
from tests.harness.browser import ALICE, BOB, HR, LOGIN, WIKI
from tests.harness.site import Site
from tests.pages.parsed import parse

_LOST = {
    "of another site": ({**SUBMITTED, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.net"}, BODY, "other_site"),
    "of a sibling": ({**SUBMITTED, "Sec-Fetch-Site": "same-site", "Origin": WIKI}, BODY, "other_site"),
    "of nobody knows where": ({**ACCEPTS, "Content-Type": SUBMITTED["Content-Type"]}, BODY, "other_site"),
    "of two origins": ({**SUBMITTED, "Origin": "https://evil.example.net"}, BODY, "other_site"),
    "files": ({**SUBMITTED, "Content-Type": "multipart/form-data; boundary=x"}, "--x--", "not_urlencoded"),
    "text": (PLAIN, "a=b", "not_urlencoded"),
    "no type": ({**ACCEPTS, "Sec-Fetch-Site": "same-origin"}, "a=b", "not_urlencoded"),
    "too large": (SUBMITTED, "a" * (LARGEST_FORM_BYTES + 1), "too_large"),
}


@pytest.mark.parametrize("case", _LOST)
async def test_w2_what_cannot_be_kept_says_why_and_gives_nothing_to_send(site: Site, case: str) -> None:
    fields, body, reason = _LOST[case]
    browser = await ended(site)
    page = await submits(browser, body, fields=fields)
    assert (page.status, page.location) == (401, "") and reason in page.body
    assert parse(page.body.encode()).named("form") == [] and "Session" in page.values("WWW-Authenticate")
    assert site.behind.visits == []


async def test_w2_a_form_that_nobody_is_known_to_own_is_not_kept(site: Site) -> None:
    page = await submits(site.browser())
    assert page.status == 401 and "unknown_owner" in page.body
    browser = await ended(site, ALICE)
    other = await ended(site, BOB)
    browser.jar(HR)[OWNER] = other.jar(HR)[OWNER]
    assert "unknown_owner" in (await submits(browser)).body, "a pass and an owner of two users"


@pytest.mark.parametrize("target", ["/x%0d%0aSet-Cookie:a=b", "/" + "a" * 4096])
async def test_w2_an_address_that_is_no_place_to_go_is_not_kept(site: Site, target: str) -> None:
    page = await submits(await ended(site), target=target)
    assert page.status in (400, 401) and parse(page.body.encode()).named("form") == []


async def test_w2_the_largest_form_is_kept_and_arrives(site: Site) -> None:
    browser, body = await ended(site), "a=" + "%C3%A4" * ((LARGEST_FORM_BYTES - 2) // 6)
    page = await submits(browser, body)
    await enters(site, browser, ALICE)
    assert (await sends(browser, page)).status == 200 and arrived(site)[-1] == body.encode()


async def test_w2_scripts_and_other_methods_are_told_in_json_as_before(site: Site) -> None:
    browser = await ended(site)
    script = {**SUBMITTED, "Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
    old_script = {"Accept": "text/html", "Origin": HR, "X-Requested-With": "XMLHttpRequest", "Content-Type": SUBMITTED["Content-Type"]}
    for fields in (script, old_script):
        reply = await browser.ask(f"{HR}{TARGET}", "POST", fields, BODY)
        assert (reply.status, reply.values("Content-Type")) == (401, ["application/json"])
    assert (await browser.ask(f"{HR}{TARGET}", "DELETE", SUBMITTED)).values("Content-Type") == ["application/json"]


async def test_w2_a_page_of_another_site_can_have_no_form_sent(site: Site) -> None:
    browser = await ended(site)
    page = await submits(browser)
    await enters(site, browser, ALICE)
    for fields in (
        {**PLAIN, "Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {**PLAIN, "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.net"},
        {**PLAIN, "Origin": "https://evil.example.net"},
        {**ACCEPTS, "Content-Type": "text/plain"},
    ):
        assert (await sends(browser, page, fields)).status == 403
    started = (await (await ended(site)).ask(f"{HR}{TARGET}", "POST", SUBMITTED, BODY)).location
    reply = await browser.ask(f"{HR}{started}", "POST", {**SUBMITTED, "Sec-Fetch-Site": "same-site", "Origin": LOGIN}, BODY)
    assert reply.status == 403
    assert site.behind.visits == []


async def test_w2_a_kept_form_goes_to_its_own_address_in_time_and_unchanged(site: Site) -> None:
    browser = await ended(site)
    page = await submits(browser)
    await enters(site, browser, ALICE)
    _, body = form_of(page)
    for target, sent in (("/other", body), (TARGET, body.replace("=", "=A", 1)), (TARGET, body[:-10]), (TARGET, "gateway-form=\r\n")):
        reply = await browser.ask(f"{HR}{target}", "POST", PLAIN, sent)
        assert (reply.status, "unreadable" in reply.body) == (400, True)
    assert (await browser.ask(f"{HR}/.gateway/form", "POST", SUBMITTED, BODY)).status == 400
    assert (await browser.ask(f"{HR}/.gateway/form?kept=AAAA", "POST", SUBMITTED, BODY)).status == 400
    assert (await browser.ask(f"{HR}/.gateway/form")).status == 410
    site.times.passed += KEPT_SECONDS + 1
    await enters(site, browser, ALICE)
    assert (await sends(browser, page)).status == 410
    assert site.behind.visits == []


async def test_w2_two_at_once_send_it_once(site: Site) -> None:
    browser = await ended(site)
    page = await submits(browser)
    await enters(site, browser, ALICE)
    replies = await asyncio.gather(*(sends(browser, page) for _ in range(8)))
    assert sorted(reply.status for reply in replies) == [200] + [409] * 7 and len(arrived(site)) == 1


async def test_w2_a_plain_form_of_the_apps_own_reaches_it_untouched(site: Site) -> None:
    site.behind.script = hello
    browser = await site.entered(ALICE)
    for body in ("a=b\r\n", "gateway-for", "x" * 700_000):
        reply = await browser.ask(f"{HR}{TARGET}", "POST", PLAIN, body)
        assert reply.status == 200 and arrived(site)[-1] == body.encode()


async def test_w2_a_frame_without_a_session_gets_a_page_that_fits_it(site: Site) -> None:
    browser = await ended(site)
    framed = {**ACCEPTS, **IN_FRAME, "Sec-Fetch-Site": "same-origin"}
    page = await browser.ask(f"{HR}/part", fields=framed)
    assert (page.status, heading(page)) == (401, "You are not signed in")
    [sign_in, again] = parse(page.body.encode()).named("a")
    assert (sign_in["href"], sign_in["target"], again["href"]) == ("/.gateway/sign-in?to=%2F.gateway%2Fsigned-in", "_blank", "")
    [policy] = page.values("Content-Security-Policy")
    assert f"frame-ancestors 'self' https://login.example.com {HR} {WIKI}" in policy and page.values("X-Frame-Options") == ["SAMEORIGIN"]
    kept = await submits(browser, fields={**SUBMITTED, **IN_FRAME})
    assert "frame-ancestors 'self'" in kept.values("Content-Security-Policy")[0] and heading(kept) == "Your form has not been sent yet"
    await enters(site, browser, ALICE)
    assert (await sends(browser, kept, {**PLAIN, **IN_FRAME})).status == 200
    assert (await browser.ask(f"{HR}/part", fields=framed)).status == 200


async def test_w2_a_page_in_a_window_cannot_be_framed(site: Site) -> None:
    page = await submits(await ended(site))
    [policy] = page.values("Content-Security-Policy")
    assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy and page.values("X-Frame-Options") == ["DENY"]
    assert re.search(r"form-action 'self' https: http:;", policy), "the app may answer with a redirect to anywhere"


async def test_w2_the_server_keeps_nothing_of_a_form(site: Site) -> None:
    browser = await ended(site)
    page = await submits(browser)
    await enters(site, browser, ALICE)
    await sends(browser, page)
    assert FROM not in site.written.getvalue() and "why=" not in site.written.getvalue()
    assert {"form_kept", "form_nobody"} <= {str(line.get("reason")) for line in site.lines if line["event"] == "request"}
