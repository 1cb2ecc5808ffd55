"""What the middle step of a hand-off needs on the login host, wherever the session comes from: open the start, make the ticket.

(``doors.own.handoff`` has the picture of the steps.) Owns the reading of a start, and the end of a redirect loop. Must never make a ticket
for another app, target or browser than those of the start.
"""

import secrets
from typing import NamedTuple

from gateway.clock import Clock
from gateway.doors.answers import redirect_answer
from gateway.doors.own.addresses import ACCEPT, LATE, sign_in_path, target_or_root
from gateway.doors.own.handoff import NONCE_SECONDS
from gateway.doors.own.outcomes import Outcome, page, refusal
from gateway.doors.own.requests import not_navigating, parameters
from gateway.doors.own.tickets import TICKET_SECONDS, Tickets
from gateway.errors import OutsideFailed
from gateway.pages import LoopExplained
from gateway.policy.http.messages import Answer, Fields, Malformed, RequestHead
from gateway.policy.routing.routing import App, RouteTable
from gateway.policy.session.passes import Start, Ticket
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Cookies, Session
from gateway.policy.session.sign_in_loops import BOUNCE_SECONDS, BOUNCES_ALLOWED

TAG_CHARACTERS = 22
"""Characters at the end of a sealed text that hold its authentication tag. They are enough to tell one sealed text from another."""


class OpenedStart(NamedTuple):
    """A start, its app, and the sealed text of the start."""

    start: Start
    app: App
    text: str


class HandoffStarts:
    """Opens starts and makes their tickets."""

    def __init__(self, table: RouteTable, sealer: Sealer, tickets: Tickets, clock: Clock) -> None:
        """``tickets`` also counts how often the same start comes back."""
        self._table = table
        self._sealer = sealer
        self._tickets = tickets
        self._clock = clock

    def opened(self, text: str) -> Start | None:
        """The start in a sealed text; None for any other text."""
        opened = self._sealer.open("start", str(self._table.login.authority), text)
        return Start.unpacked(opened.payload) if opened is not None else None

    def from_query(self, head: RequestHead) -> tuple[str, Start] | Malformed:
        """The sealed start from the query, and its content."""
        given = parameters(head.query)
        if isinstance(given, Malformed):
            return given
        text = given.get("start", "")
        start = self.opened(text)
        return (text, start) if start is not None else Malformed(400, "start")

    def checked(self, head: RequestHead) -> OpenedStart | Outcome:
        """The start of a navigation that may go on; or the answer that refuses it."""
        found = self.from_query(head)
        if isinstance(found, Malformed):
            return refusal(found, self._clock)
        malformed = not_navigating(head)
        return refusal(malformed, self._clock) if malformed is not None else self._for_app(*found)

    def reopened(self, text: str) -> OpenedStart | Outcome:
        """Like ``checked``, for a start that comes back by one of the gateway's own redirects."""
        start = self.opened(text)
        return self._for_app(text, start) if start is not None else refusal(Malformed(400, "start"), self._clock)

    def _for_app(self, text: str, start: Start) -> OpenedStart | Outcome:
        app = self._table.app(start.app)
        if app is None:
            return refusal(Malformed(400, "unknown_app"), self._clock)
        if self._clock.wall() - start.issued_at > NONCE_SECONDS:
            # The browser has dropped the nonce by now, and a new start costs the user nothing. The app host counts this redirect, because
            # it would never end if the clocks of the two hosts differ.
            url = app.origin + sign_in_path(target_or_root(start.target)) + LATE
            return Outcome(redirect_answer(302, url), "sign_in", "start_expired")
        return OpenedStart(start, app, text)

    async def ticket(self, opened: OpenedStart, session: Session, cookies: Cookies, browser: str, *fields: tuple[bytes, bytes]) -> Outcome:
        """Redirect to the app with a ticket for this session. ``browser``: the browser's id; ``fields``: more fields of the answer."""
        start = opened.start
        ticket = Ticket(
            id=secrets.token_urlsafe(16),
            app=start.app,
            nonce_hash=start.nonce_hash,
            cookies=cookies,
            user_id=session.user_id,
            session_id=session.id,
            target=start.target,
            expires_at=self._clock.wall() + TICKET_SECONDS,
            browser=browser,
            epoch=start.epoch,
        )
        try:
            text = await self._tickets.text_of(ticket)
        except OutsideFailed:
            return refusal(Malformed(503, "ticket_not_kept"), self._clock)
        return Outcome(redirect_answer(302, f"{opened.app.origin}{ACCEPT}?ticket={text}", *fields), "ticket")

    async def goes_round(self, text: str, why: str = "") -> bool:
        """Whether this start has come back too often. A redirect loop repeats one start; many tabs, or many steps back, have one each."""
        return await self._tickets.goes_round(text[-TAG_CHARACTERS:] + why, BOUNCES_ALLOWED, BOUNCE_SECONDS)

    def explained(self, start: Start, fields: Fields = ()) -> Answer:
        """The page that ends a redirect loop."""
        looping = LoopExplained(self._table.login.authority.host, BOUNCES_ALLOWED + 1, retry_path=self.start_over(start))
        return page(looping, self._clock).plus(*fields)

    def start_over(self, start: Start) -> str:
        """The URL where the user can begin again."""
        app = self._table.app(start.app)
        return (app.origin if app is not None else "") + sign_in_path(target_or_root(start.target))
