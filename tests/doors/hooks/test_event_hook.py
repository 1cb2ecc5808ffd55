"""Okta's event hook: who may call it, what it is answered, and what follows in every gateway."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.doors.hooks import EVENT_HOOK_PATH
from gateway.doors.hooks.event_hook import LONGEST_CHALLENGE
from gateway.doors.hooks.outcomes import BAD_SECRETS_PER_MINUTE
from gateway.policy.hooks.okta_events import ENDS, LARGEST_DELIVERY_BYTES
from tests.doors.hooks.hooked import SECRET, Hooked, hooked
from tests.journeys.person import HR, LOGIN, SCRIPT, Person
from tests.journeys.town import town
from tests.policy.hooks.events import delivery, event

ALICE, BOB = "alice@example.com", "bob@example.com"


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Hooked]:
    async with hooked(tmp_path) as made:
        yield made


async def seen(there: Hooked, person: Person, port: int) -> str:
    """What a page of the app says to this person at one of the gateways; "" where it is not let in."""
    person.port = lambda: port
    reply = await person.ask(f"{HR}/", fields=SCRIPT, site="same-origin")
    return reply.body if reply.status == 200 else ""


async def test_okta_verifies_the_address(there: Hooked) -> None:
    asked = {"X-Okta-Verification-Challenge": "abc-123"}

    async def get(**more: str) -> tuple[int, str]:
        status, said = await there.call(EVENT_HOOK_PATH, "GET", fields=asked | more)
        return status, said.get("verification", "")

    assert await get() == await get(Authorization=SECRET) == (200, "abc-123")
    assert await get(Authorization="wrong") == (401, "")
    asked = {}
    assert await get() == (400, "")
    asked = {"X-Okta-Verification-Challenge": "x" * (LONGEST_CHALLENGE + 1)}
    assert await get() == (400, "")
    assert (await there.call(EVENT_HOOK_PATH, "PUT"))[0] == 405


async def test_a_forged_secret_ends_nothing_and_is_soon_refused_without_a_look(there: Hooked) -> None:
    alice = await there.town.entered(ALICE)
    body = delivery(event("user.session.clear", there.town.org.clock.now() + 5, actor=there.town.org.known_user(ALICE).id))
    assert {await there.post(body, secret) for secret in ("", "wrong", f"Bearer {SECRET}", SECRET[:-1])} == {401}
    found = [await there.post(body, "wrong") for _ in range(BAD_SECRETS_PER_MINUTE)]
    assert found[-1] == 429
    assert await seen(there, alice, there.ports[0]) == f"hello {ALICE}"
    assert await there.post(delivery()) == 204  # who has the secret is never refused for what others show
    assert SECRET not in there.town.written.getvalue()


@pytest.mark.parametrize("kind", sorted(ENDS))
async def test_what_an_event_ends_is_refused_by_both_gateways_within_a_second(there: Hooked, kind: str) -> None:
    alice, bob = await there.town.entered(ALICE), await there.town.entered(BOB)
    for port in there.ports:
        assert await seen(there, alice, port) == f"hello {ALICE}"
    assert await there.happens(kind, ALICE, after=5) == 204
    async with asyncio.timeout(1.0):
        for port in there.ports:
            assert await seen(there, alice, port) == ""
    for port in there.ports:
        assert await seen(there, bob, port) == f"hello {BOB}"


async def test_a_session_s_end_of_one_browser_leaves_the_others_of_that_user(there: Hooked) -> None:
    here, elsewhere = await there.town.entered(ALICE), await there.town.entered(ALICE)
    for port in there.ports:
        assert await seen(there, elsewhere, port) == await seen(there, here, port) == f"hello {ALICE}"
    [ended, _] = sorted(there.town.org.sessions.live(), key=lambda session: session.created_at)
    there.town.org.sessions.end(ended)
    assert await there.happens("user.session.end", ALICE) == 204
    there.town.later(1)  # the clock of the test stands still else: a question of the very instant of the event came before it
    for port in there.ports:
        assert await seen(there, here, port) == ""
        assert await seen(there, elsewhere, port) == f"hello {ALICE}"


async def test_an_event_from_before_a_session_leaves_it_alone_however_late_it_comes(there: Hooked) -> None:
    alice = await there.town.entered(ALICE)
    assert await there.happens("user.session.clear", ALICE, after=-3600) == 204
    there.town.later(1)
    for port in there.ports:
        assert await seen(there, alice, port) == f"hello {ALICE}"


async def test_a_delivery_counts_once_and_its_repetition_is_answered_alike(there: Hooked) -> None:
    await there.town.entered(ALICE)
    for port in (*there.ports, *there.ports):
        assert await there.happens("user.session.clear", ALICE, event_id="one", after=5, port=port) == 204
    assert there.town.written.getvalue().count('"hook_ended_sessions"') == 1


async def test_what_cannot_be_read_is_refused_and_the_hook_is_relied_on_no_more(there: Hooked) -> None:
    assert await there.post(b"x" * (LARGEST_DELIVERY_BYTES + 1)) == 413
    assert await there.post(b"not json") == 400
    assert await there.post(delivery({"eventType": "user.session.clear"}, event_id="odd")) == 204
    log = there.town.written.getvalue()
    assert log.count('"hook_delivery_lost"') == 2
    assert '"event_hook_silent"' in log


async def test_a_hook_that_is_not_configured_is_no_path() -> None:
    async with town() as plain:
        reply = await plain.person().ask(f"{LOGIN}{EVENT_HOOK_PATH}", "POST", fields={"Authorization": SECRET})
        assert reply.status == 404


async def test_nothing_of_a_hook_ever_reaches_the_org(there: Hooked) -> None:
    await there.happens("user.session.clear", ALICE)
    await there.post(b"", "wrong")
    assert [row.path for row in there.town.org.journal.rows if "gateway" in row.path] == []


async def test_a_thousand_deliveries_at_once_are_taken(there: Hooked, record_property: Callable[[str, object], None]) -> None:
    alice = there.town.org.known_user(ALICE).id
    bodies = [
        delivery(event("user.session.end", there.town.org.clock.now() - 100, actor=f"{alice}{number}"), event_id=f"{number}")
        for number in range(1000)
    ]
    began = asyncio.get_running_loop().time()
    statuses: list[int] = []

    async def some(share: list[bytes]) -> None:
        for body in share:
            statuses.append(await there.post(body))

    async with asyncio.timeout(30):
        await asyncio.gather(*(some(bodies[start::50]) for start in range(50)))
    record_property("seconds_for_1000_deliveries", round(asyncio.get_running_loop().time() - began, 2))
    assert statuses == [204] * 1000
