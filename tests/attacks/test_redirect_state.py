"""Rows R12 and R13: the state in a redirect is sealed, and is valid for one browser and one use; and no redirect loops."""

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.attacks.tampering import tampered
from tests.harness.app import answering
from tests.harness.browser import ALICE, BOB, FORM, HR, LOGIN, WIKI, Browser, BrowserReply
from tests.harness.site import NAVIGATE, Site


async def test_r12_a_tampered_start_goes_nowhere(site: Site) -> None:
    browser, _ = site.session()
    start = (await browser.ask(f"{HR}/x")).parameter("start")
    for text in tampered(start):
        reply = await browser.ask(f"{LOGIN}/.gateway/handoff?start={text}")
        assert (reply.status, reply.location) == (400, ""), text
    assert (await browser.ask(f"{LOGIN}/.gateway/handoff?start={start}&start={start}")).status == 400
    assert (await browser.ask(f"{LOGIN}/.gateway/handoff?start={start}")).status == 302


async def test_r12_a_tampered_ticket_is_no_pass(site: Site) -> None:
    browser, _ = site.session()
    ticket = await ticket_url(browser)
    sealed = ticket.partition("ticket=")[2]
    for text in tampered(sealed):
        reply = await browser.ask(f"{HR}/.gateway/accept?ticket={text}")
        assert (reply.status, reply.location, "__Host-gateway" in reply.set_names) == (400, "", False), text
    assert (await browser.ask(ticket)).status == 303


async def ticket_url(browser: Browser, target: str = "/", origin: str = HR) -> str:
    """The address with the ticket that this browser got and has not used."""
    handed = await browser.ask((await browser.ask(f"{origin}{target}")).location)
    assert handed.location.startswith(f"{origin}/.gateway/accept?ticket=")
    return handed.location


def has_pass(reply: BrowserReply) -> bool:
    """Whether this answer lets its browser in."""
    return any(name == "__Host-gateway" for name in reply.set_names)


async def test_r12_a_ticket_is_for_one_browser_one_host_one_use_and_half_a_minute(site: Site) -> None:
    alice, _ = site.session()
    url = await ticket_url(alice)
    stranger, bob = site.browser(), (await site.entered(BOB))
    assert not has_pass(await stranger.ask(url))
    bob.jar(HR).pop("__Host-gateway")
    await bob.ask(f"{HR}/")
    assert not has_pass(await bob.ask(url))
    assert not has_pass(await alice.ask(url.replace(HR, WIKI)))
    assert not has_pass(await alice.ask(url.replace(HR, LOGIN)))
    assert has_pass(await alice.ask(url))
    again = site.browser()
    again.jars["hr.example.com"] = {name: value for name, value in alice.jar(HR).items() if name != "__Host-gateway"}
    assert not has_pass(await again.ask(url))
    late, _ = site.session()
    url = await ticket_url(late)
    site.times.passed += 31
    assert not has_pass(await late.ask(url))


async def test_r12_a_ticket_used_twice_at_once_is_used_once(site: Site) -> None:
    """Not in the list of attacks: a race for the one use."""
    browser, _ = site.session()
    url = await ticket_url(browser)
    nonce = f"__Host-gateway-start={browser.jar(HR)['__Host-gateway-start']}"
    replies = await asyncio.gather(*(browser.ask(url, cookie=nonce) for _ in range(8)))
    assert sum(has_pass(reply) for reply in replies) == 1


async def test_r12_nothing_sealed_for_one_purpose_serves_another(site: Site) -> None:
    """Not in the list of attacks: every sealed text offered in the place of every other."""
    browser = await site.entered()
    held = browser.jar(HR)["__Host-gateway"]
    other, _ = site.session(BOB)
    start = (await other.ask(f"{HR}/x")).parameter("start")
    ticket = (await ticket_url(other)).partition("ticket=")[2]
    done = (await (await site.entered()).post(f"{HR}/.gateway/sign-out", fields=FORM)).parameter("done")
    for sealed in (held, start, ticket, done):
        if sealed != start:
            assert (await other.ask(f"{LOGIN}/.gateway/handoff?start={sealed}")).status == 400
        if sealed != ticket:
            assert (await other.ask(f"{HR}/.gateway/accept?ticket={sealed}")).status == 400
        if sealed != done:
            assert "You are signed out" not in (await other.ask(f"{LOGIN}/.gateway/sign-out?done={sealed}")).body
        if sealed != held:
            assert (await site.ask("/", f"Cookie: __Host-gateway={sealed}\r\n".encode())).status == 401
        assert (await site.ask("/", f"Cookie: __Host-gateway={sealed}\r\n".encode(), origin=WIKI)).status == 401
        posted = await other.post(f"{LOGIN}/.gateway/switch", f"request={sealed}")
        assert posted.status == 400


async def test_r12_a_sign_out_note_of_ones_own_ends_nobody_elses_session(site: Site) -> None:
    """Not in the list of attacks: mallory's note of her own sign-out in a link that alice follows."""
    mallory = await site.entered(BOB)
    done = (await mallory.post(f"{HR}/.gateway/sign-out", fields=FORM)).location
    alice = await site.entered(ALICE)
    reply = await alice.ask(done)
    assert not {"sid", "idx"} & set(reply.set_names) and alice.jar(LOGIN)["sid"]
    assert (await alice.ask(f"{HR}/")).status == 200


async def test_r13_a_browser_that_keeps_no_cookies_is_told_so(site: Site) -> None:
    blocked, session = site.browser(), site.org.sign_in(ALICE)
    url, asked = f"{HR}/x", []
    for _ in range(20):
        asked.append(url)
        cookie = f"sid={session.sid}" if url.startswith(LOGIN) else ""
        reply = await blocked.ask(url, cookie=cookie)
        blocked.jars.clear()
        if not reply.location:
            break
        url = reply.location if "://" in reply.location else f"https://{urlsplit(url).netloc}{reply.location}"
    assert reply.status == 400 and "cookie" in reply.body.lower()
    assert len(asked) <= 4 and site.behind.visits == []


async def test_r13_a_browser_that_loses_only_its_pass_is_told_so_after_three_times(site: Site) -> None:
    browser, _ = site.session()
    url, asked = f"{HR}/x", []
    for _ in range(30):
        asked.append(url)
        reply = await browser.ask(url)
        browser.jar(HR).pop("__Host-gateway", None)
        if not reply.location:
            break
        url = reply.location if "://" in reply.location else f"{HR}{reply.location}"
    assert reply.status == 400 and site.behind.visits == []
    assert sum("/.gateway/accept" in one for one in asked) == 3


async def test_r13_a_session_that_okta_does_not_confirm_ends_in_a_page(site: Site) -> None:
    """The sign-in page believes the session and sends the browser back, the gateway does not: three times, then the page."""
    browser = site.browser()
    url, asked = f"{HR}/x", []
    for _ in range(30):
        asked.append(url)
        if url.startswith(f"{LOGIN}/login/"):
            url = f"{LOGIN}{BrowserReply(200, [('Location', url)], '').parameter('fromURI')}"
            continue
        reply = await browser.ask(url, cookie="sid=102dead" if url.startswith(LOGIN) else None)
        if not reply.location:
            break
        url = reply.location if "://" in reply.location else f"{LOGIN}{reply.location}"
    assert (reply.status, site.behind.visits) == (400, [])
    assert sum("/login/login.htm" in one for one in asked) == 3


@pytest.mark.parametrize("status", [401, 403])
async def test_r13_an_app_that_refuses_is_not_mistaken_for_a_session_that_ended(site: Site, status: int) -> None:
    """An app's own 401 is its own: passed on as it is, never answered with a redirect to sign-in."""
    cookie = await site.signed_in()
    site.behind.script = answering(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
    for _ in range(5):
        reply = await site.ask("/x", cookie + NAVIGATE)
        assert (reply.status, reply.location) == (status, "")
