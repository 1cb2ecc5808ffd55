"""The redemption of a token at the login door: one turn per browser and token, the switch, one request to Okta.

Owns the order of things around ``core.switch`` and the single place where a token is sent. Must never send a token twice,
with an old session cookie, or before the switch said ``Redeem``. A redemption under way is a task of its own: when its
client leaves, the answer waits a moment for the same client to ask again. Rules from: DESIGN section 4, ATTACKS L1 to L3.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, assert_never

from gateway.closing import Closer
from gateway.core.cookies import PENDING_NAME, pairs, session_cookies, set_cookie, single
from gateway.core.messages import Answer, Fields, RequestHead
from gateway.core.org_requests import is_cookie_redirect, without_tokens
from gateway.core.passes import Pending, Sealer
from gateway.core.redemption import cookies_set, expiries, parent_domains, settled
from gateway.core.session import Fingerprint, SessionCookie, SessionToken
from gateway.core.switch import Confirm, Redeem, Refuse
from gateway.doors.login.ledger import Ledger, Spent
from gateway.doors.login.turns import Turns
from gateway.errors import OutsideFailed
from gateway.okta import browser_of
from gateway.sessions import Sessions

LARGEST_COOKIE_BYTES = 4000
PENDING_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class Redeeming:
    """One redemption: the request as it will be sent, and what the guard found in it. ``trusted``: see core.navigation."""

    head: RequestHead
    body: bytes
    tokens: tuple[SessionToken, ...]
    trusted: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """Outcome: the token was sent; this is what the browser gets."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Again:
    """Outcome: the browser comes back to the same URL with the cookies it has now (307)."""


@dataclass(frozen=True, slots=True)
class Onward:
    """Outcome: this browser redeemed the token before; it goes on to ``destination`` (303)."""

    destination: str


@dataclass(frozen=True, slots=True)
class UsedElsewhere:
    """Outcome: the token was redeemed by another browser (409)."""


@dataclass(frozen=True, slots=True)
class NotSwitched:
    """Outcome: the old session's end is not proven; ``fields`` expire it here and carry it in the pending cookie."""

    refusal: Refuse
    fields: Fields


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Outcome: the old session is gone, but Okta did not answer the redemption; ``spent`` is whether it may have acted."""

    reason: str
    spent: bool
    fields: Fields


Outcome = Sent | Again | Onward | UsedElsewhere | NotSwitched | Unanswered | Confirm


Exchange = Callable[[RequestHead, bytes], Awaitable[Answer]]
"""How a token is sent: once, with a whole body, for a whole answer, without any session cookie. Raises ``OutsideFailed``."""


class Redeemer:
    """Carries out redemptions for the login host."""

    def __init__(self, host: str, sessions: Sessions, closer: Closer, sealer: Sealer, ledger: Ledger, exchange: Exchange) -> None:
        """``host``: the login host's authority text, to which the pending cookie is sealed."""
        self._host = host
        self._sessions = sessions
        self._closer = closer
        self._sealer = sealer
        self._ledger = ledger
        self._exchange = exchange
        self._turns = Turns()
        self._running: set[asyncio.Task[Answer]] = set()

    async def redeem(self, redeeming: Redeeming) -> Outcome:
        """What comes of this redemption; the caller only has to say it in HTTP."""
        tokens = tuple(self._ledger.fingerprint(token) for token in redeeming.tokens)
        neighbour = neighbour_of(redeeming.head)
        presented = session_cookies(redeeming.head.fields)
        carried = self.pending(redeeming.head)
        browser_keys = self._sessions.fingerprints(presented + carried) or (neighbour,)
        async with self._turns.of((*tokens, *browser_keys)):
            waiting = self._ledger.take_undelivered(tokens, neighbour)
            if waiting is not None:
                return Sent(waiting)
            spent = self._ledger.spent(tokens)
            if spent is not None:
                return self._spent(redeeming.head, spent, tokens, presented)
            if self._is_outrun(presented, carried, neighbour) and self._ledger.bounce(tokens):
                return Again()
            trusted = redeeming.trusted or not presented
            command = await self._closer.switch(presented + carried, browser_of(redeeming.head), trusted)
            match command:
                case Confirm():
                    return command
                case Refuse():
                    return self._not_switched(command, redeeming.head, presented, carried)
                case Redeem():
                    return await self._sent(redeeming, tokens, neighbour)
                case _:
                    assert_never(command)

    def pending(self, head: RequestHead) -> tuple[SessionCookie, ...]:
        """The sessions that this browser carries because their end is not proven yet."""
        sealed = single(head.fields, PENDING_NAME)
        opened = self._sealer.open("pending", self._host, sealed) if sealed is not None else None
        pending = Pending.unpacked(opened.payload) if opened is not None else None
        return pending.cookies if pending is not None else ()

    def _not_switched(
        self, refusal: Refuse, head: RequestHead, presented: tuple[SessionCookie, ...], carried: tuple[SessionCookie, ...]
    ) -> NotSwitched:
        """The refusal with the fields that move revoked cookies into the pending cookie; what does not fit stays put."""
        if not refusal.revoked:
            return NotSwitched(refusal, ())
        sealed = self._sealer.seal("pending", self._host, Pending(tuple(dict.fromkeys(presented + carried))).packed())
        if len(sealed) > LARGEST_COOKIE_BYTES:
            return NotSwitched(refusal, ())
        gone = expiries({cookie.name for cookie in presented}, parent_domains(head.authority.host))
        return NotSwitched(refusal, (*gone, set_cookie(PENDING_NAME, sealed, PENDING_SECONDS)))

    def reference_redeems(self, request_uri: str, unknown: bool) -> bool:
        """Whether an authorize request by this reference may redeem a token; ``unknown`` where it was pushed elsewhere."""
        known = self._ledger.reference_may_hold_token(self._ledger.fingerprint(SessionToken(request_uri)))
        return unknown if known is None else known

    def judge_reference(self, request_uri: str, may_hold_token: bool) -> None:
        """Remember what a reference may hold; after its redemption, nothing any more."""
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
        await asyncio.gather(*self._running, return_exceptions=True)

    def _is_outrun(self, presented: tuple[SessionCookie, ...], carried: tuple[SessionCookie, ...], neighbour: bytes) -> bool:
        """Whether another tab of this browser probably switched while this request was on its way."""
        if presented:
            return self._sessions.is_revoked(presented)
        return not carried and self._ledger.has_neighbour(neighbour)

    def _spent(self, head: RequestHead, spent: Spent, tokens: tuple[Fingerprint, ...], presented: tuple[SessionCookie, ...]) -> Outcome:
        if spent.owners.intersection(self._sessions.fingerprints(presented)):
            elsewhere = is_cookie_redirect(head) or head.method != "GET"
            return Onward((spent.destination or "/.gateway/") if elsewhere else without_tokens(head.target))
        return Again() if self._ledger.bounce(tokens) else UsedElsewhere()

    async def _sent(self, redeeming: Redeeming, tokens: tuple[Fingerprint, ...], neighbour: bytes) -> Sent | Unanswered:
        try:
            return Sent(await self._send(redeeming, tokens, neighbour))
        except OutsideFailed as error:
            if not error.left:
                self._ledger.unspend(tokens)
            fields = self._settled(redeeming.head, ())
            return Unanswered(error.reason, error.left, fields)

    def _settled(self, head: RequestHead, answered: Fields) -> Fields:
        return settled(answered, {name for name, _ in pairs(head.fields)}, head.authority.host)

    async def _send(self, redeeming: Redeeming, tokens: tuple[Fingerprint, ...], neighbour: bytes) -> Answer:
        entry = self._ledger.spend(tokens, neighbour)
        task = asyncio.create_task(self._send_once(redeeming, entry), name="redemption")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(lambda done: self._keep(done, tokens, neighbour))
            raise

    def _keep(self, done: "asyncio.Task[Answer]", tokens: tuple[Fingerprint, ...], neighbour: bytes) -> None:
        if not done.cancelled() and done.exception() is None:
            self._ledger.keep_undelivered(tokens, neighbour, done.result())

    async def _send_once(self, redeeming: Redeeming, entry: Spent) -> Answer:
        head = redeeming.head
        answer = await self._exchange(head, redeeming.body)
        begun = cookies_set(answer.fields)
        entry.owners = frozenset(self._sessions.fingerprints(begun))
        entry.destination = _location(answer.fields)
        return Answer(answer.status, self._settled(head, answer.fields), answer.body)


def _location(fields: Fields) -> str | None:
    """Where an answer leads, where it leads anywhere that can be said in a URL."""
    found = [value.decode("latin-1") for name, value in fields if name.lower() == b"location"]
    return found[0] if len(found) == 1 and found[0].isascii() and found[0].isprintable() and " " not in found[0] else None


def neighbour_of(head: RequestHead) -> bytes:
    """What two tabs of one browser have in common before they hold any cookie: address and User-Agent, hashed."""
    agent = b"\0".join(head.values(b"user-agent"))
    return hashlib.blake2b(head.client.encode() + b"\0" + agent, digest_size=16, person=b"neighbour").digest()
