"""Five thousand users on an org that allows 600 questions a minute: with the hook nobody is turned away."""

from collections.abc import Sequence
from datetime import UTC, datetime

from gateway.dev.standin.clock import Clock as OrgClock
from gateway.dev.standin.limits import RateLimits as OrgLimits
from gateway.okta import BrowserFields, OktaAnswer
from gateway.policy.hooks.hook_trust import LATE_SECONDS
from gateway.policy.session.cache import Lifetimes, RateLimits
from gateway.policy.session.session import NoSession, Session, SessionCookie, Unknown
from gateway.revocations import Revocation
from gateway.shared_state import MemoryState
from tests.doors.hooks.watched_process import LONG, Process, delivers, process
from tests.harness.clock import WALL, ScriptedClock
from tests.sessions.scripted import BROWSER, Memory, idle, memory

USERS = 5000
ARRIVING_SECONDS = 600
CLICK_SECONDS = 60
"""How often each of them asks for a page."""


class ScriptedTime(OrgClock):
    """The org's clock is the test's."""

    def __init__(self, times: ScriptedClock) -> None:
        super().__init__()
        self._times = times

    def now(self) -> float:
        """Seconds since 1970 UTC."""
        return WALL + self._times.passed


class LimitedOrg:
    """Answers by the value of the cookie, within the stand-in's own rate limit."""

    def __init__(self, times: ScriptedClock) -> None:
        self._times = times
        self._limits = OrgLimits(ScriptedTime(times), 600)
        self.ended: set[bytes] = set()
        self.asked = 0

    async def session(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """Who is signed in with these cookies."""
        self.asked += 1
        reading = self._limits.take("/api/v1/sessions/me")
        assert reading is not None
        limits = RateLimits(reading.limit, reading.remaining, float(reading.reset))
        if reading.is_exceeded:
            return OktaAnswer(Unknown("rate_limited", float(reading.reset)), 429, limits)
        name = cookies[0].value
        if name in self.ended:
            return OktaAnswer(NoSession("not_found"), 404, limits)
        user = name.decode()
        ends = datetime.fromtimestamp(WALL + 12 * 3600.0, UTC)
        return OktaAnswer(Session(f"102{user}", f"00u{user}", f"{user}@example.com", ends), 200, limits)

    refresh = session


def cookies(number: int) -> tuple[SessionCookie, ...]:
    return (SessionCookie(b"sid", b"%d" % number),)


class LimitedOrgLoad:
    """The users' day, second by second."""

    def __init__(self) -> None:
        made: Memory = memory(Lifetimes(ttl=10.0), with_hook=LONG, max_entries=2 * USERS, api=self._limited)
        self.one: Process = process(MemoryState(made.times.clock), made)
        self.m, self.arrived, self.unavailable = made, 0, 0
        self.is_fed = True

    def _limited(self, times: ScriptedClock) -> LimitedOrg:
        self.org = LimitedOrg(times)
        return self.org

    async def goes_on(self, seconds: int) -> None:
        for _ in range(seconds):
            self.m.times.passed += 1.0
            await self.one.watch.look()
            while self.arrived < min(USERS, self.m.times.passed * USERS / ARRIVING_SECONDS):
                await self.signs_in(self.arrived)
                self.arrived += 1
            second = int(self.m.times.passed)
            for number in range(second % CLICK_SECONDS, self.arrived, CLICK_SECONDS):
                await self.clicks(number)
            await idle()

    async def signs_in(self, number: int) -> None:
        if self.is_fed:
            await delivers(self.one, {f"00u{number}": WALL + self.m.times.passed})
        self.m.sessions.issued(cookies(number))
        await self.clicks(number)

    async def clicks(self, number: int) -> bool:
        """Whether this user is let in."""
        found = self.m.sessions.from_cache(cookies(number))
        if found is None:
            found = await self.m.sessions.current(cookies(number), BROWSER, vouched=True)
        self.unavailable += isinstance(found, Unknown)
        return isinstance(found, Session)


async def test_with_the_hook_nobody_is_turned_away_and_without_it_the_short_ttl_is_back_in_time() -> None:
    day = LimitedOrgLoad()
    await day.goes_on(1500)
    assert (day.arrived, day.unavailable) == (USERS, 0)
    assert day.org.asked < 3 * USERS

    for number in range(0, USERS, 250):  # what the hook reports is refused at the next click
        day.org.ended.add(b"%d" % number)
        await day.m.revocations.publish(Revocation(user_id=f"00u{number}"))
        assert not await day.clicks(number)
    assert day.unavailable == 0

    day.is_fed = False
    await day.signs_in(USERS)
    await day.goes_on(int(LATE_SECONDS) - 1)
    assert day.one.watch.word == "trusted"
    await day.goes_on(1)
    assert day.one.watch.word == "silent"
    assert day.m.sessions.from_cache(cookies(1)) is None
    await day.m.sessions.aclose()
