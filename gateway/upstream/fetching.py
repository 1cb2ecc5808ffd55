"""Waits for a connection on behalf of a request that is ready to be sent.

Owns that wait, and the choice of another connection if one turns out to be closed before anything was written to it.
Must never send anything itself, or go on for a request that was given up.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from gateway.errors import HungUp, OutsideFailed
from gateway.upstream.connection import Connection
from gateway.upstream.servers import ConnectionSource

Begun = TypeVar("Begun")
TRIES: Final = 3
"""How many connections are tried in a row, if each turns out to be closed; the last one is a new connection."""


async def begun(
    source: ConnectionSource, key: bytes | None, client: str, begin: Callable[[Connection], Begun], *, is_new: bool = False
) -> Begun:
    """Call ``begin`` with a connection, and return its result. If the connection was closed (``HungUp``), another one is used.

    ``key``: the value that a sticky app chooses its server by. ``client``: the client's address. ``is_new``: use new connections only.
    Raises ``OutsideFailed``; ``HungUp`` if all ``TRIES`` connections were closed.
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
    """Takes connections for one request, any that the source has. ``edge.pins.Pinning`` prefers the user's own."""

    __slots__ = ("_client", "_key", "source")

    def __init__(self, source: ConnectionSource, key: bytes | None, client: str) -> None:
        """``key``: the value that a sticky app chooses its server by. ``client``: the client's address."""
        self.source = source
        self._key = key
        self._client = client

    def idle(self) -> Connection | None:
        """A free connection, or None: then call ``begun``, which may wait."""
        return self.source.idle(self._key, self._client)

    async def begun(self, begin: Callable[[Connection], Begun], *, is_new: bool = False) -> Begun:
        """Call ``begin`` with a connection, and return its result. Raises ``OutsideFailed``.

        ``is_new``: use a new connection, because the server had closed the kept-alive one that was used before.
        """
        return await begun(self.source, self._key, self._client, begin, is_new=is_new)


class Fetching:
    """A task that calls ``begin`` with a connection, or ``failed`` with an error. After ``abort`` it calls neither."""

    __slots__ = ("_begin", "_failed", "_task")

    def __init__(
        self,
        taking: Taking,
        begin: Callable[[Connection], None],
        failed: Callable[[OutsideFailed], None],
        *,
        is_new: bool = False,
    ) -> None:
        """``taking``: gives the connection. ``is_new``: use a connection that was not used before."""
        self._begin = begin
        self._failed = failed
        self._task = asyncio.get_running_loop().create_task(self._fetch(taking, is_new), name="waiting for a connection")

    def abort(self) -> None:
        """Stop waiting."""
        self._task.cancel()

    def pause_reading(self) -> None:
        """Does nothing: no answer arrives yet."""

    def resume_reading(self) -> None:
        """Does nothing: no answer arrives yet."""

    async def _fetch(self, taking: Taking, is_new: bool) -> None:
        try:
            await taking.begun(self._begin, is_new=is_new)
        except OutsideFailed as error:
            self._failed(error)
