"""What the tests of Sessions share: a clock that they move, an org that answers on command, and a memory that asks it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.okta import BrowserFields, OktaAnswer
from gateway.policy.session.cache import Lifetimes, RateLimits
from gateway.policy.session.session import Fingerprinter, NoSession, Session, SessionCookie, Unknown
from gateway.revocations import LocalRevocations
from gateway.sessions import Asking, AskingRules, SessionRules, Sessions, SessionsApi
from tests.harness.clock import WALL, ScriptedClock

BROWSER = BrowserFields(b"Firefox/140", b"de, en", b"", "192.0.2.7")
SID = (SessionCookie(b"sid", b"102one"),)
OTHER = (SessionCookie(b"sid", b"102other"),)
IDX = (SessionCookie(b"idx", b"eyJone"),)


def session(user: str = "alice", session_id: str = "102abc", ends_in: float = 3600.0) -> Session:
    return Session(session_id, f"00u-{user}", f"{user}@example.com", datetime.fromtimestamp(WALL + ends_in, UTC))


def answer(finding: Session | NoSession | Unknown, status: int | None = None, limits: RateLimits | None = None) -> OktaAnswer:
    usual = 200 if isinstance(finding, Session) else 404 if isinstance(finding, NoSession) else 0
    return OktaAnswer(finding, usual if status is None else status, limits)


ALICE, BOB = answer(session()), answer(session("bob", "102bob"))
GONE = answer(NoSession("not_found"))
DOWN = answer(Unknown("unreachable"))


@dataclass
class PendingQuestion:
    """One question that waits for its answer."""

    call: str
    cookies: tuple[SessionCookie, ...]
    browser: BrowserFields
    answered: asyncio.Future[OktaAnswer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass
class ScriptedOrg:
    """Notes every question; answers with ``now`` if that is set, otherwise when the test does."""

    now: OktaAnswer | None = None
    asked: list[PendingQuestion] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def session(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        return await self._ask("session", cookies, browser)

    async def refresh(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        return await self._ask("refresh", cookies, browser)

    async def _ask(self, call: str, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        question = PendingQuestion(call, tuple(cookies), browser)
        self.asked.append(question)
        if self.now is not None:
            return self.now
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await question.answered
        finally:
            self.at_once -= 1

    def calls(self) -> list[str]:
        return [question.call for question in self.asked]


@dataclass
class Memory:
    """Sessions with everything around it."""

    sessions: Sessions
    asking: Asking
    org: ScriptedOrg
    times: ScriptedClock
    revocations: LocalRevocations
    events: list[tuple[str, Mapping[str, object]]]

    def names(self) -> list[str]:
        return [name for name, _ in self.events]


def memory(
    lifetimes: Lifetimes | None = None,
    rules: AskingRules | None = None,
    keep_alive: float = 0.0,
    max_entries: int = 1000,
    kind: type[LocalRevocations] = LocalRevocations,
    with_hook: Lifetimes | None = None,
    api: Callable[[ScriptedClock], SessionsApi] | None = None,
) -> Memory:
    """A memory whose org answers nothing until it is told to. ``api``: another org, made for the clock."""
    times, org, events = ScriptedClock(), ScriptedOrg(), list[tuple[str, Mapping[str, object]]]()

    def on_event(name: str, figures: Mapping[str, object]) -> None:
        events.append((name, figures))

    revocations = kind(times.clock.monotonic)
    asking = Asking(api(times) if api is not None else org, times.clock, on_event, rules)
    settings = SessionRules(lifetimes or Lifetimes(), max_entries, keep_alive, with_hook=with_hook)
    sessions = Sessions(asking, revocations, Fingerprinter(b"k" * 32, "https://o.example"), settings, times.clock, on_event)
    return Memory(sessions, asking, org, times, revocations, events)


async def idle() -> None:
    """Let everything run that can run without waiting for anybody."""
    for _ in range(10):
        await asyncio.sleep(0)
