"""Row X17: a sign-out that another site asked for leads back to that site, after the user pressed the button, if the site is listed."""

import html
import re
from urllib.parse import quote

import pytest

from gateway.dev.standin import Fault
from tests.harness.browser import ALICE, FORM, HR, LOGIN, NAVIGATION, Browser, BrowserReply
from tests.harness.configuration import SMALLEST, problems
from tests.harness.site import CONFIGURATION, deployed

PORTAL, EVIL = "https://portal.example.com", "https://evil.example.net"
PLACE = f"{PORTAL}/goodbye?x=1&y=2"
SIGN_OUT = "/.gateway/sign-out"
ME = "/api/v1/sessions/me"
LISTED = CONFIGURATION.replace("[switch]\n", f'[switch]\nreturn_origins = ["{PORTAL}"]\n')
CROSS_SITE = {**NAVIGATION, "Sec-Fetch-Site": "cross-site"}


def hidden(reply: BrowserReply) -> str:
    """Where the form of the page would lead."""
    found = re.search(r'name="to" value="([^"]*)"', reply.body)
    return html.unescape(found[1]) if found is not None else ""


def leads_to(reply: BrowserReply) -> str:
    """Where the page goes on to by itself."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', reply.body)
    return html.unescape(found[1]) if found is not None else ""


async def asks(browser: Browser, back: str) -> BrowserReply:
    """The page with the button, after a link of another site to Okta's sign-out."""
    sent = await browser.ask(f"{LOGIN}/login/signout?fromURI={quote(back, safe='')}", fields=CROSS_SITE)
    assert sent.status == 303 and sent.location.startswith(f"{LOGIN}{SIGN_OUT}")
    return await browser.ask(sent.location)


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_x17_the_user_comes_back_to_the_place_that_sent_it_once_all_is_closed(engine: str) -> None:
    async with deployed(engine, configuration=LISTED) as site:
        browser = await site.entered(ALICE)
        shown = await asks(browser, PLACE)
        assert hidden(shown) == PLACE and len(site.org.sessions.active()) == 1
        ended = await browser.post(f"{LOGIN}{SIGN_OUT}", f"to={quote(hidden(shown), safe='')}", {**FORM, "Origin": LOGIN})
        assert (ended.status, leads_to(ended)) == (200, PLACE) and "Go back" in ended.body
        assert site.org.sessions.active() == []


async def test_x17_the_button_of_an_app_host_leads_back_too() -> None:
    async with deployed(configuration=LISTED) as site:
        browser = await site.entered(ALICE)
        shown = await browser.ask(f"{HR}{SIGN_OUT}?to={quote(PLACE, safe='')}")
        assert hidden(shown) == PLACE
        posted = await browser.post(f"{HR}{SIGN_OUT}", f"to={quote(PLACE, safe='')}", {**FORM, "Origin": HR})
        ended = await browser.ask(posted.location)
        assert leads_to(ended) == PLACE and site.org.sessions.active() == []


async def test_x17_while_the_end_is_not_proven_the_page_says_so_and_stays() -> None:
    async with deployed(configuration=LISTED) as site:
        browser = await site.entered(ALICE)
        site.org.faults.add(Fault(ME, "DELETE", 503, times=None))
        ended = await browser.post(f"{LOGIN}{SIGN_OUT}", f"to={quote(PLACE, safe='')}", {**FORM, "Origin": LOGIN})
        assert leads_to(ended) == "" and "could not be reached" in ended.body and f'href="{html.escape(PLACE)}"' in ended.body


NO_PLACE = [
    "/",
    "/login/sessionCookieRedirect?token=x",
    f"{LOGIN}/login/sessionCookieRedirect?token=x",
    "//portal.example.com/",
    f"{EVIL}/",
    f"{PORTAL}.evil.example.net/",
    f"{PORTAL}@evil.example.net/",
    "https://user@portal.example.com/",
    "http://portal.example.com/",
    f"{PORTAL}:8443/",
    "javascript:alert(1)",
    f"{PORTAL}/\\evil.example.net",
]


@pytest.mark.parametrize("back", NO_PLACE)
async def test_x17_no_other_place_is_led_to(back: str) -> None:
    async with deployed(configuration=LISTED) as site:
        browser = await site.entered(ALICE)
        shown = await asks(browser, back)
        assert shown.status == 200 and hidden(shown) == ""
        ended = await browser.post(f"{LOGIN}{SIGN_OUT}", f"to={quote(back, safe='')}", {**FORM, "Origin": LOGIN})
        assert ended.status == 200 and leads_to(ended) == "" and "evil.example" not in ended.body and "token=x" not in ended.body


async def test_x17_a_site_that_is_not_listed_and_an_app_are_not_led_to_by_themselves() -> None:
    async with deployed() as site:
        for back, offered in ((PLACE, ""), (f"{HR}/x", f"{HR}/x")):
            browser = await site.entered(ALICE)
            assert hidden(await asks(browser, back)) == offered
            ended = await browser.post(f"{LOGIN}{SIGN_OUT}", f"to={quote(back, safe='')}", {**FORM, "Origin": LOGIN})
            assert leads_to(ended) == "", "an app would begin a new sign-in"


WRONG = [f"{PORTAL}/goodbye", "portal.example.com", "javascript:alert(1)", "*"]


@pytest.mark.parametrize("origin", WRONG)
def test_x17_the_configuration_takes_origins_and_nothing_else(origin: str) -> None:
    assert any("return_origins" in line for line in problems(f'[switch]\nreturn_origins = ["{origin}"]\n' + SMALLEST))
    assert problems(f'[switch]\nreturn_origins = ["{PORTAL}"]\n' + SMALLEST) == ()
