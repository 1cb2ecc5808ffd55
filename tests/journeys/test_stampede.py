"""Many requests of an unknown session at once: the gateway asks Okta only once."""

import asyncio

import pytest

from gateway.dev.standin import Engine
from tests.harness.gateway import REPLICAS
from tests.harness.person import ALICE, HR, SCRIPT
from tests.harness.system import ME, system

MANY = 500


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_five_hundred_requests_of_a_cold_session_are_one_question_of_each_process(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        place.later(11)
        place.org.journal.clear()
        place.fails(ME, hold=True)
        asking = [asyncio.create_task(person.ask(f"{HR}/{number}", fields=SCRIPT, site="same-origin")) for number in range(MANY)]
        await place.org.journal.seen("GET", ME)
        place.org.faults.clear()
        replies = await asyncio.gather(*asking)
        assert {(reply.status, reply.body) for reply in replies} == {(200, f"hello {ALICE}")}
        assert [(row.method, row.path) for row in place.org.journal.rows] == [("GET", ME)] * REPLICAS


async def test_a_question_outlives_the_client_that_asked_it_first() -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        place.later(11)
        place.org.journal.clear()
        place.fails(ME, hold=True)
        first = asyncio.create_task(person.named_by_app())
        await place.org.journal.seen("GET", ME)
        others = [asyncio.create_task(person.named_by_app()) for _ in range(20)]
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        place.org.faults.clear()
        assert set(await asyncio.gather(*others)) == {ALICE}
        assert len(place.org.journal.rows) == REPLICAS


async def test_a_stampede_while_okta_is_away_is_told_to_wait() -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        place.later(11)
        place.org.journal.clear()
        place.is_down()
        replies = await asyncio.gather(*(person.ask(f"{HR}/{number}", fields=SCRIPT) for number in range(100)))
        assert {reply.status for reply in replies} == {503}
        # After five silent answers in a row a process has its circuit open, whoever comes.
        assert len(place.org.journal.rows) <= 5 * REPLICAS
