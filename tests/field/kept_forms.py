"""Owns the steps of users who send a form after their session has ended, as browsers do them."""

from collections.abc import Mapping

from tests.harness.app import Visit
from tests.harness.browser import ALICE, HR, Browser, BrowserReply
from tests.harness.site import Site
from tests.pages.parsed import parse

TARGET = "/leave/save?year=2026&of=a%20b"
FROM = "1999-12-01"  # a day that no clock shows again, so it is in a page or in the log only if the form is
BODY = f"from={FROM}&why=%C3%A4%E4+%26x&why=again&empty=&=odd&&%zz"
PASS, OWNER = "__Host-gateway", "__Host-gateway-owner"
ACCEPTS = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
SUBMITTED = {**ACCEPTS, "Sec-Fetch-Site": "same-origin", "Origin": HR, "Content-Type": "application/x-www-form-urlencoded"}
PLAIN = {**SUBMITTED, "Content-Type": "text/plain"}
IN_FRAME = {"Sec-Fetch-Dest": "iframe"}


def heading(reply: BrowserReply) -> str:
    """What the page is about."""
    return parse(reply.body.encode()).text("h1")


def form_of(reply: BrowserReply) -> tuple[str, str]:
    """Where the form of the page goes, and its body as a browser sends it."""
    page = parse(reply.body.encode())
    [form] = page.named("form")
    [field] = page.named("input")
    assert (form["method"], form["enctype"], field["type"]) == ("post", "text/plain", "hidden")
    return str(form["action"]), f"{field['name']}={field['value']}\r\n"


async def submits(browser: Browser, body: str = BODY, target: str = TARGET, fields: Mapping[str, str] = SUBMITTED) -> BrowserReply:
    """Post the form, and follow a 307 as browsers do: with the same body."""
    reply = await browser.ask(f"{HR}{target}", "POST", fields, body)
    return await browser.ask(f"{HR}{reply.location}", "POST", fields, body) if reply.status == 307 else reply


async def sends(browser: Browser, page: BrowserReply, fields: Mapping[str, str] = PLAIN) -> BrowserReply:
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
    for session in site.org.sessions.active():
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
