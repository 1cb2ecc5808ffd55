"""What stays open under a session: the session is looked at again for as long as it is open, because nobody asks anew.

    registered ── answer fresh ──▶ looked at a second later        ── expiresAt passed, no session, another user ──▶ cut
                       └── ended ─▶ Okta is asked, few at a time   ── Okta does not say ──▶ stays, until expiresAt

Owns the second look, and its pace: thousands of idle sockets must not use up the rate limit that people who click need. Must never keep
anything alive at Okta (to be open is not to work), nor take "Okta does not say" for an end. A revocation does not wait for it: that cuts
at once (``proxy.live``). Rules from: DESIGN section 5.7, ATTACKS U8, U9, U13.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from gateway.clock import Clock
from gateway.core.messages import RequestHead
from gateway.core.session import Finding, Fingerprint, NoSession, Session, SessionCookie
from gateway.okta import browser_of
from gateway.proxy.live import Live
from gateway.sessions import Sessions

LOOK_SECONDS = 1.0
QUESTIONS_AT_A_LOOK = 5
"""So many sessions at most are asked about each second by what is idle; beyond 50 of them the look comes later than the ttl."""


class Watch(NamedTuple):
    """A session that let a request in, the cookies that stand for it, how these are known, and the request's head."""

    fingerprints: tuple[Fingerprint, ...]
    cookies: tuple[SessionCookie, ...]
    session: Session
    head: RequestHead


@dataclass(slots=True)
class _Open:
    """What is open under the same cookies; ``count``: how many connections; ``head``: of the first of them."""

    fingerprints: tuple[Fingerprint, ...]
    cookies: tuple[SessionCookie, ...]
    session: Session
    head: RequestHead
    count: int = 0


class Lasting:
    """Everything that is open under a session in this process. Close it with ``aclose``; it runs only while something is open."""

    def __init__(self, sessions: Sessions, live: Live, clock: Clock) -> None:
        """``live`` is told whom to cut."""
        self._sessions = sessions
        self._live = live
        self._clock = clock
        self._open: dict[tuple[Fingerprint, ...], _Open] = {}
        self._asking: dict[tuple[Fingerprint, ...], asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def watched(self, watch: Watch | None) -> Iterator[None]:
        """Look at this session again until the block ends; what ``live`` holds under the fingerprints is cut when it is over."""
        if watch is None:
            yield
            return
        self.hold(watch)
        try:
            yield
        finally:
            self.release(watch)

    def hold(self, watch: Watch) -> None:
        """The same without a block: whoever calls this calls ``release``."""
        found = self._open.get(watch.fingerprints)
        if found is None:
            found = self._open[watch.fingerprints] = _Open(*watch)
            self.look_soon()
        found.count += 1

    def release(self, watch: Watch) -> None:
        """One of them is closed."""
        found = self._open[watch.fingerprints]
        found.count -= 1
        if not found.count:
            del self._open[watch.fingerprints]

    def look_soon(self) -> None:
        """Something is open: look at it in a second."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    async def aclose(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        asking = tuple(self._asking.values())
        for question in asking:
            question.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _look(self) -> None:
        self._timer = None
        held = self._adopted()
        for found in tuple(self._open.values()):
            if found.fingerprints not in self._open:
                continue  # ended a moment ago, with another that was cut
            finding = self._sessions.recall(found.cookies)
            if finding is not None:
                self._judge(found, finding)
            elif found.session.expires_at.timestamp() <= self._clock.wall():
                self._live.close(found.fingerprints)
            elif found.fingerprints not in self._asking and len(self._asking) < QUESTIONS_AT_A_LOOK:
                self._ask(found)
        for watch in held:
            self.release(watch)
        if self._open or self._live.brief:
            self.look_soon()

    def _adopted(self) -> tuple[Watch, ...]:
        """What was brief and is still there is held for this one look; one session of many requests is looked at once."""
        watches = tuple(watch for watch in self._live.brief.values() if isinstance(watch, Watch))
        for watch in watches:
            self.hold(watch)
        return watches

    def _ask(self, found: _Open) -> None:
        # To the end of the line: at a pace that is too slow for all, each gets its turn.
        self._open[found.fingerprints] = self._open.pop(found.fingerprints)
        question = asyncio.create_task(self._asked(found), name="looking again")
        self._asking[found.fingerprints] = question
        question.add_done_callback(lambda _: self._asking.pop(found.fingerprints, None))

    async def _asked(self, found: _Open) -> None:
        self._judge(found, await self._sessions.current(found.cookies, browser_of(found.head), vouched=True))

    def _judge(self, found: _Open, finding: Finding) -> None:
        if isinstance(finding, Session) and finding.user_id == found.session.user_id:
            found.session = finding
        is_over = found.session.expires_at.timestamp() <= self._clock.wall()
        is_another = isinstance(finding, Session) and finding.user_id != found.session.user_id
        if is_over or is_another or isinstance(finding, NoSession):
            self._live.close(found.fingerprints)
