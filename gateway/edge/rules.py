"""The limits of client connections, and the interfaces between a connection, its server and the listener.

``Listener`` answers requests. ``ConnectionHost`` is the server, as its connections see it. ``Connected`` is a connection, as its server
sees it. Must never hold the state of one connection.
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
"""Bytes. A body has 30 seconds, and one second more for each 500 bytes that arrived: the default of Apache's ``mod_reqtimeout``."""


@dataclass(frozen=True, slots=True)
class ClientRules:
    """The limits for clients. ``connections``: of all clients together. ``limits``: the size of a head.

    ``head_seconds``: the time for one head, from its first byte to its last. ``idle_seconds``: how long a connection may be idle between
    two requests, and how long a client may read nothing of what was written to it. A body has ``body_seconds``, and one second more for
    each ``least_body_rate`` bytes that arrived. ``trusted_proxies``: front proxies; one such connection carries many clients.
    """

    connections: int = 20_000
    head_seconds: float = 15.0
    limits: HeadLimits = field(default_factory=HeadLimits)
    idle_seconds: float = KEEP_ALIVE_SECONDS
    trusted_proxies: tuple[Network, ...] = ()
    body_seconds: float = BODY_SECONDS
    least_body_rate: int = LEAST_BODY_RATE


Waiting = Coroutine[Any, Any, Response | None]
"""A coroutine that returns the answer. None: a relay writes the answer and calls ``over`` of the connection at its end."""


class Listener:
    """Answers requests. It is a class and not a ``Protocol``, because mypyc compiles a call of its methods to a table lookup."""

    __slots__ = ()

    def begin(self, request: Request) -> Response | Waiting | None:
        """Decide on a request: an answer, or a coroutine for it; None: a relay writes the answer, and calls ``over`` at its end."""
        raise NotImplementedError

    def failed(self, request: Request, error: Exception) -> Response | None:
        """The answer after an unexpected error; None if an answer had begun, and the connection was broken off instead."""
        raise NotImplementedError

    def answered(self, request: Request, status: int | None) -> None:
        """A request is over; called once after each ``begin``. ``status`` None: the client left before there was an answer."""
        raise NotImplementedError

    def unparsable(self, peer: str, malformed: Malformed) -> Response:
        """The answer to bytes that are not a valid request."""
        raise NotImplementedError


class Counting:
    """Counts the requests that are being answered. ``quiet`` is set while there is none."""

    __slots__ = ("quiet", "running")

    def __init__(self) -> None:
        """Nothing runs yet."""
        self.running = 0
        self.quiet = asyncio.Event()
        self.quiet.set()

    def request_started(self) -> None:
        """Count one request more."""
        self.running += 1
        if self.running == 1:
            self.quiet.clear()

    def request_ended(self) -> None:
        """Count one request less."""
        self.running -= 1
        if not self.running:
            self.quiet.set()


class ConnectionHost:
    """The server, as its connections see it."""

    __slots__ = ("counting", "heads", "listener", "rules")

    def __init__(self, listener: Listener, rules: ClientRules) -> None:
        """No connection is open yet."""
        self.listener = listener
        self.rules = rules
        self.heads = HeadReader(rules.limits)
        self.counting = Counting()

    def arrived(self, connection: "Connected", peer: str) -> bool:
        """Register a connection; False if this client has too many: then the connection must be refused with ``no_room``."""
        raise NotImplementedError

    def no_room(self) -> asyncio.Protocol:
        """The protocol that answers a refused connection with 503."""
        raise NotImplementedError

    def gone(self, connection: "Connected") -> None:
        """Forget a connection that has ended."""
        raise NotImplementedError


class Connected(Protocol):
    """A connection, as its server sees it."""

    def retire(self) -> None:
        """Close it after the current answer, or now if it is idle."""

    def stop(self) -> None:
        """Break the current answer off, or close the connection if there is none."""

    def give_up(self) -> asyncio.Task[None] | None:
        """Close it now and cancel its request; returns the task that still has to end, or None."""
