"""One at a time per key, never a deadlock, nothing left behind."""

import asyncio

from gateway.coordination.browser_leases import BrowserLeases


async def test_those_with_a_key_in_common_go_one_after_the_other() -> None:
    leases, inside, most = BrowserLeases(), 0, 0

    async def go(keys: tuple[bytes, ...]) -> None:
        nonlocal inside, most
        async with leases.held(keys):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for n in range(50):
            group.create_task(go((b"a", b"b") if n % 2 else (b"b", b"a")))
    assert most == 1


async def test_those_without_one_do_not_wait() -> None:
    leases = BrowserLeases()
    async with leases.held((b"a",)), asyncio.timeout(5), leases.held((b"b",)):
        pass


async def test_whoever_waits_only_briefly_goes_on_without_a_turn() -> None:
    leases = BrowserLeases()
    async with leases.held((b"a",)), asyncio.timeout(5):
        async with leases.held_briefly((b"a",), 0.01):
            pass
        async with leases.held_briefly((), 0.01):
            pass
    async with leases.held_briefly((b"a",), 5.0), asyncio.timeout(5), leases.held_briefly((b"a",), 0.01):
        pass


async def test_a_turn_that_is_cancelled_while_waiting_leaves_the_queue() -> None:
    leases = BrowserLeases()
    async with leases.held((b"a",)):
        waiting = asyncio.create_task(leases.held((b"a",)).__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
    async with asyncio.timeout(5), leases.held((b"a",)):
        pass
