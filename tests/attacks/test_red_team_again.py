"""Security holes that a second attack on the composed gateway found, each with the smallest request that used it. All are closed."""

import asyncio
from urllib.parse import quote

import aiohttp
import pytest

from gateway.dev.standin import fault
from tests.attacks.links import ME, OTHER_SITE, OWN_SITE, link, signed_in_at_org
from tests.harness.browser import ALICE, BOB, LOGIN
from tests.harness.site import FETCH, NAVIGATE, Site, cookie_line, deployed

CROSS_PICTURE = b"Accept: */*\r\nOrigin: https://evil.example\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: cross-site\r\n"
PUSHED = {"client_id": "portal", "response_type": "code", "scope": "openid", "redirect_uri": "https://portal.example.com/cb", "state": "x"}


def beside_a_session(site: Site) -> list[str]:
    """The paths of requests that carried a token and a session to the org."""
    return [row.path for row in site.org.journal.rows if row.token and {"sid", "idx"} & set(row.cookie_names)]


async def test_the_address_of_oktas_cookie_picture_is_a_place_too(site: Site) -> None:
    browser, _ = site.session()
    await site.ask(f"/login/sessionCookie?token={site.org.session_token(BOB)}", OWN_SITE + cookie_line(browser, LOGIN), origin=LOGIN)
    assert [row.path for row in site.org.journal.rows if row.path == "/login/sessionCookie" and "sid" in row.cookie_names] == []


@pytest.mark.parametrize("spoilt", ["fault", "client_id"])
async def test_what_a_stranger_did_with_a_reference_says_nothing_about_others(site: Site, spoilt: str) -> None:
    async with aiohttp.ClientSession() as client:
        form = {**PUSHED, "sessionToken": site.org.session_token(BOB)}
        host = {"Host": "login.example.com"}
        async with client.post(f"{site.running.url}/oauth2/v1/par", data=form, headers=host) as pushed:
            reference = quote((await pushed.json())["request_uri"])
    if spoilt == "fault":
        site.org.faults.add(fault({"method": "GET", "path": "/oauth2/v1/authorize", "status": 500}))
    wrong = "WRONG" if spoilt == "client_id" else "portal"
    stranger = OTHER_SITE + b"User-Agent: evil\r\n"
    await site.ask(f"/oauth2/v1/authorize?client_id={wrong}&request_uri={reference}", stranger, origin=LOGIN)
    browser, _ = site.session()
    authorize = f"/oauth2/v1/authorize?client_id=portal&request_uri={reference}"
    await site.ask(authorize, OTHER_SITE + cookie_line(browser, LOGIN), origin=LOGIN)
    assert beside_a_session(site) == []
    assert signed_in_at_org(site) == [ALICE]


@pytest.mark.parametrize(("method", "path"), [("HEAD", "/login/signout"), ("GET", "/signout")])
async def test_no_spelling_or_method_of_a_sign_out_works_as_a_picture(site: Site, method: str, path: str) -> None:
    browser, _ = site.session()
    await site.ask(path, CROSS_PICTURE + cookie_line(browser, LOGIN), origin=LOGIN, method=method)
    assert signed_in_at_org(site) == [ALICE]


@pytest.mark.parametrize("engine", ["classic", "identity"])
@pytest.mark.parametrize("path", ["link", "/login/signout"])
async def test_a_revoked_cookie_beside_a_live_one_hides_nobody(engine: str, path: str) -> None:
    async with deployed("identity" if engine == "identity" else "classic") as site:
        alice, other = site.org.sign_in(ALICE), site.org.sign_in(BOB)
        planted = f"idx={other.idx or other.sid}"
        await site.ask(ME, FETCH + f"Cookie: {planted}\r\n".encode(), origin=LOGIN, method="DELETE")
        target = link(site.org.session_token(BOB)) if path == "link" else path
        for _ in range(3):
            await site.ask(target, OTHER_SITE + f"Cookie: {planted}; sid={alice.sid}\r\n".encode(), origin=LOGIN)
        assert ALICE in signed_in_at_org(site)


async def test_an_old_pending_cookie_hides_nobody() -> None:
    async with deployed("identity") as site:
        browser, old = site.browser(), site.org.sign_in(BOB)
        browser.signs_in(old)
        site.org.faults.add(fault({"method": "*", "path": ME, "status": 503, "times": None}))
        await browser.post(f"{LOGIN}/.gateway/sign-out")
        site.org.faults.clear()
        alice, pending = site.org.sign_in(ALICE), browser.jar(LOGIN)["__Host-gateway-pending"]
        site.times.passed += 100
        cookies = f"Cookie: __Host-gateway-pending={pending}; idx={alice.idx}\r\n".encode()
        for _ in range(3):
            reply = await site.ask(link(site.org.session_token(BOB)), OTHER_SITE + cookies, origin=LOGIN)
        assert b"Continue as somebody else?" in reply.body
        assert ALICE in signed_in_at_org(site)


async def test_a_late_answer_that_sets_the_very_value_again_does_not_hold_up_the_switch(site: Site) -> None:
    browser, alice = site.session()
    line = cookie_line(browser, LOGIN)
    same = {"Set-Cookie": f"sid={alice.sid}; Path=/; Secure; HttpOnly"}
    site.org.faults.add(fault({"method": "GET", "path": "/app/slow", "status": 200, "hold": True, "headers": same}))
    slow = asyncio.create_task(site.ask("/app/slow", NAVIGATE + line, origin=LOGIN))
    await site.org.journal.seen("GET", "/app/slow")
    switching = asyncio.create_task(site.ask(link(site.org.session_token(BOB)), OWN_SITE + line, origin=LOGIN))
    while b"no_session" not in (await site.ask("/.gateway/session", FETCH + line, origin=LOGIN)).body:
        pass
    site.org.faults.clear()
    assert (await switching).status == 302
    assert [value for value in (await slow).values("Set-Cookie") if value.startswith("sid=")] == []
    assert signed_in_at_org(site) == [BOB]
