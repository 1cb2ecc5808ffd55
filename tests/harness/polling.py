"""Owns the pause between two looks at something that tells nobody when it has happened. A look in each turn of the loop takes a core."""

import asyncio

LOOK_SECONDS = 0.005


async def moment(seconds: float = LOOK_SECONDS) -> None:
    """Wait until the next look."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()
