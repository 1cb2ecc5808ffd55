"""What both sources of truth promise behind ``Sessions``: the same rules for caching, silence, revocations and other users."""

from collections.abc import Callable

import pytest

from gateway.policy.session.session import NoSession, Session, Unknown
from gateway.revocations import Revocation
from gateway.sessions import Sessions
from tests.sessions.scripted import BROWSER
from tests.sessions.sources import ByOkta, ByProofs, Source


@pytest.fixture(params=[ByOkta, ByProofs])
def source(request: pytest.FixtureRequest) -> Source:
    made: Callable[[], Source] = request.param
    return made()


def sessions(source: Source) -> Sessions:
    return source.memory.sessions


async def user(source: Source) -> str:
    found = await sessions(source).current(source.cookies, BROWSER, vouched=True)
    return found.login if isinstance(found, Session) else type(found).__name__


async def test_whoever_is_signed_in_is_named(source: Source) -> None:
    await source.signs_in("alice")
    assert await user(source) == "alice@example.com"


async def test_an_answer_is_remembered_and_found_without_waiting(source: Source) -> None:
    await source.signs_in("alice")
    await user(source)
    marks = sessions(source).marks(source.cookies)
    found = sessions(source).from_cache_for_pass(source.cookies, marks, lambda: BROWSER)
    assert isinstance(found, Session)
    assert sessions(source).seconds_left(marks) > 0
    valid_until = sessions(source).valid_until(marks)
    assert valid_until is not None
    assert sessions(source).is_valid(valid_until)


async def test_a_session_that_is_over_names_nobody(source: Source) -> None:
    await source.signs_in("alice")
    await user(source)
    source.ends()
    assert await user(source) == "NoSession"


async def test_silence_is_never_taken_for_the_end(source: Source) -> None:
    await source.signs_in("alice")
    await user(source)
    source.falls_silent()
    found = await sessions(source).current(source.cookies, BROWSER, vouched=True)
    assert isinstance(found, Unknown)


async def test_revoked_cookies_stay_revoked(source: Source) -> None:
    await source.signs_in("alice")
    await user(source)
    await sessions(source).revoke(source.cookies)
    assert await user(source) == "NoSession"
    sessions(source).forget(source.cookies)
    assert await user(source) == "NoSession"


async def test_a_session_that_is_revoked_by_its_id_is_over_whatever_is_said_of_it(source: Source) -> None:
    await source.signs_in("alice")
    found = await sessions(source).current(source.cookies, BROWSER, vouched=True)
    assert isinstance(found, Session)
    await sessions(source).revoke((), session_id=found.id)
    assert sessions(source).has_session_ended(found.id)
    sessions(source).forget(source.cookies)
    assert await user(source) == "NoSession"


async def test_what_was_said_of_a_user_before_her_sessions_were_ended_counts_no_more(source: Source) -> None:
    await source.signs_in("alice")
    found = await sessions(source).current(source.cookies, BROWSER, vouched=True)
    assert isinstance(found, Session)
    source.memory.times.passed += 1.0
    await source.memory.revocations.publish(Revocation(user_id=found.user_id))
    assert sessions(source).from_cache(source.cookies) is None or isinstance(sessions(source).from_cache(source.cookies), NoSession)


async def test_everybody_is_signed_out_at_once(source: Source) -> None:
    await source.signs_in("alice")
    await user(source)
    source.memory.times.passed += 1.0
    await source.memory.revocations.publish(Revocation(everybody=True))
    marks = sessions(source).marks(source.cookies)
    assert sessions(source).valid_until(marks) is None
    assert not isinstance(sessions(source).from_cache(source.cookies), Session)


async def test_held_cookies_admit_nobody_until_it_is_known_whose_they_are(source: Source) -> None:
    await source.signs_in("alice")
    await user(source)
    await sessions(source).hold(source.cookies)
    assert await user(source) == "Unknown"
    await sessions(source).release(source.cookies)
    assert await user(source) == "alice@example.com"


async def test_the_next_user_is_named_and_the_one_before_is_not_once_revoked(source: Source) -> None:
    await source.signs_in("alice")
    before = source.cookies
    await user(source)
    await source.signs_in("bob")
    if source.cookies != before:  # another session has cookies of its own
        await sessions(source).revoke(before)
        assert isinstance(await sessions(source).current(before, BROWSER, vouched=True), NoSession)
    assert await user(source) == "bob@example.com"


async def test_what_is_no_session_at_all_names_nobody(source: Source) -> None:
    assert isinstance(await sessions(source).current((), BROWSER, vouched=True), NoSession)
