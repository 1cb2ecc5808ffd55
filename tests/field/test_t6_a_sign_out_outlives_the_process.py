"""Row T6: a sign-out while Okta did not answer, then a restart of the gateway: no app is told the old user again."""

import asyncio
from pathlib import Path

from gateway.dev.standin import Fault
from tests.field.restarts import at, restarted
from tests.harness.browser import ALICE, BOB, FORM, HR, LOGIN, WIKI, Browser
from tests.harness.site import CONFIGURATION, FETCH, NAVIGATE, Site, cookie_line, deployed
from tests.harness.subrequests import TRUSTING, ask
from tests.harness.wire import PATIENCE

ME = "/api/v1/sessions/me"
PASS, PENDING = "__Host-gateway", "__Host-gateway-pending"
SIGN_OUT = "/.gateway/sign-out"


def okta_is_away(site: Site) -> None:
    site.org.faults.add(Fault(ME, "DELETE", 503, times=None))
    site.org.faults.add(Fault(ME, "GET", 503, times=None))


async def signed_out_while_okta_was_away(site: Site) -> Browser:
    """Alice used two apps and signed out in one; nothing could be proven, and her session lives on at Okta."""
    browser = await site.entered(ALICE, HR)
    await site.enters(browser, WIKI)
    okta_is_away(site)
    shown = await browser.ask((await browser.post(f"{HR}{SIGN_OUT}")).location)
    assert "keep trying" in shown.body and set(browser.okta_cookies()) == {PENDING}
    assert [session.user.login for session in site.org.sessions.active()] == [ALICE]
    return browser


async def test_t6_after_a_restart_the_other_app_does_not_say_alice_and_the_close_is_tried_again() -> None:
    async with deployed() as site:
        browser = await signed_out_while_okta_was_away(site)
        async with restarted(site) as after:
            browser = at(after, browser)
            pass_line = f"Cookie: {PASS}={browser.jar(WIKI)[PASS]}\r\n".encode()
            assert (await after.ask("/", FETCH + pass_line, origin=WIKI)).status == 401
            tried = after.seen(ME)  # a process that never saw these cookies asks about them before it closes
            shown, asked = await browser.walk(f"{WIKI}/")
            assert f"hello {ALICE}" not in shown.body and asked[-1].startswith(f"{LOGIN}/login/login.htm")
            assert after.seen(ME) > tried and set(browser.okta_cookies()) == {PENDING}, "not proven: kept"
            after.org.faults.clear()
            shown, asked = await browser.walk(f"{WIKI}/")
            assert asked[-1].startswith(f"{LOGIN}/login/login.htm") and browser.okta_cookies() == {}, "proven: cleared"
            assert after.org.sessions.active() == []


async def test_t6_when_okta_answers_again_a_pass_from_before_is_no_way_back() -> None:
    """The pass alone, without the pending cookie, as when the browser dropped it: the login host sees no session, so nobody is in."""
    async with deployed() as site:
        browser = await signed_out_while_okta_was_away(site)
        browser.jar(LOGIN).clear()
        site.org.faults.clear()
        async with restarted(site) as after:
            browser = at(after, browser)
            shown, asked = await browser.walk(f"{WIKI}/")
            assert asked[-1].startswith(f"{LOGIN}/login/login.htm") and ALICE not in shown.body
            own = await browser.ask(f"{WIKI}/.gateway/session", fields={"Accept": "application/json"})
            assert own.status == 401


async def test_t6_the_living_session_of_another_user_goes_on_while_the_old_one_is_closed() -> None:
    async with deployed() as site:
        browser = await signed_out_while_okta_was_away(site)
        async with restarted(site) as after:
            browser = at(after, browser)
            browser.signs_in(after.org.sign_in(BOB))
            after.org.faults.clear()
            tried = after.seen(ME, "DELETE")
            shown, _ = await browser.walk(f"{WIKI}/")
            assert shown.status == 200 and after.behind.visits[-1].value(b"x-auth-user") == BOB.encode()
            assert after.seen(ME, "DELETE") > tried and set(browser.okta_cookies()) == {"sid"}
            assert [session.user.login for session in after.org.sessions.active()] == [BOB]


async def test_t6_cookies_that_are_carried_are_nobodys_even_where_the_browser_still_presents_them() -> None:
    async with deployed() as site:
        browser = site.browser()
        session = site.org.sign_in(ALICE)
        browser.signs_in(session)
        await site.enters(browser, WIKI)
        okta_is_away(site)
        await browser.post(f"{LOGIN}{SIGN_OUT}", "", FORM)
        browser.signs_in(session)  # an answer that was on its way brought the cookie back
        async with restarted(site) as after:
            browser = at(after, browser)
            shown, asked = await browser.walk(f"{WIKI}/")
            assert asked[-1].startswith(f"{LOGIN}/login/login.htm") and ALICE not in shown.body
            assert set(browser.okta_cookies()) == {"sid", PENDING}


async def test_t6_whoever_did_not_sign_out_goes_through_one_hand_off_and_is_in() -> None:
    async with deployed() as site:
        browser = await site.entered(ALICE)
        line = cookie_line(browser, HR)
        async with restarted(site) as after:
            browser = at(after, browser)
            assert (await after.ask("/", FETCH + line)).status == 401, "what is no navigation is told where to sign in"
            shown, asked = await browser.walk(f"{HR}/where?x=1")
            assert shown.status == 200 and [url.partition("?")[0] for url in asked] == [
                f"{HR}/where",
                f"{LOGIN}/.gateway/handoff",
                f"{HR}/.gateway/accept",
                f"{HR}/where",
            ]
            assert (await browser.ask(f"{HR}/")).status == 200


async def test_t6_the_door_for_front_proxies_does_not_take_a_pass_from_before_either() -> None:
    async with deployed(listen=TRUSTING) as site:
        cookie = await site.signed_in()
        assert (await ask(site, "nginx", "/", FETCH + cookie)).status == 200
        async with restarted(site) as after:
            assert (await ask(after, "nginx", "/", FETCH + cookie)).status == 401
            redirected = await ask(after, "traefik", "/", NAVIGATE + cookie)
            assert redirected.status == 302 and "/.gateway/sign-in?to=" in redirected.location


async def test_t6_two_replicas_that_began_together_send_a_browser_round_once_each_at_most() -> None:
    async with deployed() as site, site.beside() as other:
        browser = await site.entered(ALICE)
        there = at(other, browser)
        shown, asked = await there.walk(f"{HR}/")
        assert shown.status == 200 and len(asked) == 4
        for one in (browser, there) * 3:
            assert (await one.ask(f"{HR}/")).status == 200


async def test_t6_a_pass_of_another_replica_that_began_long_ago_is_taken_at_once() -> None:
    async with deployed() as site, site.beside() as other:
        site.times.passed += 31
        browser = await site.entered(ALICE)
        assert (await at(other, browser).ask(f"{HR}/")).status == 200


async def test_t6_with_a_directory_the_revocation_itself_outlives_the_process_and_nobody_else_goes_round(tmp_path: Path) -> None:
    kept = f'{CONFIGURATION}\n[state]\ndirectory = "{tmp_path}"\n'
    async with deployed(configuration=kept) as site:
        browser = await signed_out_while_okta_was_away(site)
        browser.jar(LOGIN).clear()
        site.org.faults.clear()
        other = await site.entered(BOB, HR)
        async with restarted(site) as after:
            line = f"Cookie: {PASS}={browser.jar(WIKI)[PASS]}\r\n".encode()
            assert (await after.ask("/", FETCH + line, origin=WIKI)).status == 401
            assert (await after.ask("/", FETCH + cookie_line(other, HR))).status == 200, "the memory is the same one"


async def test_t6_a_hand_off_does_not_wait_for_ever_for_an_end() -> None:
    async with deployed() as site:
        browser = await signed_out_while_okta_was_away(site)
        async with restarted(site) as after:
            browser = at(after, browser)
            after.org.faults.clear()
            held = Fault(ME, "DELETE", 204, times=None, release=asyncio.Event())
            after.org.faults.add(held)
            async with asyncio.timeout(PATIENCE):
                _, asked = await browser.walk(f"{WIKI}/")
            assert asked[-1].startswith(f"{LOGIN}/login/login.htm") and PENDING in browser.okta_cookies()
            after.org.faults.clear()
