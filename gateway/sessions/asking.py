"""Asking Okta, so that a slow, busy or dead Okta is spared: slots, the shared wait after a 429, the circuit breaker.

Owns the one queue to the Sessions API. Must never ask while Okta said to wait, and must never count an answer about one user
(401, 403, 404) as a failure of Okta's. Rules from: DESIGN section 3; OKTA section 5; ATTACKS K7, K8, K10.

The requests that close a session and prove its end (``closing``) do not queue here: they matter more than the limit.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from gateway.clock import Clock
from gateway.core.cache import Breaker, Budget
from gateway.core.session import Finding, NoSession, SessionCookie, Unknown
from gateway.okta import Browser, OktaAnswer
from gateway.sessions.guesses import Guesses

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
    """At most ``at_once`` questions are under way and ``most_waiting`` behind them (OKTA 5: 35 to 75 at once for the whole org).

    One client may ask ``guesses_per_minute`` times about sessions that do not exist, and that nobody knows here.
    """

    at_once: int = 25
    most_waiting: int = 1000
    guesses_per_minute: int = 300
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a question that was sent at ``asked_at`` (monotonic), when the clock on the wall showed ``wall``."""

    finding: Finding
    asked_at: float
    wall: float


class Asking:
    """Asks one org, for everybody in this process."""

    def __init__(self, okta: SessionsApi, clock: Clock, on_event: OnEvent, rules: AskingRules | None = None) -> None:
        """``on_event`` hears each change once: the circuit opens or closes, the rate limit runs low, is reached, recovers."""
        self._okta = okta
        self._clock = clock
        self._on_event = on_event
        self._rules = rules if rules is not None else AskingRules()
        self._slots = asyncio.Semaphore(self._rules.at_once)
        self._waiting = 0
        self._budget = Budget()
        self._breaker = self._rules.breaker
        self._guesses = Guesses(self._rules.guesses_per_minute, clock.monotonic)

    @property
    def shortage(self) -> float:
        """How short the rate limit is, 0 (plenty) to 1 (nothing left): by this the ttl stretches."""
        return self._budget.shortage

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open: Okta does not answer."""
        return self._breaker.open_until is not None

    async def session(self, cookies: Sequence[SessionCookie], browser: Browser, *, known: bool = False) -> Asked:
        """Who is signed in with these cookies; ``Unknown`` without a question where Okta must be left alone.

        ``known``: they were a session lately, so that whoever presents them does not guess.
        """
        return await self._ask(self._okta.session, cookies, browser, known)

    async def refresh(self, cookies: Sequence[SessionCookie], browser: Browser) -> Asked:
        """The session, its idle time begun anew; only for cookies that are one."""
        return await self._ask(self._okta.refresh, cookies, browser, known=True)

    async def _ask(self, call: _Call, cookies: Sequence[SessionCookie], browser: Browser, known: bool) -> Asked:
        refusal = self._refusal() or (None if known else self._too_many_guesses(browser))
        if refusal is None and self._slots.locked() and self._waiting >= self._rules.most_waiting:
            refusal = Unknown("busy")
        if refusal is not None:
            return self._asked(refusal)
        async with self._slot():
            refusal = self._refusal()  # what the questions before this one brought
            if refusal is not None:
                return self._asked(refusal)
            asked = await self._send(call, cookies, browser)
            if asked.finding == GONE and not known:
                self._guesses.note(browser.client)
            return asked

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    async def _send(self, call: _Call, cookies: Sequence[SessionCookie], browser: Browser) -> Asked:
        asked = self._asked(Unknown("unanswered"))
        self._breaker = self._breaker.asking()
        answer = None
        try:
            answer = await call(cookies, browser)
        finally:
            self._note_health(answer)
        self._note_budget(answer)
        # After a 429 the finding names the moment to wait for on this machine's own clock.
        finding = (self._refusal() or answer.finding) if answer.status == 429 else answer.finding
        return Asked(finding, asked.asked_at, asked.wall)

    def _asked(self, finding: Finding) -> Asked:
        return Asked(finding, self._clock.monotonic(), self._clock.wall())

    def _too_many_guesses(self, browser: Browser) -> Unknown | None:
        seconds = self._guesses.wait_seconds(browser.client)
        return Unknown("client_limited", self._clock.wall() + seconds) if seconds else None

    def _refusal(self) -> Unknown | None:
        now = self._clock.monotonic()
        if now < self._budget.wait_until:
            return Unknown("rate_limited", self._clock.wall() + self._budget.wait_until - now)
        if not self._breaker.admits(now):
            return Unknown("circuit_open", self._clock.wall() + max(0.0, (self._breaker.open_until or now) - now))
        return None

    def _note_health(self, answer: OktaAnswer | None) -> None:
        was_open = self.is_open
        if answer is None or (answer.status == 0 and answer.finding == Unknown("unsendable_cookie")):
            self._breaker = self._breaker.abandoned()
        elif answer.status == 0 or answer.status >= 500:
            self._breaker = self._breaker.failed(self._clock.monotonic())
        else:
            self._breaker = self._breaker.answered()
        if self.is_open != was_open:
            reason = answer.finding.reason if answer is not None and isinstance(answer.finding, Unknown) else ""
            self._on_event("okta_circuit_open" if self.is_open else "okta_circuit_closed", {"reason": reason})

    def _note_budget(self, answer: OktaAnswer) -> None:
        now, wall, before = self._clock.monotonic(), self._clock.wall(), self._budget
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
