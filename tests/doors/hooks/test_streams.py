"""What is open under a session that Okta reports: it ends at every gateway, or is asked about there, and nobody else's does."""

import asyncio

import aiohttp
import pytest

from gateway.policy.hooks.okta_events import ENDS
from tests.doors.hooks.two_gateways import PATIENCE, TwoGateways, email
from tests.harness.person import ALICE, BOB, HR, Person

HR_HOST = HR.partition("://")[2]
REVOKED = 1008


async def opened(there: TwoGateways, person: Person) -> list[aiohttp.ClientWebSocketResponse]:
    """A WebSocket of this person at each gateway."""
    cookies = "; ".join(f"{name}={value}" for name, value in person.cookies(HR_HOST))
    fields = {"Host": HR_HOST, "Origin": HR, "Cookie": cookies}
    urls = [f"http://127.0.0.1:{port}/live" for port in there.ports]
    return [await there.system.client.ws_connect(url, headers=fields, autoclose=False) for url in urls]


async def is_cut(*sockets: aiohttp.ClientWebSocketResponse) -> bool:
    async with asyncio.timeout(PATIENCE):
        said = [await socket.receive() for socket in sockets]
    return [(one.type, one.data) for one in said] == [(aiohttp.WSMsgType.CLOSE, REVOKED)] * len(sockets)


async def goes_on(*sockets: aiohttp.ClientWebSocketResponse) -> bool:
    for socket in sockets:
        await socket.send_str("still here")
    async with asyncio.timeout(PATIENCE):
        return [await socket.receive_str() for socket in sockets] == ["still here"] * len(sockets)


@pytest.mark.parametrize("kind", ["user.lifecycle.suspend", "user.session.clear"])
async def test_an_event_that_ends_sessions_ends_what_is_open_at_both_gateways(there: TwoGateways, kind: str) -> None:
    assert kind in ENDS
    hers, his = await opened(there, await there.system.entered(ALICE)), await opened(there, await there.system.entered(BOB))
    assert await goes_on(*hers, *his)
    assert await there.happens(kind, ALICE, after=5) == 204
    assert await is_cut(*hers)
    assert await goes_on(*his)


async def test_universal_logout_ends_what_is_open_at_both_gateways(there: TwoGateways) -> None:
    hers, his = await opened(there, await there.system.entered(ALICE)), await opened(there, await there.system.entered(BOB))
    there.system.later(5)
    assert await there.log_out(email(ALICE)) == (204, "")
    assert await is_cut(*hers)
    assert await goes_on(*his)


async def test_a_session_s_end_ends_what_is_open_under_it_and_not_under_the_user_s_other_one(there: TwoGateways) -> None:
    here, elsewhere = (
        await opened(there, await there.system.entered(ALICE)),
        await opened(there, await there.system.entered(ALICE)),
    )
    [ended, _] = sorted(there.system.org.sessions.active(), key=lambda session: session.created_at)
    there.system.org.sessions.end(ended)
    async with there.ticking():
        assert await there.happens("user.session.end", ALICE) == 204
        assert await is_cut(*here)
        assert await goes_on(*elsewhere)
