"""Tickets on their way through the browser's address bar.

Owns how a ticket travels: sealed in the address, or, where that would be longer than an address may be, kept in the shared state under a
random name that travels in its place; that each is taken once, and how often a browser may go through Okta's sign-in for one. Must never
put an unsealed ticket anywhere, and never open one for another host than its own.

Where the shared state is away this process counts by itself: a ticket's nonce binds it to one browser all the same.
"""

import secrets
from contextlib import suppress

from gateway.clock import Clock
from gateway.errors import StateFailed
from gateway.policy.session.passes import Ticket
from gateway.policy.session.seal import Sealer
from gateway.shared_state import MemoryState, SharedState

TICKET_SECONDS = 30.0
LONGEST_TEXT = 8000
"""Characters of a ticket in an address. nginx and Apache httpd take a request line of 8 KiB by default, and so do we."""
KIND, USED, TRIES = "ticket", "used-ticket", "sign-in-try"
_MARK = "~"
"""Before the name of a ticket that is kept; no sealed text holds it."""


class Tickets:
    """Seals tickets for their app host, and opens them there."""

    def __init__(self, sealer: Sealer, state: SharedState, clock: Clock, longest_text: int = LONGEST_TEXT) -> None:
        """``longest_text``: the most characters of a sealed ticket that travels in an address."""
        self._sealer = sealer
        self._state = state
        self._here = MemoryState(clock)
        self._longest_text = longest_text

    async def text_of(self, ticket: Ticket) -> str:
        """What stands for the ticket in an address; raises ``OutsideFailed`` where a long one cannot be kept."""
        sealed = self._sealer.seal("ticket", ticket.app, ticket.packed())
        if len(sealed) <= self._longest_text:
            return sealed
        name = secrets.token_urlsafe(16)
        await self._state.put(KIND, name.encode("ascii"), sealed.encode("ascii"), TICKET_SECONDS)
        return _MARK + name

    async def read(self, text: str, host: str) -> Ticket | None:
        """The ticket for this host (authority text); None where there is none. Raises ``OutsideFailed`` where a kept one cannot be read.

        Reading spends nothing: a stranger may read it, too.
        """
        sealed: str | bytes | None = text
        if text.startswith(_MARK):
            sealed = await self._state.get(KIND, text[len(_MARK) :].encode("utf-8", "surrogatepass"))
        opened = self._sealer.open("ticket", host, sealed) if sealed is not None else None
        ticket = Ticket.unpacked(opened.payload) if opened is not None else None
        return ticket if ticket is not None and ticket.app == host else None

    async def take(self, ticket: Ticket) -> bool:
        """True for the first one who takes this ticket, in any process; False for every other one."""
        name = ticket.id.encode("utf-8", "surrogatepass")
        if not await self._here.claim(USED, name, 2 * TICKET_SECONDS):
            return False
        with suppress(StateFailed):
            return await self._state.claim(USED, name, 2 * TICKET_SECONDS)
        return True

    async def goes_round(self, start: str, most: int, seconds: float) -> bool:
        """Whether this start of a hand-off comes without a session more than ``most`` times in so many seconds; else it is counted.

        After that the count begins anew: the next try is the user's own. Each try claims the first place that is free.
        """
        places = [f"{start} {number}".encode() for number in range(most)]
        for state in (self._state, self._here):
            with suppress(StateFailed):
                for place in places:
                    if await state.claim(TRIES, place, seconds):
                        return False
                for place in places:
                    await state.delete(TRIES, place)
                return True
        return False
