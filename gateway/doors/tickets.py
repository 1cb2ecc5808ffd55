"""Tickets on their way through the browser's address bar.

Owns how a ticket travels: sealed in the address, or, where that would be longer than an address may be, kept here under a random name that
travels in its place. Must never put an unsealed ticket anywhere, and never open one for another host than its own.
"""

import secrets
from typing import Protocol

from cachetools import TTLCache

from gateway.clock import Clock
from gateway.core.passes import Ticket
from gateway.core.seal import Sealer

TICKET_SECONDS = 30.0
LONGEST_TEXT = 8000
"""Characters of a ticket in an address. nginx and Apache httpd take a request line of 8 KiB by default, and so do we."""
MOST_KEPT = 1000
"""With two cookies of 4 kB in each, about 10 MB."""
KIND = "ticket"
_MARK = "~"
"""Before the name of a ticket that is kept; no sealed text holds it."""


class KeptTickets(Protocol):
    """Where long tickets are kept: a memory of this process, or one that several processes share."""

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float) -> None:
        """Keep the value for so long. Raises ``OutsideFailed`` where it cannot be kept."""

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """The value; None where there is none. Raises ``OutsideFailed`` where it cannot be read."""


class TicketsOfThisProcess:
    """At most ``MOST_KEPT`` tickets; the oldest go first."""

    def __init__(self, clock: Clock) -> None:
        """``clock``: a ticket is kept for as long as it is good for."""
        self._kept: TTLCache[tuple[str, bytes], bytes] = TTLCache(MOST_KEPT, TICKET_SECONDS, timer=clock.monotonic)

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float) -> None:
        """Keep the value for so long, but no longer than ``TICKET_SECONDS``."""
        self._kept[kind, key] = value

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """The value; None where there is none."""
        return self._kept.get((kind, key))


class Tickets:
    """Seals tickets for their app host, and opens them there."""

    def __init__(self, sealer: Sealer, kept: KeptTickets, longest_text: int = LONGEST_TEXT) -> None:
        """``longest_text``: the most characters of a sealed ticket that travels in an address."""
        self._sealer = sealer
        self._kept = kept
        self._longest_text = longest_text

    async def text_of(self, ticket: Ticket) -> str:
        """What stands for the ticket in an address; raises ``OutsideFailed`` where a long one cannot be kept."""
        sealed = self._sealer.seal("ticket", ticket.app, ticket.packed())
        if len(sealed) <= self._longest_text:
            return sealed
        name = secrets.token_urlsafe(16)
        await self._kept.put(KIND, name.encode("ascii"), sealed.encode("ascii"), TICKET_SECONDS)
        return _MARK + name

    async def read(self, text: str, host: str) -> Ticket | None:
        """The ticket for this host (authority text); None where there is none. Reading spends nothing: a stranger may read it, too."""
        sealed: str | bytes | None = text
        if text.startswith(_MARK):
            sealed = await self._kept.get(KIND, text[len(_MARK) :].encode("utf-8", "surrogatepass"))
        opened = self._sealer.open("ticket", host, sealed) if sealed is not None else None
        ticket = Ticket.unpacked(opened.payload) if opened is not None else None
        return ticket if ticket is not None and ticket.app == host else None
