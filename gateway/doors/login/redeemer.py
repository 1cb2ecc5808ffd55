"""Redeems a token at the login door: takes the lease of browser and token, ends the older session, sends one request to Okta.

(``coordination.browser_leases`` has the lease: a lock in all processes.) Owns the order of these steps around ``policy.switch.switch``,
and the only line that sends a token. Must never send a token twice, never send one with a cookie of an older session, and never before
the switch returned ``Redeem``. A running redemption is a task of its own: if its client leaves, the answer is kept for a moment, in case
the same client asks again.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, assert_never

from gateway.closing.session_closer import Closer
from gateway.coordination.leases import HeldLease
from gateway.doors.login.browsers import Browsers
from gateway.doors.login.login_browser import LoginBrowser
from gateway.doors.login.new_sessions import NewSessions
from gateway.doors.login.redemptions import Again, NotSwitched, Onward, Outcome, RedemptionRequest, Sent, Unanswered, UsedElsewhere
from gateway.doors.login.switch_audit import SwitchAudit
from gateway.doors.login.token_ledger import UNDELIVERED_SECONDS, Spent, TokenLedger, client_signature
from gateway.doors.pending_cookie import Cookies, PendingCookie
from gateway.errors import LeaseLost, OutsideFailed
from gateway.okta import Browser, browser_of
from gateway.policy.http.cookies import pairs, session_cookies
from gateway.policy.http.messages import Answer, Fields, RequestHead
from gateway.policy.session.browser_id import browser_key
from gateway.policy.session.browser_record import BrowserRecord
from gateway.policy.session.session import Fingerprint, SessionToken
from gateway.policy.switch.org_requests import is_cookie_redirect, without_tokens
from gateway.policy.switch.redemption import cookies_set, settled
from gateway.policy.switch.start import Via, via_of
from gateway.policy.switch.switch import Confirm, Redeem, Refuse
from gateway.sessions import Sessions

TOO_MANY_REQUESTS = 429
CREATE_SESSION = "/api/v1/sessions"
COURTESY_SECONDS = 2.0
LONGEST_SECONDS = 66.0
MARGIN_SECONDS = 5.0
"""How long the shared state may take from the renewal of a lease until the token is sent, in seconds."""

Exchange = Callable[[RequestHead, bytes], Awaitable[Answer]]
"""Sends a token: once, with the whole body, without any session cookie. Returns the whole answer. Raises ``OutsideFailed``."""


@dataclass(slots=True)
class _Client:
    """The client that waits for a redemption. Once the token is sent (``is_sent``), the redemption goes on even if the client leaves.

    ``signature``: the browser's key, or a hash of address and User-Agent if it has none (``client_signature``). ``lease``: its lease, if
    several processes share the state.
    """

    tokens: tuple[Fingerprint, ...]
    signature: bytes
    has_id: bool
    is_sent: bool = False
    has_left: bool = False
    is_kept: bool = False
    lease: HeldLease | None = None


class Redeemer:
    """Carries out redemptions for the login host."""

    def __init__(
        self,
        sessions: Sessions,
        closer: Closer,
        pending_cookie: PendingCookie,
        ledger: TokenLedger,
        browsers: Browsers,
        new_sessions: NewSessions,
        exchange: Exchange,
        audit: SwitchAudit,
        asks_alone: bool = True,
        longest_seconds: float = LONGEST_SECONDS,
    ) -> None:
        """``exchange`` is the only function that sends a token. ``asks_alone``: ask about an untrusted start even without an older session.

        ``longest_seconds``: after this time ``exchange`` has its answer, or has given up.
        """
        self._sessions = sessions
        self._closer = closer
        self._pending_cookie = pending_cookie
        self._ledger = ledger
        self._browsers = browsers
        self._new_sessions = new_sessions
        self._exchange = exchange
        self._audit = audit
        self._asks_alone = asks_alone
        self._longest_seconds = longest_seconds
        self._running: set[asyncio.Task[Outcome]] = set()
        self._unclaimed: set[asyncio.TimerHandle] = set()
        self._ending: set[asyncio.Task[None]] = set()

    async def redeem(self, redemption: RedemptionRequest) -> Outcome:
        """The outcome of this redemption; the caller turns it into an HTTP answer. Raises ``StateFailed``.

        If Okta accepts a reference and no session begins, there was no valid token behind it. From then on it is forwarded like any other
        request of this client. A failed answer proves nothing, and one client's result is not used for another's.
        """
        outcome = await self._attended(redemption)
        if isinstance(outcome, Sent) and outcome.answer.status < 400 and not cookies_set(outcome.answer.fields):
            for reference in redemption.references:
                await self._ledger.judge_reference(
                    self._tried(reference, redemption.head, self._known_key(redemption)), may_hold_token=False
                )
        return outcome

    async def _attended(self, redemption: RedemptionRequest) -> Outcome:
        """Run the redemption as a task that holds the turn itself.

        If the client leaves, no other request gets the lease while the token is sent.
        """
        key = self._known_key(redemption)
        tokens = tuple(self._ledger.fingerprint(token) for token in redemption.all_tokens)
        client = _Client(tokens, client_signature(redemption.head, key), bool(key) or redemption.is_program)
        task = asyncio.create_task(self._under_lease(redemption, client), name="redemption")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            client.has_left = True
            if not client.is_sent:
                task.cancel()
            task.add_done_callback(lambda done: self._came_too_late(done, client, redemption.head))
            raise

    async def _under_lease(self, redemption: RedemptionRequest, client: _Client) -> Outcome:
        """Take the leases, look whether the token was sent before or another tab was faster, then switch."""
        head, leases = redemption.head, self._browsers.leases
        presented, carried = session_cookies(head.fields), self._pending_cookie.carried(head)
        browser = self._sessions.fingerprints(presented + carried)
        own = (client.signature,) if self._known_key(redemption) else ()
        # Without a cookie only address and User-Agent are known. A whole office may share those, so this wait is short.
        neighbours = () if browser or client.has_id else (client.signature,)
        # A request of this browser that is on its way to Okta may begin a session: wait until its answer is judged.
        await self._closer.in_flight.cleared(own, COURTESY_SECONDS)
        # No other request has a new browser's key, but its record is written under this lease too.
        record_key = (browser_key(redemption.browser_id),) if redemption.browser_id else ()
        async with leases.held((*client.tokens, *browser, *record_key)) as client.lease, leases.held_briefly(neighbours, COURTESY_SECONDS):
            waiting = await self._ledger.take_undelivered(client.tokens, client.signature) if self._are_dead(presented) else None
            record = await self._browsers.record(redemption.browser_id)
            if waiting is not None and not self._has_signed_in_since(waiting, record):
                return Sent(waiting)
            if waiting is not None:
                self._closer.close_soon(cookies_set(waiting.fields), browser_of(head))
            spent = await self._ledger.spent(client.tokens)
            if spent is not None:
                return await self._spent(head, spent, client.tokens, presented)
            if await self._is_outrun(presented, carried, client):
                return Again()
            older = tuple(dict.fromkeys((*presented, *carried, *record.all_cookies)))
            before = record.user_id or next(filter(None, map(self._sessions.user_of, older)), "")
            return await self._switched(redemption, client, presented, older, before)

    async def _switched(self, redemption: RedemptionRequest, client: _Client, presented: Cookies, older: Cookies, before: str) -> Outcome:
        """The switch from the user ``before``, and its outcome.

        Open connections of the browser are spared until the user of the new session is known (``doors.app.session_watcher``).
        """
        head, browser = redemption.head, self._known_key(redemption).hex()
        command = await self._closer.switch(older, browser_of(head), redemption.trusted, self._asks_alone, browser, client.lease)
        match command:
            case Confirm():
                self._audit.step(redemption, before, "asked")
                return command
            case Refuse():
                self._audit.step(redemption, before, "refused", reason=command.reason)
                if command.revoked:
                    await self._settle(older, "", browser)
                return NotSwitched(command, self._pending_cookie.moved(head, presented, older) if command.revoked else ())
            case Redeem():
                client.is_sent = True
                user_id = ""
                if older:
                    self._audit.step(redemption, before, "closed")
                try:
                    outcome, user_id = await self._sent(redemption, client, presented)
                finally:
                    await self._settle(older, user_id, browser)
                self._tell(redemption, outcome, (before, user_id), is_switch=bool(older))
                if client.has_left:
                    await self._keep(outcome, client, head)
                return outcome
            case _:
                assert_never(command)

    def _tell(self, redemption: RedemptionRequest, outcome: Outcome, users: tuple[str, str], *, is_switch: bool) -> None:
        before, user = users
        match outcome:
            case Unanswered(reason=reason):
                self._audit.step(redemption, before, "unanswered", reason=reason)
            case Sent(answer) if is_switch:
                self._audit.step(redemption, before, "redeemed" if cookies_set(answer.fields) else "no_session", user=user)
            case Sent(answer) if cookies_set(answer.fields):
                self._audit.signed_in(user, cookies_set(answer.fields), redemption.head.client, "token")
            case _:
                pass

    async def reference_redeems(self, request_uri: str, sender: LoginBrowser, unknown: bool) -> bool:
        """Whether an authorize request with this reference may redeem a token; ``unknown`` if it was not pushed through this gateway."""
        key = b"" if sender.fresh or not sender.browser_id else browser_key(sender.browser_id)
        known = await self._ledger.reference_may_hold_token(self._tried(request_uri, sender.head, key))
        if known is None:
            known = await self.pushed_here(request_uri)
        return unknown if known is None else known

    async def pushed_here(self, request_uri: str) -> bool | None:
        """Whether a reference that was pushed through this gateway may stand for a token; None for any other reference."""
        return await self._ledger.reference_may_hold_token(self._ledger.fingerprint(SessionToken(request_uri)))

    @staticmethod
    def _known_key(redemption: RedemptionRequest) -> bytes:
        """The key of a browser that presents its id; empty for a new id, because it cannot show that the same browser comes again."""
        return b"" if redemption.is_new_browser or not redemption.browser_id else browser_key(redemption.browser_id)

    def _tried(self, request_uri: str, head: RequestHead, key: bytes) -> Fingerprint:
        signature = client_signature(head, key)
        return self._ledger.fingerprint(SessionToken(f"{request_uri}\0{signature.hex()}"))

    async def note_pushed(self, answer: Answer, may_hold_token: bool) -> None:
        """Store the reference from Okta's answer to a pushed request, and whether it may stand for a token."""
        try:
            content: Any = json.loads(answer.body)
        except (ValueError, RecursionError):
            return
        reference = content.get("request_uri") if isinstance(content, dict) else None
        if isinstance(reference, str):
            await self._ledger.judge_reference(self._ledger.fingerprint(SessionToken(reference)), may_hold_token)

    async def aclose(self) -> None:
        """Wait for running redemptions: a token that was sent must be written down."""
        for timer in self._unclaimed:
            timer.cancel()
        await asyncio.gather(*self._running, *self._ending, return_exceptions=True)

    @staticmethod
    def _has_signed_in_since(waiting: Answer, record: BrowserRecord) -> bool:
        """Whether the browser was given another session after that of ``waiting``, an answer that its client did not wait for.

        Delivered now, that answer would replace the newer session, which the browser's record names as the last one.
        """
        return bool(record.cookies) and set(record.cookies).isdisjoint(cookies_set(waiting.fields))

    def _are_dead(self, cookies: Cookies) -> bool:
        return all(self._sessions.is_revoked((cookie,)) for cookie in cookies)

    async def _is_outrun(self, presented: Cookies, carried: Cookies, client: _Client) -> bool:
        """Whether another tab of this browser probably switched meanwhile, so that it helps to send the browser back."""
        if presented:
            return self._sessions.is_revoked(presented) and await self._ledger.bounce(client.tokens)
        return not carried and not client.has_id and await self._ledger.bounce_behind(client.tokens, client.signature)

    async def _spent(self, head: RequestHead, spent: Spent, tokens: tuple[Fingerprint, ...], presented: Cookies) -> Outcome:
        """The outcome for a token that was sent before."""
        if spent.owners.intersection(self._sessions.fingerprints(presented)):
            rest = without_tokens(head.target)
            elsewhere = is_cookie_redirect(head) or head.method != "GET" or rest == head.target
            return Onward((spent.destination or "/.gateway/") if elsewhere else rest)
        is_used = via_of(head) is Via.PROGRAM or not await self._ledger.bounce(tokens)
        return UsedElsewhere(spent.by_server) if is_used else Again()

    async def _settle(self, older: Cookies, user_id: str, browser: str) -> None:
        """Before any answer is delivered: open connections of this user go on under the new session, all others are closed."""
        if browser:
            with suppress(OutsideFailed):  # a process that does not hear of it closes them by itself, after 30 seconds
                await self._sessions.moved(older, user_id, browser)

    async def _sent(self, redemption: RedemptionRequest, client: _Client, presented: Cookies) -> tuple[Outcome, str]:
        """Send the token. The outcome, and the user of the new session ("" if none began, or if Okta names no user).

        Raises ``OutsideFailed`` before the token is sent.
        """
        if client.lease is not None:
            await client.lease.outlasts(self._longest_seconds + MARGIN_SECONDS)
        if not await self._ledger.claim(client.tokens):
            # Another process sent it; its lease ended before it had Okta's answer.
            return await self._spent(redemption.head, await self._ledger.spent(client.tokens) or Spent(), client.tokens, presented), ""
        if client.lease is not None and not client.lease.still_outlasts(self._longest_seconds):
            await self._ledger.unspend(client.tokens)
            raise LeaseLost("the shared state was too slow for a token to be sent")
        try:
            answer = await self._exchange(redemption.head, redemption.body)
        except OutsideFailed as error:
            if not error.left:
                await self._ledger.unspend(client.tokens)
            return Unanswered(error.reason, error.left, self._settled(redemption.head, ())), ""
        try:
            return await self._begun(redemption, client, answer)
        except OutsideFailed as error:
            # The session cannot be stored, or another process has the browser's lease by now: it must not reach the browser.
            self._closer.close_soon(cookies_set(answer.fields), browser_of(redemption.head))
            return Unanswered(error.reason, True, self._settled(redemption.head, ())), ""

    async def _begun(self, redemption: RedemptionRequest, client: _Client, answer: Answer) -> tuple[Sent, str]:
        """Store what the token became, and make the answer for the browser."""
        begun = cookies_set(answer.fields)
        if answer.status == TOO_MANY_REQUESTS:
            await self._ledger.unspend(client.tokens)
        else:
            owners = frozenset(self._sessions.fingerprints(begun))
            by_server = redemption.head.path == CREATE_SESSION
            await self._ledger.spend(client.tokens, Spent(owners, _location(answer.fields), by_server))
        if begun and not client.has_id:
            await self._ledger.note_neighbour(client.signature)
        session = await self._new_sessions.redeemed(LoginBrowser(redemption.head, redemption.browser_id, ()), begun)
        sent = Sent(Answer(answer.status, self._settled(redemption.head, answer.fields), answer.body))
        return sent, session.user_id if session is not None else ""

    def _settled(self, head: RequestHead, answered: Fields) -> Fields:
        return settled(answered, {name for name, _ in pairs(head.fields)}, head.authority.host)

    def _came_too_late(self, done: "asyncio.Task[Outcome]", client: _Client, head: RequestHead) -> None:
        """The client left at the moment when its answer was complete."""
        if not done.cancelled() and done.exception() is None and not client.is_kept:
            self._in_background(self._keep(done.result(), client, head))

    async def _keep(self, outcome: Outcome, client: _Client, head: RequestHead) -> None:
        """The client left before its answer. The same client may fetch it for a while; after that the unused session is closed."""
        client.is_kept = True
        if isinstance(outcome, Sent):
            await self._ledger.keep_undelivered(client.tokens, client.signature, outcome.answer)
            loop, browser = asyncio.get_running_loop(), browser_of(head)
            begun = cookies_set(outcome.answer.fields)
            timer = loop.call_later(UNDELIVERED_SECONDS, lambda: self._in_background(self._end_unclaimed(client, begun, browser)))
            self._unclaimed = {*(known for known in self._unclaimed if known.when() > loop.time()), timer}

    async def _end_unclaimed(self, client: _Client, begun: Cookies, browser: Browser) -> None:
        answer = await self._ledger.take_undelivered(client.tokens, client.signature)
        if answer is not None and begun:
            self._closer.close_soon(begun, browser)

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="undelivered answer")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _location(fields: Fields) -> str:
    """The answer's ``Location``, if there is exactly one and it is printable ASCII; else empty."""
    found = [value.decode("latin-1") for name, value in fields if name.lower() == b"location"]
    return found[0] if len(found) == 1 and found[0].isascii() and found[0].isprintable() and " " not in found[0] else ""
