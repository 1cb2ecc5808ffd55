"""Closing waits for what is under way, and not for ever."""

import asyncio

from gateway.coordination.in_flight_requests import Underway
from gateway.policy.session.session import Fingerprint

A, B = Fingerprint(b"a" * 16), Fingerprint(b"b" * 16)


async def test_nothing_under_way_is_clear_at_once() -> None:
    underway = Underway()
    with underway.carrying((B,)):
        assert await underway.cleared((A,), 0.0)


async def test_every_request_with_one_of_the_cookies_is_waited_for() -> None:
    underway = Underway()
    first, second = underway.carrying((A, B)), underway.carrying((A,))
    with second:
        with first:
            waiting = asyncio.create_task(underway.cleared((A,), 10.0))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
        assert await underway.cleared((B,), 0.0)
    assert await waiting


async def test_what_does_not_end_is_not_waited_for_for_ever() -> None:
    underway = Underway()
    with underway.carrying((A,)):
        assert not await underway.cleared((A,), 0.01)
    assert await underway.cleared((A,), 0.0)
