"""What a client's connection is given: its bounds, and whom it asks and tells.

Owns the values and the interfaces between a connection and the server it belongs to. Must never hold anything of one connection.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.policy.http.messages import HeadLimits, Malformed
from gateway.policy.http.request_heads import HeadReader
from gateway.policy.routing.navigation import Network

KEEP_ALIVE_SECONDS = 75.0
BODY_SECONDS = 30.0
LEAST_BODY_RATE = 500
"""A body has half a minute, and a second more for each 500 bytes that arrived: as Apache's ``mod_reqtimeout`` has it by default."""


@dataclass(frozen=True, slots=True)
class ClientRules:
    """What a client gets: ``connections`` for all of them, ``head_seconds`` from the first byte of a head to its last, and its size.

    ``idle_seconds``: how long a connection may rest between two requests, and how long a client may take nothing of what waits for it.
    A body has ``body_seconds``, and a second more for each ``least_body_rate`` bytes that arrived.
    ``trusted_proxies``: by their connections come many clients.
    """

    connections: int = 20_000
    head_seconds: float = 15.0
    limits: HeadLimits = field(default_factory=HeadLimits)
    idle_seconds: float = KEEP_ALIVE_SECONDS
    trusted_proxies: tuple[Network, ...] = ()
    body_seconds: float = BODY_SECONDS
    least_body_rate: int = LEAST_BODY_RATE


Waiting = Coroutine[Any, Any, Response | None]
"""What waits for an answer; None where it is on its way then, and the connection is told of its end."""


class Listener:
    """Who answers requests. A class, and no protocol: compiled, a call of its methods is a look into a table."""

    __slots__ = ()

    def begin(self, request: Request) -> Response | Waiting | None:
        """Decide on it: an answer, or what waits for one; None where it is being answered, and the connection is told of its end."""
        raise NotImplementedError

    def failed(self, request: Request, error: Exception) -> Response | None:
        """The answer where something was not foreseen; None where the connection was broken off instead, because one has begun."""
        raise NotImplementedError

    def answered(self, request: Request, status: int | None) -> None:
        """It is over; ``status`` None: the client left before there was an answer. Called once behind each ``begin``."""
        raise NotImplementedError

    def unparsable(self, peer: str, malformed: Malformed) -> Response:
        """The answer to what is no request."""
        raise NotImplementedError


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


class ConnectionHost:
    """The server that connections belong to."""

    __slots__ = ("counting", "heads", "listener", "rules")

    def __init__(self, listener: Listener, rules: ClientRules) -> None:
        """Nobody is here yet."""
        self.listener = listener
        self.rules = rules
        self.heads = HeadReader(rules.limits)
        self.counting = Counting()

    def arrived(self, connection: "Connected", peer: str) -> bool:
        """One more connection is here; False where this client has too many, and it must be told so."""
        raise NotImplementedError

    def no_room(self) -> asyncio.Protocol:
        """What tells a client that there is no room."""
        raise NotImplementedError

    def gone(self, connection: "Connected") -> None:
        """One connection less is here."""
        raise NotImplementedError


class Connected(Protocol):
    """A connection, as its server sees it."""

    def retire(self) -> None:
        """End it behind the answer under way, at once where it is idle."""

    def stop(self) -> None:
        """Break off the answer under way, or end it where there is none."""

    def give_up(self) -> asyncio.Task[None] | None:
        """End it now, whatever is under way; the task that still has to notice, where there is one."""
