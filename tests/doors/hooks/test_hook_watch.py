"""When the hook is relied on: trust that all processes share, the watchdog, and a shared state that goes away."""

import pytest

from gateway.errors import StateFailed
from gateway.policy.hooks.hook_trust import LATE_SECONDS, WINDOW_SECONDS
from gateway.policy.session.cache import Lifetimes
from gateway.shared_state import MemoryState
from tests.doors.hooks.watched_process import LONG, Process, delivers, process
from tests.harness.clock import WALL
from tests.sessions.scripted import BROWSER, SID, Memory, answer, memory, session


class AwayState(MemoryState):
    """A shared state that can be cut off."""

    is_away = False

    def comes_or_goes(self, is_away: bool) -> None:
        self.is_away, self.ready = is_away, not is_away

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """As ``MemoryState``, while it is there."""
        if self.is_away:
            raise StateFailed("away")
        return await super().get(kind, key)


@pytest.fixture
def m() -> Memory:
    made = memory(Lifetimes(ttl=10.0), with_hook=LONG)
    made.org.now = answer(session())
    return made


@pytest.fixture
def state(m: Memory) -> AwayState:
    return AwayState(m.times.clock)


async def trusted(one: Process) -> None:
    await delivers(one, {"00u-carol": WALL + one.m.times.passed})
    await one.watch.look()
    assert one.watch.is_trusted and one.watch.word == "trusted"


async def passes(one: Process, seconds: float) -> None:
    """Time, with a look at each of its seconds."""
    end = one.m.times.passed + seconds
    while one.m.times.passed < end:
        one.m.times.passed = min(end, one.m.times.passed + 1.0)
        await one.watch.look()


async def test_without_a_sign_in_event_answers_live_as_long_as_ever(m: Memory, state: AwayState) -> None:
    one = process(state, m)
    await one.watch.look()
    await m.sessions.current(SID, BROWSER)
    m.times.passed = 10.0
    assert (one.watch.word, m.sessions.from_cache(SID)) == ("waiting", None)


async def test_after_one_they_live_for_minutes_in_every_process(m: Memory, state: AwayState) -> None:
    one, other = process(state, m), process(state, memory(Lifetimes(ttl=10.0), with_hook=LONG))
    await trusted(one)
    await other.watch.look()
    assert other.watch.is_trusted
    await m.sessions.current(SID, BROWSER)
    await passes(one, 600.0)
    assert m.sessions.from_cache(SID) == session()
    await passes(one, 300.0)
    assert m.sessions.from_cache(SID) is None


async def test_an_event_that_came_too_late_is_no_sign_of_life(m: Memory, state: AwayState) -> None:
    one = process(state, m)
    await delivers(one, {"00u-carol": WALL - LATE_SECONDS - 1.0})
    await one.watch.look()
    assert not one.watch.is_trusted


async def test_a_sign_in_without_its_event_brings_the_short_ttl_back_for_what_was_remembered_before(m: Memory, state: AwayState) -> None:
    one = process(state, m)
    await trusted(one)
    m.sessions.issued(SID)
    await m.sessions.current(SID, BROWSER)
    await passes(one, LATE_SECONDS - 1.0)
    assert m.sessions.from_cache(SID) == session()
    await passes(one, 1.0)
    assert (one.watch.word, m.sessions.from_cache(SID)) == ("silent", None)
    assert one.told == ["event_hook_trusted", "event_hook_silent"]


async def test_a_quiet_night_is_no_silence_and_an_event_in_time_keeps_the_trust(m: Memory, state: AwayState) -> None:
    one = process(state, m)
    await trusted(one)
    m.sessions.issued(SID)
    await m.sessions.current(SID, BROWSER)
    await passes(one, 100.0)
    await delivers(one, {"00u-alice": WALL + 1.0})
    await passes(one, 8 * 3600.0)
    assert one.watch.is_trusted


async def test_a_trust_that_comes_back_does_not_cover_answers_from_before(m: Memory, state: AwayState) -> None:
    one = process(state, m)
    await trusted(one)
    await m.sessions.current(SID, BROWSER)
    await passes(one, 60.0)
    await one.watch.lost("a test")
    assert m.sessions.from_cache(SID) is None
    await m.sessions.current(SID, BROWSER)
    await passes(one, 1.0)
    await trusted(one)
    await passes(one, 9.0)
    assert m.sessions.from_cache(SID) is None


async def test_while_the_state_is_away_the_short_ttl_counts_and_afterwards_nothing_is_lost(m: Memory, state: AwayState) -> None:
    one = process(state, m)
    await trusted(one)
    await m.sessions.current(SID, BROWSER)
    await passes(one, 60.0)
    valid_until = m.sessions.valid_until(m.sessions.marks(SID))
    assert valid_until is not None and m.sessions.is_valid(valid_until)
    m.times.passed += WINDOW_SECONDS  # no look came through
    assert not m.sessions.is_valid(valid_until) and m.sessions.from_cache(SID) is None
    state.comes_or_goes(True)
    await one.watch.look()
    assert (one.watch.word, one.watch.is_trusted) == ("unknown", False)
    await m.sessions.current(SID, BROWSER)
    state.comes_or_goes(False)
    await one.watch.look()
    assert one.watch.is_trusted
