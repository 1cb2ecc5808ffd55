"""Redeems a token at the login door: takes the lease of browser and token, ends the older session, sends one request to Okta.

(``coordination.browser_leases`` has the lease: a lock in all processes.) Owns the order of these steps around ``policy.switch.switch``,
and the only line that sends a token. Must never send a token twice, never send one with a cookie of an older session, and never before
the switch returned ``Redeem``. A running redemption is a task of its own: if its client leaves, the answer is kept for a moment
(``undelivered_answers``), in case the same client asks again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import assert_never

from gateway.background import BackgroundTasks
from gateway.closing.session_closer import Closer
from gateway.coordination.leases import HeldLease
from gateway.doors.login import redemptions
from gateway.doors.login.browsers import Browsers
from gateway.doors.login.login_browser import LoginBrowser
from gateway.doors.login.new_sessions import NewSessions
from gateway.doors.login.redemptions import RedemptionOutcome, RedemptionRequest
from gateway.doors.login.switch_audit import SwitchAudit
from gateway.doors.login.token_ledger import Spent, TokenLedger
from gateway.doors.login.undelivered_answers import UndeliveredAnswers
from gateway.errors import LeaseLost, OutsideFailed
from gateway.policy.http.cookies import pairs, session_cookies
from gateway.policy.http.messages import Answer, Fields, RequestHead
from gateway.policy.session.browser_record import BrowserRecord
from gateway.policy.session.session import Cookies, Fingerprint
from gateway.policy.switch.org_requests import is_cookie_redirect, without_tokens
from gateway.policy.switch.redemption import cookies_set, location_of, settled
from gateway.policy.switch.start import Via, via_of
from gateway.policy.switch.switch import Confirm, Redeem, Refuse
from gateway.sessions import Sessions

TOO_MANY_REQUESTS = 429
CREATE_SESSION = "/api/v1/sessions"
COURTESY_SECONDS = 2.0
MARGIN_SECONDS = 5.0
"""How long the shared state may take from the renewal of a lease until the token is sent, in seconds."""

Exchange = Callable[[RequestHead, bytes], Awaitable[Answer]]
"""Sends a token: once, with the whole body, without any session cookie. Returns the whole answer. Raises ``OutsideFailed``."""


@dataclass(slots=True)
class _Running:
    """A redemption that runs, and its client. Once the token is sent (``is_sent``), it goes on even if the client leaves.

    ``lease``: the lease of browser and tokens, if several processes share the state. ``is_kept``: the answer is among the undelivered.
    """

    request: RedemptionRequest
    tokens: tuple[Fingerprint, ...]
    lease: HeldLease | None = None
    is_sent: bool = False
    has_left: bool = False
    is_kept: bool = False

    @property
    def sender(self) -> LoginBrowser:
        return self.request.sender

    @property
    def head(self) -> RequestHead:
        return self.request.head

    @property
    def is_recognized(self) -> bool:
        """Whether the client is known by an id, or is a program; else only its address and User-Agent are known."""
        return bool(self.sender.known_key) or self.request.is_program


class Redeemer:
    """Carries out redemptions for the login host. Close it with ``aclose``."""

    def __init__(
        self,
        sessions: Sessions,
        closer: Closer,
        token_ledger: TokenLedger,
        undelivered: UndeliveredAnswers,
        browsers: Browsers,
        new_sessions: NewSessions,
        exchange: Exchange,
        audit: SwitchAudit,
        asks_alone: bool,
        longest_seconds: float,
    ) -> None:
        """``exchange`` is the only function that sends a token. ``asks_alone``: ask about an untrusted start even without an older session.

        ``longest_seconds``: after this time ``exchange`` has its answer, or has given up.
        """
        self._sessions = sessions
        self._closer = closer
        self._token_ledger = token_ledger
        self._undelivered = undelivered
        self._browsers = browsers
        self._new_sessions = new_sessions
        self._exchange = exchange
        self._audit = audit
        self._asks_alone = asks_alone
        self._longest_seconds = longest_seconds
        self._tasks = BackgroundTasks()

    async def redeem(self, request: RedemptionRequest) -> RedemptionOutcome:
        """The outcome of this redemption; the caller turns it into an HTTP answer. Raises ``StateFailed``.

        A task holds the lease: if the client leaves, no other request gets the lease while the token is sent.
        """
        running = _Running(request, tuple(self._token_ledger.fingerprint(token) for token in request.all_tokens))
        task = self._tasks.start(self._under_lease(running), "redemption")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            running.has_left = True
            if not running.is_sent:
                task.cancel()
            task.add_done_callback(lambda done: self._came_too_late(done, running))
            raise

    async def aclose(self) -> None:
        """Wait for running redemptions: a token that was sent must be written down."""
        await asyncio.gather(self._tasks.ended(), self._undelivered.aclose())

    async def _under_lease(self, running: _Running) -> RedemptionOutcome:
        """Take the leases, look whether the token was sent before or another tab was faster, then switch."""
        sender, leases = running.sender, self._browsers.leases
        received_cookies, carried = session_cookies(running.head.fields), sender.carried
        browser = self._sessions.fingerprints(received_cookies + carried)
        # Without a cookie only address and User-Agent are known. A whole office may share those, so this wait is short.
        client_keys = () if browser or running.is_recognized else (sender.signature,)
        # A request of this browser that is on its way to Okta may begin a session: wait until its answer is judged.
        await self._closer.in_flight.cleared((sender.known_key,) if sender.known_key else (), COURTESY_SECONDS)
        # No other request has a new browser's key, but its record is written under this lease too.
        record_key = (sender.record_key,) if sender.record_key else ()
        keys = (*running.tokens, *browser, *record_key)
        async with leases.held(keys) as running.lease, leases.held_briefly(client_keys, COURTESY_SECONDS):
            are_dead = all(self._sessions.is_revoked((cookie,)) for cookie in received_cookies)
            waiting = await self._undelivered.take(running.tokens, sender.signature) if are_dead else None
            record = await self._browsers.record(sender.browser_id)
            if waiting is not None and not _has_signed_in_since(waiting, record):
                return redemptions.Sent(waiting)
            if waiting is not None:
                self._closer.close_issued(cookies_set(waiting.fields), sender.browser_fields)
            spent = await self._token_ledger.spent(running.tokens)
            if spent is not None:
                return await self._spent(running, spent, received_cookies)
            if await self._is_outrun(received_cookies, carried, running):
                return redemptions.Again()
            older = tuple(dict.fromkeys((*received_cookies, *carried, *record.all_cookies)))
            before = record.user_id or next(filter(None, map(self._sessions.user_of, older)), "")
            return await self._switched(running, received_cookies, older, before)

    async def _switched(self, running: _Running, received_cookies: Cookies, older: Cookies, before: str) -> RedemptionOutcome:
        """The switch from the user ``before``, and its outcome.

        Open connections of the browser are spared until the user of the new session is known (``doors.app.session_watcher``).
        """
        request, sender, browser = running.request, running.sender, running.sender.known_key.hex()
        command = await self._closer.switch(older, sender.browser_fields, request.trusted, self._asks_alone, browser, running.lease)
        match command:
            case Confirm():
                self._audit.step(request, before, "asked")
                return command
            case Refuse():
                self._audit.step(request, before, "refused", reason=command.reason)
                if command.revoked:
                    await self._settle(older, "", browser)
                return redemptions.NotSwitched(command, older)
            case Redeem():
                running.is_sent = True
                user_id = ""
                if older:
                    self._audit.step(request, before, "closed")
                try:
                    outcome, user_id = await self._sent(running, received_cookies)
                finally:
                    await self._settle(older, user_id, browser)
                self._note_outcome(request, outcome, (before, user_id), is_switch=bool(older))
                if running.has_left and isinstance(outcome, redemptions.Sent):
                    running.is_kept = True
                    await self._undelivered.keep(running.tokens, sender.signature, outcome.answer, sender.browser_fields)
                return outcome
            case _:
                assert_never(command)

    def _note_outcome(self, request: RedemptionRequest, outcome: RedemptionOutcome, users: tuple[str, str], *, is_switch: bool) -> None:
        """Write the outcome into the audit log. ``users``: the former one, the new one."""
        before, user = users
        match outcome:
            case redemptions.Unanswered(reason=reason):
                self._audit.step(request, before, "unanswered", reason=reason)
            case redemptions.Sent(answer) if is_switch:
                self._audit.step(request, before, "redeemed" if cookies_set(answer.fields) else "no_session", user=user)
            case redemptions.Sent(answer) if cookies_set(answer.fields):
                self._audit.signed_in(user, cookies_set(answer.fields), request.head.client, "token")
            case _:
                pass

    async def _is_outrun(self, received_cookies: Cookies, carried: Cookies, running: _Running) -> bool:
        """Whether another tab of this browser probably switched meanwhile, so that it helps to send the browser back."""
        if received_cookies:
            return self._sessions.is_revoked(received_cookies) and await self._token_ledger.bounce(running.tokens)
        return (
            not carried
            and not running.is_recognized
            and await self._token_ledger.bounce_for_client(running.tokens, running.sender.signature)
        )

    async def _spent(self, running: _Running, spent: Spent, received_cookies: Cookies) -> RedemptionOutcome:
        """The outcome for a token that was sent before."""
        head = running.head
        if spent.fingerprints.intersection(self._sessions.fingerprints(received_cookies)):
            rest = without_tokens(head.target)
            elsewhere = is_cookie_redirect(head) or head.method != "GET" or rest == head.target
            return redemptions.Onward((spent.destination or "/.gateway/") if elsewhere else rest)
        is_used = via_of(head) is Via.PROGRAM or not await self._token_ledger.bounce(running.tokens)
        return redemptions.UsedElsewhere(spent.by_server) if is_used else redemptions.Again()

    async def _settle(self, older: Cookies, user_id: str, browser: str) -> None:
        """Before any answer is delivered: open connections of this user go on under the new session, all others are closed."""
        if browser:
            with suppress(OutsideFailed):  # a process that does not hear of it closes them by itself, after 30 seconds
                await self._sessions.moved(older, user_id, browser)

    async def _sent(self, running: _Running, received_cookies: Cookies) -> tuple[RedemptionOutcome, str]:
        """Send the token. The outcome, and the user of the new session ("" if none began, or if Okta names no user).

        Raises ``OutsideFailed`` before the token is sent.
        """
        if running.lease is not None:
            await running.lease.outlasts(self._longest_seconds + MARGIN_SECONDS)
        if not await self._token_ledger.claim(running.tokens):
            # Another process sent it; its lease ended before it had Okta's answer.
            return await self._spent(running, await self._token_ledger.spent(running.tokens) or Spent(), received_cookies), ""
        if running.lease is not None and not running.lease.still_outlasts(self._longest_seconds):
            await self._token_ledger.unspend(running.tokens)
            raise LeaseLost("the shared state was too slow for a token to be sent")
        try:
            answer = await self._exchange(running.head, running.request.body)
        except OutsideFailed as error:
            if not error.left:
                await self._token_ledger.unspend(running.tokens)
            return redemptions.Unanswered(error.reason, error.left, _settled(running.head, ())), ""
        try:
            return await self._begun(running, answer)
        except OutsideFailed as error:
            # The session cannot be stored, or another process has the browser's lease by now: it must not reach the browser.
            self._closer.close_issued(cookies_set(answer.fields), running.sender.browser_fields)
            return redemptions.Unanswered(error.reason, True, _settled(running.head, ())), ""

    async def _begun(self, running: _Running, answer: Answer) -> tuple[redemptions.Sent, str]:
        """Store what the token became, and make the answer for the browser."""
        begun = cookies_set(answer.fields)
        if answer.status == TOO_MANY_REQUESTS:
            await self._token_ledger.unspend(running.tokens)
        else:
            fingerprints = frozenset(self._sessions.fingerprints(begun))
            by_server = running.head.path == CREATE_SESSION
            await self._token_ledger.spend(running.tokens, Spent(fingerprints, location_of(answer.fields), by_server))
        if begun and not running.is_recognized:
            await self._token_ledger.note_client(running.sender.signature)
        session = await self._new_sessions.redeemed(running.sender, begun)
        sent = redemptions.Sent(Answer(answer.status, _settled(running.head, answer.fields), answer.body))
        return sent, session.user_id if session is not None else ""

    def _came_too_late(self, done: "asyncio.Task[RedemptionOutcome]", running: _Running) -> None:
        """The client left at the moment when its answer was complete."""
        if done.cancelled() or done.exception() is not None or running.is_kept:
            return
        outcome, sender = done.result(), running.sender
        if isinstance(outcome, redemptions.Sent):
            self._undelivered.keep_soon(running.tokens, sender.signature, outcome.answer, sender.browser_fields)


def _has_signed_in_since(waiting: Answer, record: BrowserRecord) -> bool:
    """Whether the browser was given another session after that of ``waiting``, an answer that its client did not wait for.

    Delivered now, that answer would replace the newer session, which the browser's record names as the last one.
    """
    return bool(record.cookies) and set(record.cookies).isdisjoint(cookies_set(waiting.fields))


def _settled(head: RequestHead, answered: Fields) -> Fields:
    return settled(answered, {name for name, _ in pairs(head.fields)}, head.authority.host)
