"""Tickets of the hand-off, on their way through the browser's address bar.

Owns how a ticket travels: sealed in the address. If the address would be too long, the sealed ticket is kept in the shared state, and a
random name travels instead. Owns that each ticket is taken once, and how often a browser may go through Okta's sign-in for one. Must
never put an unsealed ticket anywhere, and never open one for another host than its own.

If the shared state is away, this process counts alone. That is safe: a ticket's nonce binds it to one browser.
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
"""The most characters of a ticket in an address. nginx, Apache httpd and this gateway accept a request line of 8 KiB by default."""
KIND, USED, TRIES = "ticket", "used-ticket", "sign-in-try"
_MARK = "~"
"""Begins the name of a ticket that is kept in the shared state. No sealed text contains it."""


class Tickets:
    """Seals tickets for their app host, and opens them there."""

    def __init__(self, sealer: Sealer, state: SharedState, clock: Clock, longest_text: int = LONGEST_TEXT) -> None:
        """``longest_text``: the most characters of a sealed ticket that travels in an address."""
        self._sealer = sealer
        self._state = state
        self._here = MemoryState(clock)
        self._longest_text = longest_text

    async def text_of(self, ticket: Ticket) -> str:
        """The text that stands for the ticket in an address. Raises ``OutsideFailed`` where a long ticket cannot be kept."""
        sealed = self._sealer.seal("ticket", ticket.app, ticket.packed())
        if len(sealed) <= self._longest_text:
            return sealed
        name = secrets.token_urlsafe(16)
        await self._state.put(KIND, name.encode("ascii"), sealed.encode("ascii"), TICKET_SECONDS)
        return _MARK + name

    async def read(self, text: str, host: str) -> Ticket | None:
        """The ticket for this host (authority text); None where the text is none. Raises ``OutsideFailed`` where the state cannot be read.

        Reading does not use up the ticket: a stranger may try to read it too.
        """
        sealed: str | bytes | None = text
        if text.startswith(_MARK):
            sealed = await self._state.get(KIND, text[len(_MARK) :].encode("utf-8", "surrogatepass"))
        opened = self._sealer.open("ticket", host, sealed) if sealed is not None else None
        ticket = Ticket.unpacked(opened.payload) if opened is not None else None
        return ticket if ticket is not None and ticket.app == host else None

    async def take(self, ticket: Ticket) -> bool:
        """True for the first caller that takes this ticket, in any process; False for every later one."""
        name = ticket.id.encode("utf-8", "surrogatepass")
        if not await self._here.claim(USED, name, 2 * TICKET_SECONDS):
            return False
        with suppress(StateFailed):
            return await self._state.claim(USED, name, 2 * TICKET_SECONDS)
        return True

    async def goes_round(self, start: str, most: int, seconds: float) -> bool:
        """Whether this start of a hand-off came without a session more than ``most`` times within ``seconds``; if not, count this time.

        Each try claims the first free one of ``most`` numbered places. When none is free, the count begins anew: the next try is the
        user's own.
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
