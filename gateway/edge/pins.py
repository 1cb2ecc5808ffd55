"""Pinned connections: connections to an app that only one user on one client connection may use again.

NTLM and Negotiate sign a user in to the connection, not to the request. If another user's request went over it, the app would answer it as
the first user. So a connection on which such a sign-in was seen is *pinned*: it is reused for the same user only.

    request speaks NTLM ──▶ pinned: in use ⇄ kept for the same user ──▶ closed: the client left, the session ended, idle for too long

Owns who may use a pinned connection, and its end. Must never give it to another user, to another client connection (one connection of a
front proxy carries many users), or back to the pool. If nobody is signed in at the gateway and the request came through a front proxy, the
gateway cannot tell users apart: then a connection is kept only in the middle of a sign-in, when nobody is signed in to it yet.
Rules from: RFC 4559 §6 (a connection must not be shared), https://github.com/haproxy/haproxy/issues/581.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.edge.open_connections import OpenConnections
from gateway.edge.relay import Client, ClientPins
from gateway.errors import HungUp
from gateway.policy.http.connection_auth import is_midway, signs_in_connection
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.session.session import Fingerprint, Session
from gateway.upstream.connection import Connection, Pin
from gateway.upstream.fetching import Begun, Taking
from gateway.upstream.reading import AnswerReader
from gateway.upstream.servers import ConnectionSource

MOST_KEPT: Final = 16
"""How many idle pinned connections are kept for one client connection; a browser needs one."""
_OF_PROXIES: Final = frozenset((b"forwarded", b"via", b"x-forwarded-for"))


@dataclass(frozen=True, slots=True)
class Asker:
    """The user and the client for whom a request is sent. ``client``: the client's address; empty if the gateway itself sends it.

    ``session``: the user's session, empty if nobody is signed in. ``fingerprints``: those of its cookies; revocations name them. ``key``:
    the value that a sticky app chooses its server by. ``is_direct``: no proxy is between, so the client connection carries only one user.
    """

    client: str = ""
    session: str = ""
    fingerprints: tuple[Fingerprint, ...] = ()
    key: bytes | None = None
    is_direct: bool = False

    @classmethod
    def of(
        cls, head: RequestHead, session: Session | None = None, fingerprints: tuple[Fingerprint, ...] = (), key: bytes | None = None
    ) -> "Asker":
        """The asker of a request with this head and this session."""
        is_direct = head.peer == head.client and _OF_PROXIES.isdisjoint(head.named)
        return cls(head.client, f"{session.user_id} {session.id}" if session is not None else "", fingerprints, key, is_direct)


NOBODY: Final = Asker()
"""The asker of requests that the gateway sends by itself."""

_Key = tuple[object, str, str]
"""The source of connections (which app), the session, and the client's address."""


def _key_of(source: object, asker: Asker) -> _Key:
    return source, asker.session, asker.client


class Pins(ClientPins):
    """The idle pinned connections of one client connection."""

    def __init__(self, client: Client) -> None:
        """``client``: the client connection. It calls ``close`` when it ends."""
        self._client = client
        self._kept: dict[_Key, _Kept] = {}
        self.is_holding = False

    def has(self, source: object, asker: Asker) -> bool:
        """Whether one of them belongs to this user. On a direct client connection, those of a former user are closed."""
        key = _key_of(source, asker)
        if asker.is_direct:
            for other in [kept for its, kept in self._kept.items() if its[1:] != key[1:]]:
                other.end()
        return key in self._kept

    def take(self, source: object, asker: Asker) -> Connection | None:
        """The connection that belongs to this user, or None."""
        key = _key_of(source, asker)
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._drop(key, kept)
        return kept.connection if kept.connection.is_open else None

    def pin(self, connection: Connection, source: object, asker: Asker, open_connections: OpenConnections) -> None:
        """Pin ``connection``: from now on only this user may use it."""
        connection.pin = _Pinned(self, _key_of(source, asker), asker, open_connections)

    def keep(self, key: _Key, connection: Connection, asker: Asker, open_connections: OpenConnections) -> None:
        """Keep an idle connection until the same user's next request. It is closed if the client has left."""
        former = self._kept.get(key)
        if former is not None:
            former.end()
        if self._client.transport is None or connection.keep_seconds <= 0:
            connection.close()
            return
        while len(self._kept) >= MOST_KEPT:
            next(iter(self._kept.values())).end()
        self._kept[key] = _Kept(connection, asker.fingerprints, open_connections, lambda kept: self._drop(key, kept))
        self.is_holding = True

    def lost(self, key: _Key, connection: Connection) -> None:
        """Forget a connection that is closed."""
        kept = self._kept.get(key)
        if kept is not None and kept.connection is connection:
            self._drop(key, kept)

    def close(self) -> None:
        """Close all of them, because the client has left."""
        for kept in tuple(self._kept.values()):
            kept.end()

    def _drop(self, key: _Key, kept: "_Kept") -> None:
        kept.forget()
        if self._kept.get(key) is kept:
            del self._kept[key]
        self.is_holding = bool(self._kept)


class _Kept:
    """One idle pinned connection. It is kept until it is taken, its session is revoked, or it was idle for too long."""

    __slots__ = ("_dropped", "_fingerprints", "_open_connections", "_timer", "connection")

    def __init__(
        self,
        connection: Connection,
        fingerprints: tuple[Fingerprint, ...],
        open_connections: OpenConnections,
        dropped: Callable[["_Kept"], None],
    ) -> None:
        self.connection = connection
        self._fingerprints = fingerprints
        self._open_connections = open_connections
        self._dropped = dropped
        self._timer = asyncio.get_running_loop().call_later(connection.keep_seconds, self.end)
        open_connections.hold(fingerprints, self.end, self.end)

    def end(self) -> None:
        """Close the connection."""
        self._dropped(self)
        self.connection.close()

    def forget(self) -> None:
        """Stop the timer, and leave the registry of open connections."""
        self._timer.cancel()
        self._open_connections.release(self._fingerprints, self.end)


class _Pinned(Pin):
    """The pin of a connection: decides after each answer whether the connection is kept."""

    __slots__ = ("_asker", "_key", "_open_connections", "_pins")

    def __init__(self, pins: Pins, key: _Key, asker: Asker, open_connections: OpenConnections) -> None:
        self._pins = pins
        self._key = key
        self._asker = asker
        self._open_connections = open_connections

    def ended(self, connection: Connection, answers: AnswerReader, is_usable: bool) -> None:
        is_apart = self._asker.is_direct or bool(self._asker.session)
        if is_usable and (is_apart or is_midway(answers.status, answers.fields)):
            self._pins.keep(self._key, connection, self._asker, self._open_connections)
        else:
            connection.close()

    def lost(self, connection: Connection) -> None:
        self._pins.lost(self._key, connection)


class OnlyOnce(Pin):
    """A pin that closes its connection after the answer: the gateway itself asked, so no client connection could own it."""

    __slots__ = ()

    def ended(self, connection: Connection, answers: AnswerReader, is_usable: bool) -> None:
        """Close the connection."""
        connection.close()

    def lost(self, connection: Connection) -> None:
        """Does nothing."""


class Pinning(Taking):
    """Takes connections for one request: first the user's pinned one. ``pins`` None: any connection of the pool may be used."""

    __slots__ = ("_asker", "_open_connections", "_pins")

    def __init__(self, source: ConnectionSource, asker: Asker, open_connections: OpenConnections, pins: Pins | None) -> None:
        """No connection is taken yet."""
        super().__init__(source, asker.key, asker.client)
        self._asker = asker
        self._open_connections = open_connections
        self._pins = pins

    @classmethod
    def of(cls, source: ConnectionSource, asker: Asker, open_connections: OpenConnections, client: Client, fields: Fields) -> "Pinning":
        """For a request with these fields from ``client``. It uses pins if it signs in to its connection, or the user has one pinned."""
        pins = client.pins if isinstance(client.pins, Pins) else None
        if signs_in_connection(fields):
            pins = client.pins = pins or Pins(client)
            pins.has(source, asker)
        elif pins is not None and not pins.has(source, asker):
            pins = None
        return cls(source, asker, open_connections, pins)

    def idle(self) -> Connection | None:
        """A free connection of the pool, or None: then call ``begun``, which may wait. Always None if the request needs pins."""
        return super().idle() if self._pins is None else None

    async def begun(self, begin: Callable[[Connection], Begun], *, is_new: bool = False) -> Begun:
        """As ``fetching.begun``, but the user's pinned connection is tried first."""
        pins = self._pins
        if pins is None:
            return await super().begun(begin, is_new=is_new)

        def begin_pinned(connection: Connection) -> Begun:
            pins.pin(connection, self.source, self._asker, self._open_connections)
            return begin(connection)

        kept = pins.take(self.source, self._asker) if not is_new else None
        if kept is not None:
            try:
                return begin_pinned(kept)
            except HungUp:
                pass  # it closed before anything was written
        return await super().begun(begin_pinned, is_new=is_new)
