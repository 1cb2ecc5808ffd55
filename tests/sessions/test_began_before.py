"""Sessions that Okta created before their user's sessions were ended are revoked, and no others."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.policy.session.session import NoSession
from gateway.revocations import Revocation
from tests.harness.clock import WALL
from tests.sessions.scripted import BROWSER, SID, answer, idle, memory, session

REVOKED = NoSession("revoked")
BORN = datetime.fromtimestamp(WALL - 100.0, UTC)


@pytest.mark.parametrize("names", [{"user_id": "00u-alice"}, {"user_id": "alice@example.com"}, {"everybody": True}])
@pytest.mark.parametrize("is_cached", [True, False])
async def test_a_session_that_okta_created_before_its_user_s_were_ended_is_revoked(names: dict[str, Any], is_cached: bool) -> None:
    m = memory()
    m.org.now = answer(replace(session(), created_at=BORN))
    if is_cached:
        await m.sessions.current(SID, BROWSER)
    await m.revocations.publish(Revocation(began_before=WALL - 99.0, **names))
    m.times.passed = 1.0
    assert await m.sessions.current(SID, BROWSER) == REVOKED
    if not is_cached:
        await idle()
        assert m.sessions.is_revoked(SID)


async def test_a_session_that_began_after_or_in_the_same_second_or_nobody_knows_when_is_asked_about() -> None:
    for born in (WALL - 98.0, WALL - 99.0, None):
        m = memory()
        found = replace(session(), created_at=datetime.fromtimestamp(born, UTC) if born is not None else None)
        m.org.now = answer(found)
        await m.sessions.current(SID, BROWSER)
        await m.revocations.publish(Revocation(user_id="00u-alice", began_before=WALL - 98.5))
        assert m.sessions.from_cache(SID) is None
        m.times.passed = 1.0
        assert await m.sessions.current(SID, BROWSER) == found


async def test_an_older_end_that_is_heard_late_takes_nothing_back() -> None:
    m = memory()
    m.org.now = answer(replace(session(), created_at=BORN))
    await m.revocations.publish(Revocation(user_id="00u-alice", began_before=WALL - 50.0))
    await m.revocations.publish(Revocation(user_id="00u-alice", began_before=WALL - 500.0))
    await m.revocations.publish(Revocation(user_id="00u-alice"))
    m.times.passed = 1.0
    assert await m.sessions.current(SID, BROWSER) == REVOKED
