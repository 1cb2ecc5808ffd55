"""Sign-ins that go round in circles end in a page that says so, on both hosts."""

from gateway.doors.own.login_handoff import LoginHandoff
from gateway.policy.http.messages import RequestHead, parse_authority
from gateway.policy.session.sign_in_loops import STRAIGHT_ON_ALLOWED, StartMark
from tests.harness.browser import ALICE, BOB, HR, LOGIN, Browser
from tests.harness.site import Site

PASS, START = "__Host-gateway", "__Host-gateway-start"


async def round_trip(gateway: Site, browser: Browser) -> int:
    """From the app to the login host and back with a pass, which this browser does not keep; the status of the first step."""
    reply = await browser.ask(f"{HR}/")
    if reply.status == 302:
        assert (await browser.ask((await browser.ask(reply.location)).location)).status == 303
        browser.jar(HR).pop(PASS)
    return reply.status


async def test_three_ways_round_in_a_minute_end_in_a_page_that_explains_them(gateway: Site) -> None:
    browser, _ = gateway.session()
    assert [await round_trip(gateway, browser) for _ in range(3)] == [302, 302, 302]
    looped = await browser.ask(f"{HR}/")
    assert (looped.status, looped.location) == (400, "") and "circles" in looped.body
    assert await round_trip(gateway, browser) == 302, "the user's own next try counts anew"


async def test_ways_round_that_lie_half_a_minute_apart_are_no_loop(gateway: Site) -> None:
    browser, _ = gateway.session()
    for _ in range(6):
        assert await round_trip(gateway, browser) == 302
        gateway.times.passed += 31


async def test_eight_tabs_that_open_at_once_are_no_loop(gateway: Site) -> None:
    """A restored window: every tab is sent to sign in before the first one is back (vouch-proxy issue 167)."""
    browser, _ = gateway.session()
    started = [await browser.ask(f"{HR}/tab/{n}") for n in range(8)]
    assert [reply.status for reply in started] == [302] * 8
    done = [await browser.ask((await browser.ask(reply.location)).location) for reply in started]
    assert [(reply.status, reply.location) for reply in done] == [(303, f"/tab/{n}") for n in range(8)]


async def test_eight_tabs_that_open_while_nobody_is_signed_in_all_reach_oktas_sign_in(gateway: Site) -> None:
    browser = gateway.browser()
    for n in range(8):
        started = await browser.ask(f"{HR}/tab/{n}")
        shown = await browser.ask(started.location)
        assert (shown.status, "/login/login.htm" in shown.location) == (302, True)


async def test_a_tab_whose_nonce_another_tab_replaced_begins_again_and_arrives(gateway: Site) -> None:
    browser, _ = gateway.session()
    first = await browser.ask(f"{HR}/first")
    browser.jar(HR).clear()  # both left before either cookie was there
    second = await browser.ask(f"{HR}/second")
    again = await browser.ask((await browser.ask(first.location)).location)
    assert (again.status, again.location) == (303, "/.gateway/sign-in?to=%2Ffirst")
    assert PASS not in again.set_names
    third = await browser.ask(HR + again.location)
    arrived = await browser.ask((await browser.ask(third.location)).location)
    assert (arrived.status, arrived.location) == (303, "/first")
    assert (await browser.ask((await browser.ask(second.location)).location)).location == "/second"


async def test_a_sign_in_that_brings_no_session_four_times_is_explained_by_the_login_host(gateway: Site) -> None:
    browser = gateway.browser()
    started = await browser.ask(f"{HR}/reports")
    statuses = [(await browser.ask(started.location)).status for _ in range(4)]
    assert statuses == [302, 302, 302, 400]
    assert (await browser.ask(started.location)).status == 302


async def test_a_browser_that_keeps_nothing_but_a_pass_that_has_ended_goes_round_as_often_and_no_more(gateway: Site) -> None:
    """Once the count began anew wherever the pass that was shown had ended: so it never came to three."""
    browser = await gateway.entered(ALICE)
    ended = browser.jar(HR)[PASS]
    await gateway.revoke(browser)
    browser.signs_in(gateway.org.sign_in(BOB))
    statuses = []
    for _ in range(4):
        reply = await browser.ask(f"{HR}/")
        statuses.append(reply.status)
        if reply.status == 302:
            await browser.ask((await browser.ask(reply.location)).location)
            browser.jar(HR)[PASS] = ended
    assert statuses == [302, 302, 302, 400]


async def test_users_who_take_turns_go_round_in_no_circle(gateway: Site) -> None:
    browser = await gateway.entered(ALICE)
    for login in (BOB, ALICE, BOB, ALICE, BOB, ALICE):
        await gateway.revoke(browser)
        browser.signs_in(gateway.org.sign_in(login))
        reply, _ = await browser.walk(f"{HR}/")
        assert reply.body == f"hello {login}"


async def test_a_session_that_ends_behind_each_of_its_tickets_is_a_circle_too(gateway: Site) -> None:
    browser = gateway.browser()
    statuses = []
    for _ in range(4):
        browser.signs_in(gateway.org.sign_in(ALICE))
        reply = await browser.ask(f"{HR}/")
        statuses.append(reply.status)
        if reply.status == 302:
            handed = await browser.ask(reply.location)
            await gateway.revoke(browser)
            again = await browser.ask(handed.location)
            assert (again.status, again.location) == (303, "/.gateway/sign-in?to=%2F")
    assert statuses == [302, 302, 302, 302], "each was another session: its user's own doing"
    rounds = StartMark.parse(browser.jar(HR)[START].encode(), gateway.times.wall).rounds
    assert len(rounds) == 4, "and all of them count"


async def test_a_login_host_whose_clock_is_ahead_finds_each_start_too_old_three_times(gateway: Site) -> None:
    browser, _ = gateway.session()
    url, statuses = f"{HR}/one", []
    for _ in range(4):
        begun = await browser.ask(url)
        statuses.append(begun.status)
        if begun.status == 302:
            gateway.times.passed += 700
            late = await browser.ask(begun.location)
            gateway.times.passed -= 700
            url = late.location
            assert url == f"{HR}/.gateway/sign-in?to=%2Fone&late=1"
    assert statuses == [302, 302, 302, 302]
    assert (await browser.ask(url)).status == 400


async def test_tickets_that_come_too_late_to_a_live_pass_are_counted_as_it_goes_straight_on(gateway: Site) -> None:
    browser = await gateway.entered(ALICE)
    for _ in range(STRAIGHT_ON_ALLOWED):
        kept = browser.jar(HR).pop(PASS)
        late = await browser.ticket_url()
        browser.jar(HR)[PASS] = kept
        gateway.times.passed += 31
        assert (await browser.ask(late)).status == 303
        gateway.times.passed -= 31
    assert (await browser.ask(f"{HR}/.gateway/sign-in?to=/")).status == 400


async def test_a_hand_off_whose_browser_signs_in_again_and_again_is_sent_back_three_times(gateway: Site) -> None:
    browser = gateway.browser()
    url = (await browser.ask(f"{HR}/one")).location
    parts = gateway.parts
    # By itself: through the login door each of these steps needs a session that ends while its hand-off is under way.
    handoff = LoginHandoff(
        *(parts.table, parts.sealer, parts.sessions, parts.closer, parts.tickets, parts.clock), parts.config.okta.sign_in
    )
    told = [await handoff.sent_back(_came(url)) for _ in range(4)]
    assert [one.answer.status for one in told] == [307, 307, 307, 400] and b"circles" in told[-1].answer.body
    assert (await handoff.sent_back(_came(url))).answer.status == 307
    for query in ("", "?start=x", "?start=a&start=b"):
        assert (await handoff.sent_back(_came(f"{LOGIN}/.gateway/handoff{query}"))).answer.status == 400


def _came(url: str) -> RequestHead:
    authority = parse_authority("login.example.com", True)
    assert authority is not None
    return RequestHead("GET", url.removeprefix(LOGIN), authority, (), True, "192.0.2.1", "192.0.2.1")
