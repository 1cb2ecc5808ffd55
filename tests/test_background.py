"""The tasks that an object starts and does not wait for: kept until they end, ended with their owner."""

import asyncio
import gc

import pytest

from gateway.background import BackgroundTasks


async def test_a_task_is_kept_until_it_ends_although_nobody_holds_it() -> None:
    tasks, done = BackgroundTasks(), asyncio.Event()
    goes_on = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await goes_on
        done.set()

    tasks.start(work(), "work")
    await asyncio.sleep(0)
    gc.collect()
    assert len(tasks) == 1
    goes_on.set_result(None)
    async with asyncio.timeout(5):
        await done.wait()
        await tasks.ended()
    assert len(tasks) == 0


async def test_the_starter_may_wait_for_the_result() -> None:
    async def work() -> int:
        return 7

    async with asyncio.timeout(5):
        assert await BackgroundTasks().start(work(), "work") == 7


async def test_cancelled_and_failing_tasks_end_without_an_exception_for_their_owner() -> None:
    tasks = BackgroundTasks()

    async def fails() -> None:
        raise OSError("outside")

    waiting = tasks.start(asyncio.Event().wait(), "waiting")
    failing = tasks.start(fails(), "failing")
    await asyncio.sleep(0)
    tasks.cancel()
    async with asyncio.timeout(5):
        await tasks.ended()
    assert waiting.cancelled() and isinstance(failing.exception(), OSError)
    assert len(tasks) == 0


async def test_an_owner_that_wants_to_hear_of_failures_waits_for_each_task() -> None:
    tasks = BackgroundTasks()

    async def fails() -> None:
        raise OSError("outside")

    tasks.start(fails(), "fails")
    with pytest.raises(OSError, match="outside"):
        await asyncio.gather(*tasks)
