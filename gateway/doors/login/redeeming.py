"""The redemption of a token at the login door: one turn per browser and token, the switch, one request to Okta.

Owns the order of things around ``core.switch`` and the single place where a token is sent. Must never send a token twice,
with an old session cookie, or before the switch said ``Redeem``. A redemption under way is a task of its own: when its
client leaves, the answer waits a moment for the same client to ask again. Rules from: DESIGN section 4, ATTACKS L1 to L3.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, assert_never

from gateway.closing import Closer
from gateway.core.cookies import pairs, session_cookies
from gateway.core.messages import Answer, Fields, RequestHead
from gateway.core.org_requests import is_cookie_redirect, without_tokens
from gateway.core.redemption import cookies_set, settled
from gateway.core.session import Fingerprint, SessionToken
from gateway.core.switch import Confirm, Redeem, Refuse
from gateway.doors.carrying import Carrying, Cookies
from gateway.doors.login.ledger import UNDELIVERED_SECONDS, Ledger, Spent, neighbour_of
from gateway.doors.login.redeemed import Again, NotSwitched, Onward, Outcome, Redeeming, Sent, Unanswered, UsedElsewhere
from gateway.doors.login.successors import Successors
from gateway.doors.login.turns import Turns
from gateway.errors import OutsideFailed
from gateway.okta import Browser, browser_of
from gateway.sessions import Sessions

TOO_MANY_REQUESTS = 429
COURTESY_SECONDS = 2.0


Exchange = Callable[[RequestHead, bytes], Awaitable[Answer]]
"""How a token is sent: once, with a whole body, for a whole answer, without any session cookie. Raises ``OutsideFailed``."""


@dataclass(slots=True)
class _Client:
    """Who waits for a redemption, and whether the token is on its way: from then on it is carried out without anybody waiting."""

    tokens: tuple[Fingerprint, ...]
    neighbour: bytes
    is_sent: bool = False
    has_left: bool = False
    is_kept: bool = False


class Redeemer:
    """Carries out redemptions for the login host."""

    def __init__(
        self, sessions: Sessions, closer: Closer, carrying: Carrying, ledger: Ledger, successors: Successors, exchange: Exchange
    ) -> None:
        """``exchange`` is the only way on which a token leaves."""
        self._sessions = sessions
        self._closer = closer
        self._carrying = carrying
        self._ledger = ledger
        self._successors = successors
        self._exchange = exchange
        self._turns = Turns()
        self._running: set[asyncio.Task[Outcome]] = set()
        self._unclaimed: set[asyncio.TimerHandle] = set()

    async def redeem(self, redeeming: Redeeming) -> Outcome:
        """What comes of this redemption; the caller only has to say it in HTTP.

        When Okta takes a reference and no session comes of it, there was no good token behind it: from then on it is forwarded like
        any request of this client. A failed answer says nothing, and what one client did says nothing about another's.
        """
        outcome = await self._attended(redeeming)
        if redeeming.reference and isinstance(outcome, Sent) and outcome.answer.status < 400 and not cookies_set(outcome.answer.fields):
            self._ledger.judge_reference(self._tried(redeeming.reference, redeeming.head), may_hold_token=False)
        return outcome

    async def _attended(self, redeeming: Redeeming) -> Outcome:
        """The turn is the task's own: a client that leaves does not let the next one in while its token is under way."""
        client = _Client(tuple(self._ledger.fingerprint(token) for token in redeeming.all_tokens), neighbour_of(redeeming.head))
        task = asyncio.create_task(self._in_turn(redeeming, client), name="redemption")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            client.has_left = True
            if not client.is_sent:
                task.cancel()
            task.add_done_callback(lambda done: self._came_too_late(done, client, redeeming.head))
            raise

    async def _in_turn(self, redeeming: Redeeming, client: _Client) -> Outcome:
        head, tokens = redeeming.head, client.tokens
        presented, carried = session_cookies(head.fields), self._carrying.carried(head)
        browser = self._sessions.fingerprints(presented + carried)
        # Without a cookie only address and User-Agent are known, which a whole office may share: nobody waits long for that.
        async with self._turns.of((*tokens, *browser)), self._turns.briefly(() if browser else (client.neighbour,), COURTESY_SECONDS):
            waiting = self._ledger.take_undelivered(tokens, client.neighbour) if self._are_dead(presented) else None
            if waiting is not None:
                return Sent(waiting)
            spent = self._ledger.spent(tokens)
            if spent is not None:
                return self._spent(head, spent, tokens, presented)
            if self._is_outrun(presented, carried, client):
                return Again()
            older = presented + carried
            if redeeming.trusted:
                older = (*older, *self._successors.of(older, client.neighbour))
            command = await self._closer.switch(older, browser_of(head), redeeming.trusted or not presented)
            match command:
                case Confirm():
                    return command
                case Refuse():
                    return NotSwitched(command, self._carrying.moved(head, presented, older) if command.revoked else ())
                case Redeem():
                    client.is_sent = True
                    outcome = await self._sent(redeeming, client, older)
                    if client.has_left:
                        self._keep(outcome, client, head)
                    return outcome
                case _:
                    assert_never(command)

    def reference_redeems(self, request_uri: str, head: RequestHead, unknown: bool) -> bool:
        """Whether an authorize request by this reference may redeem a token; ``unknown`` where it was pushed elsewhere."""
        known = self._ledger.reference_may_hold_token(self._tried(request_uri, head))
        if known is None:
            known = self._ledger.reference_may_hold_token(self._ledger.fingerprint(SessionToken(request_uri)))
        return unknown if known is None else known

    def _tried(self, request_uri: str, head: RequestHead) -> Fingerprint:
        return self._ledger.fingerprint(SessionToken(f"{request_uri}\0{neighbour_of(head).hex()}"))

    def judge_reference(self, request_uri: str, may_hold_token: bool) -> None:
        """Remember what a reference may hold, as it was seen when it was pushed."""
        self._ledger.judge_reference(self._ledger.fingerprint(SessionToken(request_uri)), may_hold_token)

    def note_pushed(self, answer: Answer, may_hold_token: bool) -> None:
        """Remember the reference that Okta's answer to a pushed request names."""
        try:
            content: Any = json.loads(answer.body)
        except (ValueError, RecursionError):
            return
        reference = content.get("request_uri") if isinstance(content, dict) else None
        if isinstance(reference, str):
            self.judge_reference(reference, may_hold_token)

    async def aclose(self) -> None:
        """Wait for redemptions under way: a token that was sent must be written down."""
        for timer in self._unclaimed:
            timer.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _are_dead(self, cookies: Cookies) -> bool:
        return all(self._sessions.is_revoked((cookie,)) for cookie in cookies)

    def _is_outrun(self, presented: Cookies, carried: Cookies, client: _Client) -> bool:
        """Whether another tab of this browser probably switched while this request was on its way, and going back may still help."""
        if presented:
            return self._sessions.is_revoked(presented) and self._ledger.bounce(client.tokens)
        return not carried and self._ledger.bounce_behind(client.tokens, client.neighbour)

    def _spent(self, head: RequestHead, spent: Spent, tokens: tuple[Fingerprint, ...], presented: Cookies) -> Outcome:
        if spent.owners.intersection(self._sessions.fingerprints(presented)):
            rest = without_tokens(head.target)
            elsewhere = is_cookie_redirect(head) or head.method != "GET" or rest == head.target
            return Onward((spent.destination or "/.gateway/") if elsewhere else rest)
        return Again() if self._ledger.bounce(tokens) else UsedElsewhere()

    async def _sent(self, redeeming: Redeeming, client: _Client, older: Cookies) -> Sent | Unanswered:
        entry = self._ledger.spend(client.tokens)
        try:
            answer = await self._exchange(redeeming.head, redeeming.body)
        except OutsideFailed as error:
            if not error.left:
                self._ledger.unspend(client.tokens)
            return Unanswered(error.reason, error.left, self._settled(redeeming.head, ()))
        begun = cookies_set(answer.fields)
        self._sessions.issued(begun)
        if answer.status == TOO_MANY_REQUESTS:
            self._ledger.unspend(client.tokens)
        entry.owners = frozenset(self._sessions.fingerprints(begun))
        entry.destination = _location(answer.fields)
        if begun:
            self._ledger.note_neighbour(client.neighbour)
        self._successors.note(older, begun, client.neighbour)
        return Sent(Answer(answer.status, self._settled(redeeming.head, answer.fields), answer.body))

    def _settled(self, head: RequestHead, answered: Fields) -> Fields:
        return settled(answered, {name for name, _ in pairs(head.fields)}, head.authority.host)

    def _came_too_late(self, done: "asyncio.Task[Outcome]", client: _Client, head: RequestHead) -> None:
        """The client left in the very moment in which its answer was there."""
        if not done.cancelled() and done.exception() is None and not client.is_kept:
            self._keep(done.result(), client, head)

    def _keep(self, outcome: Outcome, client: _Client, head: RequestHead) -> None:
        """The client left before its answer: the same client may fetch it for a while, then the session that nobody holds ends."""
        client.is_kept = True
        if isinstance(outcome, Sent):
            self._ledger.keep_undelivered(client.tokens, client.neighbour, outcome.answer)
            loop = asyncio.get_running_loop()
            timer = loop.call_later(UNDELIVERED_SECONDS, self._end_unclaimed, client, browser_of(head))
            self._unclaimed = {*(known for known in self._unclaimed if known.when() > loop.time()), timer}

    def _end_unclaimed(self, client: _Client, browser: Browser) -> None:
        answer = self._ledger.take_undelivered(client.tokens, client.neighbour)
        begun = cookies_set(answer.fields) if answer is not None else ()
        if begun:
            self._closer.close_soon(begun, browser)


def _location(fields: Fields) -> str | None:
    """Where an answer leads, where it leads anywhere that can be said in a URL."""
    found = [value.decode("latin-1") for name, value in fields if name.lower() == b"location"]
    return found[0] if len(found) == 1 and found[0].isascii() and found[0].isprintable() and " " not in found[0] else None
