"""The tasks that an object starts and does not wait for.

Owns the references to them: the event loop has weak ones only, so a task that nobody holds may disappear before its end. The object that
starts them ends them too, when it is closed.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")


class BackgroundTasks:
    """The running tasks of one object."""

    def __init__(self) -> None:
        """Without any task."""
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        return iter(tuple(self._running))

    def start(self, work: Coroutine[None, None, Result], name: str) -> asyncio.Task[Result]:
        """Run this in a task of its own."""
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def cancel(self) -> None:
        """Cancel every running task."""
        for task in self:
            task.cancel()

    async def ended(self) -> None:
        """Wait until every task that runs now has ended. What they raise is not raised here."""
        await asyncio.gather(*self._running, return_exceptions=True)
