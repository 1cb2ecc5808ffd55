"""Write batches for tests."""

import asyncio

from gateway.edge.write_batch import WriteBatch
from gateway.outbound import Timeouts
from gateway.upstream.connection import Connection, Home


async def busy() -> WriteBatch:
    """A batch whose last pass had two writes: nothing is written before the present pass is over."""
    loop = asyncio.get_running_loop()
    batch = WriteBatch(loop)
    await make_busy(batch)
    return batch


async def make_busy(batch: WriteBatch) -> None:
    """Let a pass go by in which two connections write nothing, because they are not open."""
    loop = asyncio.get_running_loop()
    for _ in range(2):
        batch.request(Connection(Home(Timeouts()), loop))
    await asyncio.sleep(0)
