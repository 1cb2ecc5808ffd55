"""Who is next for a connection; who gets what becomes free; and connections that rest."""

import asyncio

from gateway.errors import Busy
from gateway.outbound import Timeouts
from gateway.policy.http.shares import Shares
from gateway.upstream.connection import Connection
from gateway.upstream.pool import MOST_RESTING, PoolRules, Upstream
from gateway.upstream.server_address import ServerAddress
from gateway.upstream.waiting import WaitingClients, held_by_network
from tests.harness.app import Behind
from tests.harness.wire import PATIENCE

MANY, OTHER, THIRD = "192.0.2.1", "192.0.2.2", "2001:db8::1"


def test_the_addresses_of_one_network_are_one_client() -> None:
    clients = [MANY, MANY, "::ffff:192.0.2.1", THIRD, "2001:db8::2", "2001:db8:0:1::1", "", "unknown"]
    assert sorted(held_by_network(clients).values()) == [1, 2, 3]


async def test_clients_take_turns_and_who_holds_a_share_comes_last() -> None:
    loop, shares = asyncio.get_running_loop(), Shares.of(100)
    waiting = WaitingClients(shares)
    for client in (MANY, MANY, MANY, OTHER, OTHER, THIRD):
        waiting.join(client, loop.create_future())
    held = {MANY: shares.each}
    served = []
    while (found := waiting.next(held, 74)) is not None:
        served.append(found[1])
    assert served == [OTHER, THIRD, OTHER, MANY, MANY, MANY] and len(waiting) == 0
    waiting.join(MANY, loop.create_future())
    assert waiting.next(held, 75) is None and len(waiting) == 1


async def test_who_has_stopped_waiting_is_passed_over_and_forgotten() -> None:
    loop, waiting = asyncio.get_running_loop(), WaitingClients(Shares.of(8))
    gone, stays, left = loop.create_future(), loop.create_future(), loop.create_future()
    for waiter in (gone, stays, left):
        waiting.join(MANY, waiter)
    gone.cancel()
    waiting.leave(MANY, left)
    waiting.leave(OTHER, left)
    assert waiting.next({}, 0) == (stays, MANY)
    assert waiting.next({}, 0) is None and len(waiting) == 0


def _pool(behind: Behind, connections: int, seconds: float = 0.05) -> Upstream:
    return Upstream(ServerAddress("127.0.0.1", behind.port), Timeouts(connect=seconds), PoolRules(connections))


async def test_one_client_leaves_room_in_a_pool_and_gets_more_when_it_is_ample(behind: Behind) -> None:
    pool = _pool(behind, 20)
    held: list[Connection] = []
    try:
        while True:
            held.append(await pool.connection(None, MANY))
    except Busy:
        assert len(held) == 15
    others = [await pool.connection(None, OTHER) for _ in range(5)]
    assert len(pool) == 20
    pool.timeouts = Timeouts(connect=PATIENCE)
    waiting = [asyncio.create_task(pool.connection(None, client)) for client in (MANY, MANY, OTHER, THIRD)]
    await asyncio.sleep(0)
    for connection in held[:2]:
        pool.take_back(connection)
    assert await waiting[2] in held[:2] and await waiting[3] in held[:2]
    assert not waiting[0].done() and not waiting[1].done()
    for connection in others:
        pool.take_back(connection)
    assert pool.idle(None, MANY) is None
    for connection in held[2:5]:
        pool.take_back(connection)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*waiting)
    await pool.aclose()


async def test_who_rests_is_bounded_makes_room_and_is_not_given_to_who_waits(behind: Behind) -> None:
    pool = _pool(behind, MOST_RESTING + 2, PATIENCE)
    made = [await pool.connection(None, "") for _ in range(MOST_RESTING + 2)]
    for connection in made[: MOST_RESTING + 1]:
        pool.rest(connection)
    assert pool.idle_count == MOST_RESTING and pool.idle() is None
    async with asyncio.timeout(PATIENCE):
        again = [await pool.connection(None, "") for _ in range(3)]
    assert not set(again) & set(made)
    for connection in (*made, *again):
        connection.close()
    await pool.aclose()
