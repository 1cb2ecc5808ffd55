"""Row X13: a program that redeems tokens is no browser. It is never redirected to its own address, and does not wait for other clients.

Source: cypress#4416, scripts and back ends that sign in with a session token and follow no redirect.
"""

import asyncio

import pytest

from gateway.dev.standin import Engine, fault
from tests.harness.person import ALICE, BOB, CAROL, HR, Person, redemption
from tests.harness.system import REDIRECT, System, system


async def redeems(place: System, program: Person, login: str) -> tuple[int, str]:
    reply = await program.ask(redemption(place.org.session_token(login)), fields={"Accept": "*/*"}, site="")
    return reply.status, reply.location


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_x13_tokens_one_after_the_other_are_each_redeemed_at_once(engine: Engine) -> None:
    async with system(engine) as place:
        for login in (ALICE, BOB, CAROL, ALICE):
            assert await redeems(place, place.person(), login) == (302, f"{HR}/")
        assert place.live() == sorted([ALICE, BOB, CAROL, ALICE])


async def test_x13_twelve_at_once_wait_for_nobody() -> None:
    """One answer of Okta's is held: nobody else of the same address and agent waits for it."""
    async with system() as place:
        held = fault({"path": REDIRECT, "hold": True})
        place.org.faults.add(held)
        first = asyncio.create_task(redeems(place, place.person(), ALICE))
        async with asyncio.timeout(20):
            await place.org.journal.seen("GET", REDIRECT)
            others = await asyncio.gather(*(redeems(place, place.person(), BOB) for _ in range(11)))
        assert others == [(302, f"{HR}/")] * 11 and not first.done()
        assert held.release is not None
        held.release.set()
        assert await first == (302, f"{HR}/")


async def test_x13_a_program_that_is_told_cookies_is_a_browser_from_then_on() -> None:
    """It presents the session it got: the next token closes that one first, as for anybody."""
    async with system() as place:
        program = place.person()
        assert await redeems(place, program, ALICE) == (302, f"{HR}/")
        reply = await program.ask(redemption(place.org.session_token(BOB)), fields={"Accept": "*/*"}, site="same-origin")
        assert (reply.status, place.live()) == (302, [BOB])


@pytest.mark.parametrize("more", [{"Accept-Language": "de"}, {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}])
async def test_x13_what_a_browser_sends_makes_it_none(more: dict[str, str]) -> None:
    async with system() as place:
        reply = await place.person().ask(redemption(place.org.session_token(ALICE)), fields={"Accept": "text/html", **more}, site="")
        assert reply.status == 200 and "/.gateway/switch" in reply.body, "a stranger's link is asked about"
        assert place.live() == []


async def test_x13_a_program_gets_no_browser_id() -> None:
    async with system() as place:
        program = place.person()
        await redeems(place, program, ALICE)
        assert program.cookie("__Host-gateway-browser") is None
