"""A token is kept sealed, and one caller gets it."""

import asyncio

from gateway.clock import Clock
from gateway.doors.oidc.front_records import FrontRecords
from gateway.policy.session.seal import Sealer
from gateway.policy.switch.front_switch import Last, announced
from gateway.shared_state import MemoryState

NEW = announced("https://app.example.com/", "", b"", 1000.0)


async def test_of_many_callers_one_gets_the_token() -> None:
    state = MemoryState(Clock())
    records = FrontRecords(state, Sealer([b"k" * 32], lambda size: b"n" * size))
    reference = await records.begin(NEW, "2011-token")
    taken = await asyncio.gather(*(records.take_token(reference) for _ in range(5)))
    assert sorted(token or "" for token in taken) == ["", "", "", "", "2011-token"]
    assert await records.get(reference) == NEW


async def test_neither_token_nor_reference_lies_there_readable() -> None:
    state = MemoryState(Clock())
    records = FrontRecords(state, Sealer([b"k" * 32], lambda size: b"n" * size))
    reference = await records.begin(NEW, "2011-token")
    for kind in ("front-token", "front-switch"):
        [(key, value)] = await state.entries(kind)
        assert reference.encode() not in key
        assert b"2011-token" not in value
    assert await records.get("another") is None


async def test_a_redemption_gives_the_browser_a_new_name_each_time_and_is_on_its_way_until_it_lands() -> None:
    records = FrontRecords(MemoryState(Clock()), Sealer([b"k" * 32], lambda size: b"n" * size))
    assert await records.last_of(b"browser") == Last()
    names = set()
    for number in range(3):
        await records.redeems(b"browser", f"reference-{number}")
        last = await records.last_of(b"browser")
        assert last.is_in_flight
        names.add(last.name)
        await records.has_returned(b"browser", "another")
        assert (await records.last_of(b"browser")).is_in_flight
        await records.has_returned(b"browser", f"reference-{number}")
        assert not (await records.last_of(b"browser")).is_in_flight
    assert len(names) == 3
