"""A connection that is being waited for by a request that is ready to be sent.

Owns that wait, and the tries behind it: a connection that closes before anything was written to it is no try of the request's. Must never
send anything itself, nor go on for a request that was given up. Rules from: STYLE "Async", ATTACKS D5.
"""

import asyncio
from collections.abc import Callable

from gateway.errors import HungUp, OutsideFailed
from gateway.proxy.connection import Connection
from gateway.proxy.servers import Source

TRIES = 3
"""So many connections in a row may turn out to be closed already."""


class Fetching:
    """Calls ``begin`` with a connection, or ``failed`` with the reason why there is none; ``abort`` in time, and it calls neither."""

    __slots__ = ("_begin", "_failed", "_task")

    def __init__(
        self, source: Source, key: bytes | None, begin: Callable[[Connection], None], failed: Callable[[OutsideFailed], None]
    ) -> None:
        """``begin`` may raise HungUp where nothing could be sent; ``key``: what a sticky app is sticky by."""
        self._begin = begin
        self._failed = failed
        self._task = asyncio.get_running_loop().create_task(self._fetch(source, key), name="waiting for a connection")

    def abort(self) -> None:
        """Nobody waits any more."""
        self._task.cancel()

    def pause_reading(self) -> None:
        """Nothing arrives."""

    def resume_reading(self) -> None:
        """Nothing arrives."""

    async def _fetch(self, source: Source, key: bytes | None) -> None:
        for left in reversed(range(TRIES)):
            try:
                connection = await source.connection(key)
            except OutsideFailed as error:
                return self._failed(error)
            try:
                return self._begin(connection)
            except HungUp as error:
                if not left:
                    self._failed(error)
