"""A connection that is being waited for by a request that is ready to be sent.

Owns that wait, and the tries behind it: a connection that closes before anything was written to it is no try of the request's. Must never
send anything itself, nor go on for a request that was given up.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from gateway.errors import HungUp, OutsideFailed
from gateway.upstream.connection import Connection
from gateway.upstream.servers import ConnectionSource

Begun = TypeVar("Begun")
TRIES: Final = 3
"""So many connections in a row may turn out to be closed already; the last of them is a new one."""


async def begun(
    source: ConnectionSource, key: bytes | None, client: str, begin: Callable[[Connection], Begun], *, is_new: bool = False
) -> Begun:
    """What ``begin`` made of a connection over which it sent its request; where that closed before, it is given another.

    ``key``: what a sticky app is sticky by; ``client``: for which address; ``is_new``: only a new connection will do. Raises
    ``OutsideFailed``, HungUp where one after the other was closed.
    """
    for left in reversed(range(TRIES)):
        connection = await source.connection(key, client, is_new=is_new or not left)
        try:
            return begin(connection)
        except HungUp:
            if not left:
                raise
    raise AssertionError("a loop of at least one try")


class Taking:
    """Takes connections for one request: here any of a source's will do."""

    __slots__ = ("_client", "_key", "source")

    def __init__(self, source: ConnectionSource, key: bytes | None, client: str) -> None:
        """Nothing is taken yet. ``key``: what a sticky app is sticky by; ``client``: the address for which it is taken."""
        self.source = source
        self._key = key
        self._client = client

    def idle(self) -> Connection | None:
        """A connection that is free now, or None where ``begun`` must be asked."""
        return self.source.idle(self._key, self._client)

    async def begun(self, begin: Callable[[Connection], Begun], *, is_new: bool = False) -> Begun:
        """What ``begin`` made of a connection over which it sent its request. Raises ``OutsideFailed``.

        ``is_new``: the kept one that it was sent over before had been given up by its server.
        """
        return await begun(self.source, self._key, self._client, begin, is_new=is_new)


class Fetching:
    """Calls ``begin`` with a connection, or ``failed`` with the reason why there is none; ``abort`` in time, and it calls neither."""

    __slots__ = ("_begin", "_failed", "_task")

    def __init__(
        self,
        taking: Taking,
        begin: Callable[[Connection], None],
        failed: Callable[[OutsideFailed], None],
        *,
        is_new: bool = False,
    ) -> None:
        """``taking``: where it comes from; ``is_new``: no connection that was used before."""
        self._begin = begin
        self._failed = failed
        self._task = asyncio.get_running_loop().create_task(self._fetch(taking, is_new), name="waiting for a connection")

    def abort(self) -> None:
        """Nobody waits any more."""
        self._task.cancel()

    def pause_reading(self) -> None:
        """Nothing arrives."""

    def resume_reading(self) -> None:
        """Nothing arrives."""

    async def _fetch(self, taking: Taking, is_new: bool) -> None:
        try:
            await taking.begun(self._begin, is_new=is_new)
        except OutsideFailed as error:
            self._failed(error)
