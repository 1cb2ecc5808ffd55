"""Row W2: a form that comes after its session's end is kept in the browser, and sent once, by its owner alone."""

import asyncio
import re
import socket
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.policy.session.kept_form import KEPT_SECONDS, LARGEST_FORM_BYTES
from gateway.standin import Fault
from tests.attacks.deployment import ALICE, BOB, CONFIGURATION, HR, WIKI, Site, Visit, deployed
from tests.doors.own_gateway import Browser, Reply
from tests.pages.parsed import parse

TARGET = "/leave/save?year=2026&of=a%20b"
BODY = "from=2026-12-01&why=%C3%A4%E4+%26x&why=again&empty=&=odd&&%zz"
PASS, OWNER = "__Host-gateway", "__Host-gateway-owner"
ACCEPTS = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
SUBMITTED = {**ACCEPTS, "Sec-Fetch-Site": "same-origin", "Origin": HR, "Content-Type": "application/x-www-form-urlencoded"}
PLAIN = {**SUBMITTED, "Content-Type": "text/plain"}
IN_FRAME = {"Sec-Fetch-Dest": "iframe"}


def heading(reply: Reply) -> str:
    """What the page is about."""
    return parse(reply.body.encode()).text("h1")


def form_of(reply: Reply) -> tuple[str, str]:
    """Where the form of the page goes, and its body as a browser sends it."""
    page = parse(reply.body.encode())
    [form] = page.named("form")
    [field] = page.named("input")
    assert (form["method"], form["enctype"], field["type"]) == ("post", "text/plain", "hidden")
    return str(form["action"]), f"{field['name']}={field['value']}\r\n"


async def submits(browser: Browser, body: str = BODY, target: str = TARGET, fields: Mapping[str, str] = SUBMITTED) -> Reply:
    """Post the form, and follow a 307 as browsers do: with the same body."""
    reply = await browser.ask(f"{HR}{target}", "POST", fields, body)
    return await browser.ask(f"{HR}{reply.location}", "POST", fields, body) if reply.status == 307 else reply


async def sends(browser: Browser, page: Reply, fields: Mapping[str, str] = PLAIN) -> Reply:
    """Press "Send the form"."""
    action, body = form_of(page)
    return await browser.ask(f"{HR}{action}", "POST", fields, body)


async def hello(visit: Visit) -> None:
    """Takes the whole body down."""
    BODIES[visit.number] = await visit.body()
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


BODIES: dict[int, bytes] = {}


def arrived(site: Site) -> list[bytes]:
    """The bodies of all forms that the app has."""
    return [BODIES[visit.number] for visit in site.behind.visits if visit.line.startswith(b"POST")]


async def ended(site: Site, login: str = ALICE) -> Browser:
    """A browser whose user filled in a form for too long: its session has ended at Okta, and the gateway knows."""
    site.behind.script = hello
    browser = await site.entered(login)
    await end(site, browser)
    site.behind.visits.clear()
    return browser


async def end(site: Site, browser: Browser) -> None:
    """End the session of this browser, and let every memory of it pass."""
    for session in site.org.sessions.live():
        site.org.sessions.end(session)
    site.times.passed += 30
    for name in ("sid", "idx"):
        browser.jars.get("login.example.com", {}).pop(name, None)


async def enters(site: Site, browser: Browser, login: str) -> None:
    """Sign in in a new window: it ends at the page that says so."""
    browser.signs_in(site.org.sign_in(login))
    page, asked = await browser.walk(f"{HR}/.gateway/sign-in?to=%2F.gateway%2Fsigned-in")
    assert (page.status, asked[-1], heading(page)) == (200, f"{HR}/.gateway/signed-in", "You are signed in")
    assert login in page.body


async def test_w2_the_same_user_again_sends_the_form_once_with_its_exact_bytes(site: Site) -> None:
    browser = await ended(site)
    page = await submits(browser)
    assert (page.status, heading(page)) == (200, "Your form has not been sent yet")
    assert "2026-12-01" not in page.body and page.values("Cache-Control") == ["no-store"]
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
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
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
        {**PLAIN, "Sec-Fetch-Site": "cross-site"},
        {**PLAIN, "Origin": "https://evil.example.net"},
        {**ACCEPTS, "Content-Type": "text/plain"},
    ):
        assert (await sends(browser, page, fields)).status == 403
    started = (await (await ended(site)).ask(f"{HR}{TARGET}", "POST", SUBMITTED, BODY)).location
    reply = await browser.ask(f"{HR}{started}", "POST", {**SUBMITTED, "Sec-Fetch-Site": "same-site"}, BODY)
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
    assert "2026-12-01" not in site.written.getvalue() and "why=" not in site.written.getvalue()
    assert {"form_kept", "form_nobody"} <= {str(line.get("reason")) for line in site.lines if line["event"] == "request"}
