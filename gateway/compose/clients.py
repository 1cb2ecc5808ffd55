"""What a client's connection is given: its bounds, and whom it asks and tells.

Owns the values and the interfaces between a connection and the server it belongs to. Must never hold anything of one connection.
Rules from: ATTACKS D2, D7.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from gateway.core.messages import HeadLimits, Malformed
from gateway.proxy.relay import Client
from gateway.proxy.translate import Head

Refuse = Callable[[web.BaseRequest, Malformed], web.StreamResponse]

KEEP_ALIVE_SECONDS = 75.0


@dataclass(frozen=True, slots=True)
class ClientRules:
    """What a client gets: ``connections`` for all of them, ``head_seconds`` from the first byte of a head to its last, and its size.

    ``idle_seconds``: how long a connection may rest between two requests, and how long a client may take nothing of what waits for it.
    """

    connections: int = 20_000
    head_seconds: float = 15.0
    limits: HeadLimits = field(default_factory=HeadLimits)
    idle_seconds: float = KEEP_ALIVE_SECONDS


class Front(Client):
    """What stands at the transport, before aiohttp's handler. ``sleeper``: what its task waits for, while it is kept from being woken."""

    __slots__ = ("sleeper",)

    def __init__(self) -> None:
        """The task waits for nothing yet."""
        super().__init__()
        self.sleeper: asyncio.Future[None] | None = None

    def let_go(self) -> None:
        """Where nothing is being answered, the task is the handler's again."""
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        """Bytes of the client, and what aiohttp reads again."""
        raise NotImplementedError


class AtOnce(Protocol):
    """Answers what needs no waiting (``doors.listener``)."""

    def familiar(self, client: Client, received: bytes, peer: str) -> bool:
        """Begin the answer to a whole head that need not be parsed, and tell the client when it is over; False where nothing was begun."""

    def at_once(self, client: Client, message: Head, peer: str, keeps: bool, sent: bytes | None) -> bool:
        """The same for a parsed one; ``sent``: the bytes of its head, where nothing but it arrived."""


class Counting:
    """The requests that are being answered. ``quiet`` is set while there is none."""

    __slots__ = ("quiet", "running")

    def __init__(self) -> None:
        """Nothing runs yet."""
        self.running = 0
        self.quiet = asyncio.Event()
        self.quiet.set()

    def began(self) -> None:
        """One more."""
        self.running += 1
        if self.running == 1:
            self.quiet.clear()

    def ended(self) -> None:
        """One less."""
        self.running -= 1
        if not self.running:
            self.quiet.set()
