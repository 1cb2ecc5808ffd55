"""The questions to Okta's Sessions API, limited so that a slow or failing Okta is not overloaded.

This module owns the queue, the wait after a 429, and the circuit breakers. It must never ask while Okta's wait lasts. It must never count
an answer about one user (401, 403, 404) as a failure of Okta.

The requests that close a known session and verify its end (``session_closer``) do not use this queue, because they matter more than the
limit. Questions about cookies that may be made up always use it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.clock import Clock
from gateway.observe import Tell
from gateway.okta import BrowserFields, OktaAnswer
from gateway.policy.http.clients import client_key
from gateway.policy.session.cache import Breaker, Budget
from gateway.policy.session.circuits import Circuits
from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown
from gateway.sessions.guesses import Guesses
from gateway.sessions.slots import Slots

GONE = NoSession("not_found")

"""Gets (event name, figures) for the log; never a cookie, never a token."""

_Call = Callable[[Sequence[SessionCookie], BrowserFields], Awaitable[OktaAnswer]]


class SessionsApi(Protocol):
    """The calls that this module sends to Okta."""

    async def session(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """Ask who is signed in with these cookies."""

    async def refresh(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """Restart the session's idle time."""


@dataclass(frozen=True, slots=True)
class AskingRules:
    """The limits. ``most_running``: questions under way (Okta allows 35 to 75 for a whole org). ``most_waiting``: questions in a queue.

    ``guesses_per_minute``: guesses of one client. ``guess_share``: the part of Okta's rate limit that the guesses of all clients may use.
    ``breaker``: the thresholds of every circuit.
    """

    most_running: int = 25
    most_waiting: int = 1000
    guesses_per_minute: int = 300
    guess_share: float = 0.5
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True)
class OktaReply:
    """The result of a question. ``asked_at`` (monotonic seconds) and ``wall`` (Unix seconds): when the question was sent.

    If the answer was already old (``OktaAnswer.age_seconds``), both times are earlier by that age. ``brought``: the session cookies that
    the answer set.
    """

    finding: Finding
    asked_at: float
    wall: float
    brought: tuple[SessionCookie, ...] = ()


class Asking:
    """Sends the questions of this process to one org."""

    def __init__(self, okta: SessionsApi, clock: Clock, tell: Tell, rules: AskingRules | None = None) -> None:
        """``tell`` is called once for each change: a circuit opens or closes, the rate limit runs low, is reached, or recovers."""
        self._okta = okta
        self._clock = clock
        self._tell = tell
        self._rules = rules if rules is not None else AskingRules()
        self._slots = Slots(self._rules.most_running, self._rules.most_waiting)
        self._budget = Budget()
        self._circuits = Circuits.of(self._rules.breaker)
        self._guesses = Guesses(self._rules.guesses_per_minute, self._rules.guess_share, clock.monotonic)

    @property
    def shortage(self) -> float:
        """How scarce Okta's rate limit is, from 0 (plenty) to 1 (nothing left). The ttl of answers grows with it."""
        return self._budget.shortage

    @property
    def is_open(self) -> bool:
        """Whether the circuit for everybody is open, because Okta does not answer."""
        return self._circuits.is_open

    def guess_refused(self, browser: BrowserFields) -> Unknown | None:
        """Why a guess of this browser must wait; None if it may be sent."""
        wait = self._guesses.refusal(browser.client)
        return Unknown(wait.reason, self._clock.wall() + wait.seconds) if wait is not None else None

    async def session(self, cookies: Sequence[SessionCookie], browser: BrowserFields, *, known: bytes = b"") -> OktaReply:
        """Ask who is signed in with these cookies. ``Unknown`` without a question if Okta must not be asked now.

        ``known``: the fingerprint of one of the cookies that was a session lately. If it is empty, the question is a guess.
        """
        return await self._ask(self._okta.session, cookies, browser, known)

    async def refresh(self, cookies: Sequence[SessionCookie], browser: BrowserFields, known: bytes = b"refresh") -> OktaReply:
        """Restart the idle time of a session. Use it only for cookies of a known session; ``known``: the fingerprint of one of them."""
        return await self._ask(self._okta.refresh, cookies, browser, known)

    async def _ask(self, call: _Call, cookies: Sequence[SessionCookie], browser: BrowserFields, known: bytes) -> OktaReply:
        source, is_guess = known.hex() or client_key(browser.client), not known
        refusal = self._refusal(source) or (self.guess_refused(browser) if is_guess else None)
        if refusal is None and self._slots.is_full(is_guess):
            refusal = Unknown("busy")
        if refusal is not None:
            return self._reply_now(refusal)
        if not is_guess:
            return await self._ask_in_slot(call, cookies, browser, (source, False))
        self._guesses.note(browser.client)
        reply = None
        try:
            reply = await self._ask_in_slot(call, cookies, browser, (source, True))
        finally:
            if reply is None or _is_session(reply.finding):
                self._guesses.was_none(browser.client)
        return reply

    async def _ask_in_slot(
        self, call: _Call, cookies: Sequence[SessionCookie], browser: BrowserFields, whose: tuple[str, bool]
    ) -> OktaReply:
        source, is_guess = whose
        async with self._slots.slot(is_guess):
            refusal = self._refusal(source)  # the questions before this one may have opened a circuit or met a 429
            if refusal is not None:
                if is_guess:
                    self._guesses.was_none(browser.client)
                return self._reply_now(refusal)
            return await self._send(call, cookies, browser, source)

    async def _send(self, call: _Call, cookies: Sequence[SessionCookie], browser: BrowserFields, source: str) -> OktaReply:
        reply = self._reply_now(Unknown("unanswered"))
        self._circuits = self._circuits.asking(source)
        answer = None
        try:
            answer = await call(cookies, browser)
        finally:
            self._note_health(answer, source)
        self._note_budget(answer)
        # After a 429 the finding names the end of the wait by this machine's clock.
        finding = (self._refusal(source) or answer.finding) if answer.status == 429 else answer.finding
        return OktaReply(finding, reply.asked_at - answer.age_seconds, reply.wall - answer.age_seconds, answer.brought)

    def _reply_now(self, finding: Finding) -> OktaReply:
        return OktaReply(finding, self._clock.monotonic(), self._clock.wall())

    def _refusal(self, source: str) -> Unknown | None:
        now = self._clock.monotonic()
        if now < self._budget.wait_until:
            return Unknown("rate_limited", self._clock.wall() + self._budget.wait_until - now)
        if not self._circuits.admits(now, source):
            return Unknown("circuit_open", self._clock.wall() + max(0.0, (self._circuits.open_until(source) or now) - now))
        return None

    def _note_health(self, answer: OktaAnswer | None, source: str) -> None:
        was_open = self.is_open
        if answer is None or (answer.status == 0 and answer.finding == Unknown("unsendable_cookie")):
            self._circuits = self._circuits.abandoned(source)
        elif answer.status == 0 or answer.status >= 500:
            self._circuits = self._circuits.failed(self._clock.monotonic(), source)
        else:
            self._circuits = self._circuits.answered(source)
        if self.is_open != was_open:
            reason = answer.finding.reason if answer is not None and isinstance(answer.finding, Unknown) else ""
            self._tell("okta_circuit_open" if self.is_open else "okta_circuit_closed", {"reason": reason})

    def _note_budget(self, answer: OktaAnswer) -> None:
        now, wall, before = self._clock.monotonic(), self._clock.wall(), self._budget
        self._guesses.after(answer.limits, wall)
        if answer.status == 429:
            retry_at = answer.finding.retry_at if isinstance(answer.finding, Unknown) else None
            self._budget = before.after_refusal(answer.limits, retry_at, now, wall)
            if now >= before.wait_until:
                self._tell("okta_rate_limited", {"wait_seconds": round(self._budget.wait_until - now, 1)})
            return
        self._budget = before.after(answer.limits)
        if answer.limits is not None and (self._budget.shortage > 0) != (before.shortage > 0):
            name = "okta_rate_low" if self._budget.shortage > 0 else "okta_rate_recovered"
            self._tell(name, {"remaining": answer.limits.remaining, "limit": answer.limits.limit})


def _is_session(finding: Finding) -> bool:
    """Whether Okta knows these cookies. True also if a second factor is still missing."""
    return isinstance(finding, Session) or (isinstance(finding, NoSession) and finding != GONE)
