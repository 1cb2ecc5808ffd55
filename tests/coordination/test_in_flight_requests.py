"""Closing waits for what is under way, and not for ever."""

import asyncio

from gateway.coordination.in_flight_requests import InFlightRequests
from gateway.policy.session.session import Fingerprint

A, B = Fingerprint(b"a" * 16), Fingerprint(b"b" * 16)


async def test_nothing_under_way_is_clear_at_once() -> None:
    in_flight = InFlightRequests()
    with in_flight.counting((B,)):
        assert await in_flight.cleared((A,), 0.0)


async def test_every_request_with_one_of_the_cookies_is_waited_for() -> None:
    in_flight = InFlightRequests()
    first, second = in_flight.counting((A, B)), in_flight.counting((A,))
    with second:
        with first:
            waiting = asyncio.create_task(in_flight.cleared((A,), 10.0))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting.done()
        assert await in_flight.cleared((B,), 0.0)
    assert await waiting


async def test_what_does_not_end_is_not_waited_for_for_ever() -> None:
    in_flight = InFlightRequests()
    with in_flight.counting((A,)):
        assert not await in_flight.cleared((A,), 0.01)
    assert await in_flight.cleared((A,), 0.0)
