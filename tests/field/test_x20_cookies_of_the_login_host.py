"""Row X20: the browser id and the pending cookie are sent with forms of other sites, and only the login host can set them."""

import re

from gateway.dev.standin import Fault
from gateway.policy.session.passes import Pass
from gateway.policy.session.seal import Sealer
from tests.harness.browser import ALICE, HR, LOGIN, WIKI, Browser
from tests.harness.site import FETCH, Site, cookie_line

ME = "/api/v1/sessions/me"
BROWSER = "__Host-gateway-browser"


async def first_line(browser: Browser) -> str:
    started = await browser.ask(f"{HR}/")
    reply = await browser.ask(started.location)
    [line] = [line for line in reply.values("Set-Cookie") if line.startswith(BROWSER)]
    return line


async def test_x20_the_login_host_gives_each_browser_an_id_of_its_own_once(site: Site) -> None:
    browser, other = site.session(ALICE)[0], site.browser()
    line, others = await first_line(browser), await first_line(other)
    attributes = "; Max-Age=34560000; Path=/; Secure; HttpOnly; SameSite=None"
    found = re.fullmatch(rf"{BROWSER}=([A-Za-z0-9_-]{{22}}){re.escape(attributes)}", line)
    assert found is not None and found[1] not in others
    started = await browser.ask(f"{WIKI}/")
    assert BROWSER not in (await browser.ask(started.location)).set_names, "it has one"
    started = await browser.ask(f"{WIKI}/")
    doubled = f"{cookie_line(browser, LOGIN).decode().strip().removeprefix('Cookie: ')}; {BROWSER}=x"
    assert BROWSER in (await browser.ask(started.location, cookie=doubled)).set_names, "an odd one is none"
    assert BROWSER not in browser.jar(HR)


async def test_x20_the_id_is_in_the_pass(site: Site) -> None:
    browser = await site.entered(ALICE)
    opened = Sealer([b"k" * 32], lambda count: b"").open("pass", "hr.example.com:443", browser.jar(HR)["__Host-gateway"])
    held = Pass.unpacked(opened.payload) if opened is not None else None
    assert held is not None and held.browser == browser.jar(LOGIN)[BROWSER]


async def test_x20_the_pending_cookie_is_sent_from_other_sites(site: Site) -> None:
    browser = await site.entered(ALICE)
    site.org.faults.add(Fault(ME, None, 500, times=None))
    shown = await browser.ask((await browser.post(f"{HR}/.gateway/sign-out")).location)
    [line] = [line for line in shown.values("Set-Cookie") if line.startswith("__Host-gateway-pending=")]
    assert line.endswith("; Path=/; Secure; HttpOnly; SameSite=None")
    assert (await site.ask("/", FETCH + cookie_line(browser, HR))).status == 401
