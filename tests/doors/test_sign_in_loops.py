"""Sign-ins that go round in circles end in a page that says so, on both hosts."""

from collections.abc import AsyncIterator

import pytest

from tests.doors.own_gateway import HR, Browser, OwnGateway, own_gateway

PASS = "__Host-gateway"


@pytest.fixture
async def gateway() -> AsyncIterator[OwnGateway]:
    async with own_gateway() as made:
        yield made


async def round_trip(gateway: OwnGateway, browser: Browser) -> int:
    """From the app to the login host and back with a pass, which this browser does not keep; the status of the first step."""
    reply = await browser.ask(f"{HR}/")
    if reply.status == 302:
        assert (await browser.ask((await browser.ask(reply.location)).location)).status == 303
        browser.jar(HR).pop(PASS)
    return reply.status


async def test_three_ways_round_in_a_minute_end_in_a_page_that_explains_them(gateway: OwnGateway) -> None:
    browser, _ = gateway.signed_in()
    assert [await round_trip(gateway, browser) for _ in range(3)] == [302, 302, 302]
    looped = await browser.ask(f"{HR}/")
    assert (looped.status, looped.location) == (400, "") and "circles" in looped.body
    assert await round_trip(gateway, browser) == 302, "the user's own next try counts anew"


async def test_ways_round_that_lie_half_a_minute_apart_are_no_loop(gateway: OwnGateway) -> None:
    browser, _ = gateway.signed_in()
    for _ in range(6):
        assert await round_trip(gateway, browser) == 302
        gateway.times.passed += 31


async def test_eight_tabs_that_open_at_once_are_no_loop(gateway: OwnGateway) -> None:
    """A restored window: every tab is sent to sign in before the first one is back (vouch-proxy issue 167)."""
    browser, _ = gateway.signed_in()
    started = [await browser.ask(f"{HR}/tab/{n}") for n in range(8)]
    assert [reply.status for reply in started] == [302] * 8
    done = [await browser.ask((await browser.ask(reply.location)).location) for reply in started]
    assert [(reply.status, reply.location) for reply in done] == [(303, f"/tab/{n}") for n in range(8)]


async def test_eight_tabs_that_open_while_nobody_is_signed_in_all_reach_oktas_sign_in(gateway: OwnGateway) -> None:
    browser = gateway.browser()
    for n in range(8):
        started = await browser.ask(f"{HR}/tab/{n}")
        shown = await browser.ask(started.location)
        assert (shown.status, "/login/login.htm" in shown.location) == (302, True)


async def test_a_tab_whose_nonce_another_tab_replaced_begins_again_and_arrives(gateway: OwnGateway) -> None:
    browser, _ = gateway.signed_in()
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


async def test_a_sign_in_that_brings_no_session_four_times_is_explained_by_the_login_host(gateway: OwnGateway) -> None:
    browser = gateway.browser()
    started = await browser.ask(f"{HR}/reports")
    statuses = [(await browser.ask(started.location)).status for _ in range(4)]
    assert statuses == [302, 302, 302, 400]
    assert (await browser.ask(started.location)).status == 302
