"""Asking Okta, so that a slow, busy or dead Okta is spared: slots, the shared wait after a 429, the circuit breaker.

Owns the one queue to the Sessions API. Must never ask while Okta said to wait, and must never count an answer about one user
(401, 403, 404) as a failure of Okta's.

The requests that close a known session and prove its end (``closing``) do not queue here: they matter more than the limit. What anybody
can make up queues here, whatever it is asked for.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.clock import Clock
from gateway.okta import Browser, OktaAnswer
from gateway.policy.http.clients import client_key
from gateway.policy.session.cache import Breaker, Budget
from gateway.policy.session.circuits import Circuits
from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown
from gateway.sessions.guesses import Guesses
from gateway.sessions.slots import Slots

GONE = NoSession("not_found")

OnEvent = Callable[[str, Mapping[str, object]], None]
"""Gets (event name, figures) for the log; never a cookie, never a token."""

_Call = Callable[[Sequence[SessionCookie], Browser], Awaitable[OktaAnswer]]


class SessionsApi(Protocol):
    """The part of ``Okta`` that asks; the tests answer from a script."""

    async def session(self, cookies: Sequence[SessionCookie], browser: Browser) -> OktaAnswer:
        """Who is signed in with these cookies."""

    async def refresh(self, cookies: Sequence[SessionCookie], browser: Browser) -> OktaAnswer:
        """Begin the session's idle time anew."""


@dataclass(frozen=True, slots=True)
class AskingRules:
    """At most ``at_once`` questions are under way and ``most_waiting`` behind them (Okta allows 35 to 75 at once for a whole org).

    One client may ask ``guesses_per_minute`` times about sessions that do not exist, and that nobody knows here; all clients together use
    at most ``guess_share`` of Okta's rate limit for that. ``breaker``: the thresholds of every circuit.
    """

    at_once: int = 25
    most_waiting: int = 1000
    guesses_per_minute: int = 300
    guess_share: float = 0.5
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True)
class OktaReply:
    """What came of a question that was sent at ``asked_at`` (monotonic), when the clock on the wall showed ``wall``.

    Where the answer was older than that (``OktaAnswer.age_seconds``), both are the moment that it speaks of.

    ``brought``: the session cookies that its answer set.
    """

    finding: Finding
    asked_at: float
    wall: float
    brought: tuple[SessionCookie, ...] = ()


class Asking:
    """Asks one org, for everybody in this process."""

    def __init__(self, okta: SessionsApi, clock: Clock, on_event: OnEvent, rules: AskingRules | None = None) -> None:
        """``on_event`` hears each change once: the circuit opens or closes, the rate limit runs low, is reached, recovers."""
        self._okta = okta
        self._clock = clock
        self._on_event = on_event
        self._rules = rules if rules is not None else AskingRules()
        self._slots = Slots(self._rules.at_once, self._rules.most_waiting)
        self._budget = Budget()
        self._circuits = Circuits.of(self._rules.breaker)
        self._guesses = Guesses(self._rules.guesses_per_minute, self._rules.guess_share, clock.monotonic)

    @property
    def shortage(self) -> float:
        """How short the rate limit is, 0 (plenty) to 1 (nothing left): by this the ttl stretches."""
        return self._budget.shortage

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open for everybody: Okta does not answer."""
        return self._circuits.is_open

    def guess_refused(self, browser: Browser) -> Unknown | None:
        """Why a question about made-up cookies of this browser must wait; None where it need not."""
        wait = self._guesses.refusal(browser.client)
        return Unknown(wait.reason, self._clock.wall() + wait.seconds) if wait is not None else None

    async def session(self, cookies: Sequence[SessionCookie], browser: Browser, *, known: bytes = b"") -> OktaReply:
        """Who is signed in with these cookies; ``Unknown`` without a question where Okta must be left alone.

        ``known``: the fingerprint of one of them that was a session lately, so that whoever presents it does not guess; empty for none.
        """
        return await self._ask(self._okta.session, cookies, browser, known)

    async def refresh(self, cookies: Sequence[SessionCookie], browser: Browser, known: bytes = b"refresh") -> OktaReply:
        """The session, its idle time begun anew; only for cookies that are one. ``known``: the fingerprint of one of them."""
        return await self._ask(self._okta.refresh, cookies, browser, known)

    async def _ask(self, call: _Call, cookies: Sequence[SessionCookie], browser: Browser, known: bytes) -> OktaReply:
        source, is_guess = known.hex() or client_key(browser.client), not known
        refusal = self._refusal(source) or (self.guess_refused(browser) if is_guess else None)
        if refusal is None and self._slots.is_full(is_guess):
            refusal = Unknown("busy")
        if refusal is not None:
            return self._asked(refusal)
        if not is_guess:
            return await self._in_turn(call, cookies, browser, (source, False))
        self._guesses.note(browser.client)
        asked = None
        try:
            asked = await self._in_turn(call, cookies, browser, (source, True))
        finally:
            if asked is None or _is_session(asked.finding):
                self._guesses.was_none(browser.client)
        return asked

    async def _in_turn(self, call: _Call, cookies: Sequence[SessionCookie], browser: Browser, whose: tuple[str, bool]) -> OktaReply:
        source, is_guess = whose
        async with self._slots.slot(is_guess):
            refusal = self._refusal(source)  # what the questions before this one brought
            if refusal is not None:
                if is_guess:
                    self._guesses.was_none(browser.client)
                return self._asked(refusal)
            return await self._send(call, cookies, browser, source)

    async def _send(self, call: _Call, cookies: Sequence[SessionCookie], browser: Browser, source: str) -> OktaReply:
        asked = self._asked(Unknown("unanswered"))
        self._circuits = self._circuits.asking(source)
        answer = None
        try:
            answer = await call(cookies, browser)
        finally:
            self._note_health(answer, source)
        self._note_budget(answer)
        # After a 429 the finding names the moment to wait for on this machine's own clock.
        finding = (self._refusal(source) or answer.finding) if answer.status == 429 else answer.finding
        return OktaReply(finding, asked.asked_at - answer.age_seconds, asked.wall - answer.age_seconds, answer.brought)

    def _asked(self, finding: Finding) -> OktaReply:
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
            self._on_event("okta_circuit_open" if self.is_open else "okta_circuit_closed", {"reason": reason})

    def _note_budget(self, answer: OktaAnswer) -> None:
        now, wall, before = self._clock.monotonic(), self._clock.wall(), self._budget
        self._guesses.after(answer.limits, wall)
        if answer.status == 429:
            retry_at = answer.finding.retry_at if isinstance(answer.finding, Unknown) else None
            self._budget = before.after_refusal(answer.limits, retry_at, now, wall)
            if now >= before.wait_until:
                self._on_event("okta_rate_limited", {"wait_seconds": round(self._budget.wait_until - now, 1)})
            return
        self._budget = before.after(answer.limits)
        if answer.limits is not None and (self._budget.shortage > 0) != (before.shortage > 0):
            name = "okta_rate_low" if self._budget.shortage > 0 else "okta_rate_recovered"
            self._on_event(name, {"remaining": answer.limits.remaining, "limit": answer.limits.limit})


def _is_session(finding: Finding) -> bool:
    """Whether Okta knows these cookies: also where a second factor is still missing."""
    return isinstance(finding, Session) or (isinstance(finding, NoSession) and finding != GONE)
