"""A session that only an answer on its way to another gateway knows is closed before a token is sent.

Identity Engine renews ``idx``: nobody but that answer will ever tell the new value, and Okta calls the one that the browser shows gone. The
other gateway is another process, or the one that SIGHUP has just replaced.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.compose import Gateway
from gateway.config import read
from gateway.observe import Log
from tests.harness.configuration import SEALED
from tests.harness.gateway import AnyGateway, of_one_process
from tests.harness.person import ALICE, BOB, HR, LOGIN
from tests.harness.redis_servers import needs_redis
from tests.harness.system import System, quoted, system
from tests.shared_state.counted import Folder
from tests.shared_state.engines import Engine, StateClock

CODE = f"{LOGIN}/oauth2/v1/authorize?client_id=portal&response_type=code&redirect_uri={quoted(HR + '/back')}"


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("redis", marks=needs_redis)])
async def test_to_another_process(engine: Engine, tmp_path: Path) -> None:
    async with system("identity", quirks=["idx-rotates"], state=Folder(engine, tmp_path / "state", StateClock())) as place:

        async def another() -> AnyGateway:
            made = place.made()
            await made.start()
            return made

        await is_closed_first(place, another)


@of_one_process
async def test_to_the_gateway_before_sighup() -> None:
    async with system("identity", quirks=["idx-rotates"]) as place:

        async def the_next() -> AnyGateway:
            former = place.gateway
            assert isinstance(former, Gateway)
            made = Gateway(read("gateway.toml", place.text, SEALED), Log(stream=place.written), replaces=former)
            await made.start()
            former.accept_no_more()
            return made

        await is_closed_first(place, the_next)


async def is_closed_first(place: System, other: Callable[[], Awaitable[AnyGateway]]) -> None:
    """Alice is signed in, and a request of hers is on its way. Bob enters at the other gateway, which goes on."""
    first = place.gateway
    assert first is not None
    person, alice = place.person(), place.org.sign_in(ALICE)
    person.signs_in(None, alice.idx)
    assert (await person.go(f"{HR}/")).body == f"hello {ALICE}"
    late = await place.kept_back(person, CODE)
    place.gateway = await other()
    try:
        entering = asyncio.create_task(place.enter(person, BOB))
        await asyncio.wait({entering}, timeout=1)
        assert place.live() == [ALICE]
        place.org.faults.clear()
        assert not [line for line in (await late).set_cookies if line.startswith("idx=")]
        assert (await entering).body == f"hello {BOB}"
        assert alice.is_over
        assert place.live() == [BOB]
    finally:
        place.org.faults.clear()
        await first.aclose()
