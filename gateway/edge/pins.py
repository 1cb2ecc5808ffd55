"""Connections to servers that belong to one user on one connection of a client, because that user may be signed in to them.

    request speaks NTLM ──▶ pinned: in use ⇄ kept for the same user ──▶ closed: the client left, the session ended, idle for too long

Owns who may use such a connection again, and its end. Must never give one to another user, to another connection of a client (a front proxy
carries many users on each), or back to everybody. Where nobody is signed in at the gateway and a front proxy is between, users cannot be
told apart: a connection is then kept only while a sign-in is under way, and nobody is signed in to it yet.
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
"""So many are kept for one connection of a client; a browser needs one."""
_OF_PROXIES: Final = frozenset((b"forwarded", b"via", b"x-forwarded-for"))


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom a request is sent. ``client``: the believed address, empty where the gateway itself asks.

    ``session``: the user's session, empty where nobody is signed in; ``fingerprints``: by which it is revoked. ``key``: what a sticky
    app is sticky by. ``is_direct``: the client's connection carries no other user's requests, because no proxy is between.
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
        """Who sent this head, with this session."""
        is_direct = head.peer == head.client and _OF_PROXIES.isdisjoint(head.named)
        return cls(head.client, f"{session.user_id} {session.id}" if session is not None else "", fingerprints, key, is_direct)


NOBODY: Final = Asker()
"""The gateway itself."""

_Key = tuple[object, str, str]
"""The servers that are asked, the session, and the client's address."""


def _key_of(source: object, asker: Asker) -> _Key:
    return source, asker.session, asker.client


class Pins(ClientPins):
    """The pinned connections behind one connection of a client that nothing travels on just now."""

    def __init__(self, client: Client) -> None:
        """``client``: its connection; that closes them when it ends."""
        self._client = client
        self._kept: dict[_Key, _Kept] = {}
        self.is_holding = False

    def has(self, source: object, asker: Asker) -> bool:
        """Whether one of them is this user's. On a direct connection those of a former user are closed."""
        key = _key_of(source, asker)
        if asker.is_direct:
            for other in [kept for its, kept in self._kept.items() if its[1:] != key[1:]]:
                other.end()
        return key in self._kept

    def take(self, source: object, asker: Asker) -> Connection | None:
        """The one that is this user's, or None."""
        key = _key_of(source, asker)
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._drop(key, kept)
        return kept.connection if kept.connection.is_open else None

    def pin(self, connection: Connection, source: object, asker: Asker, live: OpenConnections) -> None:
        """From now on it is this user's alone."""
        connection.pin = _Pinned(self, _key_of(source, asker), asker, live)

    def keep(self, key: _Key, connection: Connection, asker: Asker, live: OpenConnections) -> None:
        """It is free until the same user asks again; closed where there is no client any more."""
        former = self._kept.get(key)
        if former is not None:
            former.end()
        if self._client.transport is None or connection.keep_seconds <= 0:
            connection.close()
            return
        while len(self._kept) >= MOST_KEPT:
            next(iter(self._kept.values())).end()
        self._kept[key] = _Kept(connection, asker.fingerprints, live, lambda kept: self._drop(key, kept))
        self.is_holding = True

    def lost(self, key: _Key, connection: Connection) -> None:
        """It is closed."""
        kept = self._kept.get(key)
        if kept is not None and kept.connection is connection:
            self._drop(key, kept)

    def close(self) -> None:
        """The client is gone."""
        for kept in tuple(self._kept.values()):
            kept.end()

    def _drop(self, key: _Key, kept: "_Kept") -> None:
        kept.forget()
        if self._kept.get(key) is kept:
            del self._kept[key]
        self.is_holding = bool(self._kept)


class _Kept:
    """One that is kept: until it is taken, its session is revoked, or it was idle for too long."""

    __slots__ = ("_dropped", "_fingerprints", "_live", "_timer", "connection")

    def __init__(
        self, connection: Connection, fingerprints: tuple[Fingerprint, ...], live: OpenConnections, dropped: Callable[["_Kept"], None]
    ) -> None:
        self.connection = connection
        self._fingerprints = fingerprints
        self._live = live
        self._dropped = dropped
        self._timer = asyncio.get_running_loop().call_later(connection.keep_seconds, self.end)
        live.hold(fingerprints, self.end, self.end)

    def end(self) -> None:
        """Close it."""
        self._dropped(self)
        self.connection.close()

    def forget(self) -> None:
        """Nothing more is to be done about it."""
        self._timer.cancel()
        self._live.release(self._fingerprints, self.end)


class _Pinned(Pin):
    """What a pinned connection tells."""

    __slots__ = ("_asker", "_key", "_live", "_pins")

    def __init__(self, pins: Pins, key: _Key, asker: Asker, live: OpenConnections) -> None:
        self._pins = pins
        self._key = key
        self._asker = asker
        self._live = live

    def ended(self, connection: Connection, answers: AnswerReader, is_usable: bool) -> None:
        is_apart = self._asker.is_direct or bool(self._asker.session)
        if is_usable and (is_apart or is_midway(answers.status, answers.fields)):
            self._pins.keep(self._key, connection, self._asker, self._live)
        else:
            connection.close()

    def lost(self, connection: Connection) -> None:
        self._pins.lost(self._key, connection)


class OnlyOnce(Pin):
    """Closes its connection behind the answer: there is no client to whom it could belong."""

    __slots__ = ()

    def ended(self, connection: Connection, answers: AnswerReader, is_usable: bool) -> None:
        """Nobody may use it again."""
        connection.close()

    def lost(self, connection: Connection) -> None:
        """It is closed."""


class Pinning(Taking):
    """Takes connections for one request, first the one that is its user's; ``pins`` None: one of everybody's will do."""

    __slots__ = ("_asker", "_live", "_pins")

    def __init__(self, source: ConnectionSource, asker: Asker, live: OpenConnections, pins: Pins | None) -> None:
        """Nothing is taken yet."""
        super().__init__(source, asker.key, asker.client)
        self._asker = asker
        self._live = live
        self._pins = pins

    @classmethod
    def of(cls, source: ConnectionSource, asker: Asker, live: OpenConnections, client: Client, fields: Fields) -> "Pinning":
        """For a request with these fields that came by ``client``: does it sign in to the connection, or follow one that did?"""
        pins = client.pins if isinstance(client.pins, Pins) else None
        if signs_in_connection(fields):
            pins = client.pins = pins or Pins(client)
            pins.has(source, asker)
        elif pins is not None and not pins.has(source, asker):
            pins = None
        return cls(source, asker, live, pins)

    def idle(self) -> Connection | None:
        """A connection that is free now and needs no pin, or None where ``begun`` must be asked."""
        return super().idle() if self._pins is None else None

    async def begun(self, begin: Callable[[Connection], Begun], *, is_new: bool = False) -> Begun:
        """As ``fetching.begun``, first over the connection that is this user's."""
        pins = self._pins
        if pins is None:
            return await super().begun(begin, is_new=is_new)

        def begin_pinned(connection: Connection) -> Begun:
            pins.pin(connection, self.source, self._asker, self._live)
            return begin(connection)

        kept = pins.take(self.source, self._asker) if not is_new else None
        if kept is not None:
            try:
                return begin_pinned(kept)
            except HungUp:
                pass  # it closed before anything was written
        return await super().begun(begin_pinned, is_new=is_new)
