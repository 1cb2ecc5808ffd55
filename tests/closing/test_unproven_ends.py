"""Sign-outs whose end at Okta cannot be proven: refused here at once, carried by the browser, and never called complete."""

import secrets
from collections.abc import AsyncIterator

import pytest

from gateway.errors import Unreachable
from gateway.policy.session.passes import Pending
from gateway.revocations import Revocation
from gateway.shared_state import MemoryState
from tests.harness.app import greets
from tests.harness.browser import ALICE, BOB, FORM, HR, LOGIN, WIKI, Browser
from tests.harness.site import Site, deployed

PASS, PENDING = "__Host-gateway", "__Host-gateway-pending"
SIGN_OUT = "/.gateway/sign-out"


@pytest.fixture
async def gateway() -> AsyncIterator[Site]:
    async with deployed(script=greets) as made:
        yield made


class StateWithoutPublishing(MemoryState):
    """The shared state of a process whose neighbours cannot be told."""

    async def publish(self, revocation: Revocation) -> None:
        raise Unreachable("the other replicas")


async def test_without_okta_the_browser_is_signed_out_at_once_and_carries_what_is_unproven(gateway: Site) -> None:
    browser = await gateway.entered()
    gateway.fails("DELETE")
    old = browser.jar(HR)[PASS]
    posted = await browser.post(f"{HR}{SIGN_OUT}")
    assert posted.status == 303 and len(gateway.org.sessions.active()) == 1
    shown = await browser.ask(posted.location)
    assert "You are signed out in this browser" in shown.body and "keep trying" in shown.body
    assert set(browser.okta_cookies()) == {PENDING} and "close_unproven" in [line["event"] for line in gateway.lines]
    assert (await browser.ask(f"{HR}/", cookie=f"{PASS}={old}")).status == 302
    gateway.org.faults.clear()
    again = await browser.post(f"{LOGIN}{SIGN_OUT}")
    assert "You are signed out" in again.body and gateway.org.sessions.active() == [] and browser.okta_cookies() == {}


@pytest.mark.parametrize("proven", [True, False])
async def test_the_end_of_a_sign_out_is_nothing_to_a_browser_with_a_session_of_its_own(gateway: Site, proven: bool) -> None:
    browser = await gateway.entered(BOB)
    if not proven:
        gateway.fails("DELETE")
    done = (await browser.post(f"{HR}{SIGN_OUT}", "then=switch")).location
    other = await gateway.entered(ALICE)
    before = dict(other.jar(LOGIN))
    shown = await other.ask(done)
    assert shown.status == 200 and "Sign out?" in shown.body and ALICE in shown.body
    assert other.jar(LOGIN) == before and (await other.ask(f"{HR}/")).body == f"hello {ALICE}"
    doubled = await other.ask(done, cookie=f"sid={before['sid']}; sid=planted")
    assert "Sign out?" in doubled.body and doubled.set_names == []


async def test_while_okta_does_not_say_whose_session_it_is_the_end_of_a_sign_out_is_somebody_elses(gateway: Site) -> None:
    browser = await gateway.entered(BOB)
    done = (await browser.post(f"{HR}{SIGN_OUT}")).location
    gateway.fails("GET")
    other, _ = gateway.session(ALICE)
    shown = await other.ask(done)
    assert "Sign out?" in shown.body and shown.set_names == []


async def test_a_browser_that_never_had_the_session_carries_no_end_of_it(gateway: Site) -> None:
    browser = await gateway.entered(BOB)
    gateway.fails("DELETE")
    done = (await browser.post(f"{HR}{SIGN_OUT}")).location
    shown = await gateway.browser().ask(done)
    assert "You are signed out in this browser" in shown.body and shown.set_names == []
    shown = await browser.ask(done)
    assert set(browser.okta_cookies()) == {PENDING}
    again = await browser.ask(done)  # a reload: what ended is carried by now, and no longer presented
    assert "You are signed out in this browser" in again.body and again.set_names == [PENDING]


async def test_two_unproven_ends_are_carried_together_and_nobody_is_let_in_meanwhile(gateway: Site) -> None:
    browser = await gateway.entered()
    gateway.fails("DELETE")
    await browser.walk((await browser.post(f"{HR}{SIGN_OUT}")).location)
    browser.signs_in(gateway.org.sign_in(BOB))
    assert (await browser.walk(f"{HR}/"))[0].status == 503
    await browser.post(f"{LOGIN}{SIGN_OUT}")
    opened = gateway.parts.sealer.open("pending", "login.example.com:443", browser.jar(LOGIN)[PENDING])
    assert opened is not None and opened.payload.count(b"sid") == 2


async def test_when_the_other_replicas_cannot_be_told_the_page_does_not_claim_the_end() -> None:
    async with deployed(script=greets, shares=StateWithoutPublishing) as gateway:
        browser = await gateway.entered()
        old = browser.jar(HR)[PASS]
        posted = await browser.post(f"{HR}{SIGN_OUT}")
        shown = await browser.ask(posted.location)
        assert "You are signed out in this browser" in shown.body and set(browser.okta_cookies()) == {PENDING}
        assert (await browser.ask(f"{HR}/", cookie=f"{PASS}={old}")).status == 302


async def test_the_pending_cookies_never_outgrow_what_a_browser_keeps(gateway: Site) -> None:
    browser = gateway.browser()
    gateway.fails("GET")
    values = [secrets.token_urlsafe(2250) for _ in range(6)]
    for number, value in enumerate(values):
        reply = await browser.ask(f"{LOGIN}{SIGN_OUT}", "POST", FORM, f"to=/{number}", cookie=_carried(browser, f"sid={value}"))
        pending = [text for name, text in browser.jar(LOGIN).items() if name.startswith(PENDING)]
        assert reply.status == 200 and all(len(text) < 4000 for text in pending)
    assert sorted(name for name in browser.jar(LOGIN) if name.startswith(PENDING)) == [PENDING, f"{PENDING}-2", f"{PENDING}-3"]
    opened = gateway.parts.sealer.open("pending", "login.example.com:443", "".join(pending)[2:])
    carried = Pending.unpacked(opened.payload) if opened is not None else None
    assert carried is not None and [cookie.value.decode() for cookie in carried.cookies] == values[-3:]


async def test_the_session_itself_is_refused_whatever_cookie_another_app_knows_it_by() -> None:
    async with deployed("identity", script=greets) as gateway:
        browser, session = gateway.session()
        await browser.walk(f"{HR}/")
        browser.jars[LOGIN.removeprefix("https://")] = {"idx": gateway.org.sessions.renew_idx(session)}
        reply, _ = await browser.walk(f"{WIKI}/")
        assert reply.body == f"hello {ALICE}"
        gateway.times.passed += 600  # nothing is remembered of either
        gateway.fails("DELETE")
        await browser.post(f"{HR}{SIGN_OUT}")
        assert len(gateway.org.sessions.active()) == 1 and (await browser.ask(f"{WIKI}/")).status == 302


def _carried(browser: Browser, session: str) -> str:
    return "; ".join((session, *(f"{name}={value}" for name, value in browser.jar(LOGIN).items() if name.startswith(PENDING))))
