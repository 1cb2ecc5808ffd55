"""Redis fails in every way: after a sign-out no request is admitted for longer than the ttl, and none once Redis is back.

Meanwhile nothing hangs, apps work, switches are refused, and pages and readiness say what is true. By hand, with figures::

    CUT_SECONDS=30 python -m pytest tests/journeys/test_redis_weather.py -k cut_off -s
"""

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from time import monotonic

import pytest

from gateway.dev.standin import fault, fingerprint
from tests.harness.person import ALICE, BOB, CAROL, Person, redemption
from tests.harness.polling import moment
from tests.harness.redis_servers import needs_redis
from tests.harness.system import ME
from tests.journeys.redis_weather import (
    TIMEOUT_SECONDS,
    TTL_SECONDS,
    ReplicasInWeather,
    Weather,
    cut_off,
    fails_over,
    full,
    slow,
    stands_still,
    stopped,
    too_slow,
    two_replicas,
)

pytestmark = [needs_redis, pytest.mark.timeout(180)]
CUT_SECONDS = float(os.environ.get("CUT_SECONDS", TTL_SECONDS + 1.5))
PATIENCE_SECONDS = 8.0
"""No request may take longer, whatever is away."""
BACK_SECONDS = 5.0
AWAY = (stands_still, stopped, full, too_slow, cut_off)

Kind = Callable[[Path], AbstractAsyncContextManager[Weather]]


@pytest.fixture
async def two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ReplicasInWeather]:
    kind: Kind = request.param
    async with kind(tmp_path) as weather, two_replicas(tmp_path, weather) as made:
        yield made


def named(kind: Kind) -> str:
    return kind.__name__


@pytest.mark.parametrize("two", AWAY, ids=named, indirect=True)
async def test_while_redis_is_away_the_ttl_bounds_what_others_do_not_know_and_when_it_is_back_they_know_at_once(
    two: ReplicasInWeather,
) -> None:
    alice, bob, carol = [await two.entered(login) for login in (ALICE, BOB, CAROL)]
    two.weather.begin()
    started_at = monotonic()
    try:
        page = await two.signs_out(alice)
        signed_out = monotonic()
        assert page.status == 200 and "Some of our servers could not be told yet" in page.body
        assert "Okta could not be reached" not in page.body
        assert await two.told(0, alice) == "401"

        last_admitted = await apps_go_on(two, alice, carol, max(started_at + CUT_SECONDS, signed_out + TTL_SECONDS + 0.5))
        assert last_admitted - signed_out <= TTL_SECONDS
        await readiness_says_it(two)
        await nobody_switches(two, bob)

        two.org.faults.add(fault({"path": ME, "method": "DELETE", "status": 503, "times": None}))  # Okta goes on believing her
        page = await two.signs_out(carol)
        assert "Some of our servers could not be told yet" in page.body and "Okta could not be reached" in page.body
        assert await two.told(1, carol) == f"hello {CAROL}"
    finally:
        two.weather.end()
    back_seconds = await two.until_told(1, carol, "401", BACK_SECONDS)
    await two.replicas[1].event("request", status=401, reason="revoked")
    for number in (0, 1):
        await two.until_ready(number, BACK_SECONDS)
    two.org.faults.clear()
    two.at = 1
    reply = await bob.go(redemption(two.org.session_token(ALICE)))
    assert (reply.status, reply.body) == (200, f"hello {ALICE}")
    assert two.longest_seconds < PATIENCE_SECONDS
    sys.stdout.write(
        f"away {monotonic() - started_at:.1f} s; ttl {TTL_SECONDS} s; last admitted {max(0, last_admitted - signed_out):.2f} s after; "
        f"refused {back_seconds:.2f} s after Redis was back; longest request {two.longest_seconds:.2f} s\n"
    )


async def apps_go_on(two: ReplicasInWeather, ended: Person, staying: Person, until: float) -> float:
    """Until then the one who stays is let in everywhere; when the other one last asked and was let in at the second replica."""
    last_admitted = -1.0
    while monotonic() < until:
        asked = monotonic()
        if await two.told(1, ended) != "401":
            last_admitted = asked
        for number in (0, 1):
            assert await two.told(number, staying) == f"hello {CAROL}"
        await moment(0.02)
    return last_admitted


async def nobody_switches(two: ReplicasInWeather, person: Person) -> None:
    """A redemption is refused at both with a page, and its token stays unspent."""
    before = dict(person.jar)
    token = two.org.session_token(ALICE)
    for number in (0, 1):
        two.at = number
        reply = await person.ask(redemption(token), shown=before)
        assert reply.status == 503 and "<h1" in reply.body
        person.jar = dict(before)
    assert [row for row in two.org.journal.rows if row.token == fingerprint(token)] == []


async def readiness_says_it(two: ReplicasInWeather) -> None:
    """The one that could not tell says it, and so does the other one, where it hears nothing either."""
    for replica in two.replicas[: 2 if two.weather.blinds else 1]:
        status, reasons = 200, dict[str, str]()
        ends = monotonic() + 5 * TIMEOUT_SECONDS + 2.0
        while status == 200 and monotonic() < ends:
            status, reasons = await replica.readiness()
        assert status == 503 and reasons["revocations"].startswith("Redis at "), (status, reasons)


@pytest.mark.parametrize("two", [slow], ids=named, indirect=True)
async def test_a_slow_redis_makes_switches_slow_and_loses_nothing(two: ReplicasInWeather) -> None:
    alice, bob = [await two.entered(login) for login in (ALICE, BOB)]
    two.weather.begin()
    two.org.faults.add(fault({"path": ME, "method": "DELETE", "status": 503, "times": None}))
    page = await two.signs_out(alice)
    assert page.status == 200 and "our servers" not in page.body and "Okta could not be reached" in page.body
    await two.until_told(1, alice, "401", 2 * TIMEOUT_SECONDS)
    two.org.faults.clear()
    for number in (0, 1):
        assert await two.replicas[number].readiness() == (200, {})
    two.at = 1
    token = two.org.session_token(ALICE)
    reply = await bob.go(redemption(token))
    assert (reply.status, reply.body) == (200, f"hello {ALICE}")
    assert len([row for row in two.org.journal.rows if row.token == fingerprint(token)]) == 1
    assert two.longest_seconds < PATIENCE_SECONDS
    two.weather.end()


@pytest.mark.parametrize("two", [fails_over], ids=named, indirect=True)
async def test_a_fail_over_by_sentinel_mends_itself_and_forgets_no_sign_out(two: ReplicasInWeather) -> None:
    alice, bob, carol = [await two.entered(login) for login in (ALICE, BOB, CAROL)]
    two.org.faults.add(fault({"path": ME, "method": "DELETE", "status": 503, "times": None}))
    assert (await two.signs_out(alice)).status == 200
    await two.until_told(1, alice, "401", 60.0)
    two.weather.begin()
    started_at = monotonic()
    page = await two.signs_out(carol)
    assert page.status == 200 and "Some of our servers could not be told yet" in page.body
    await two.until_told(1, carol, "401", 60.0)  # a Sentinel that was not run for two seconds waits for thirty
    known_seconds = monotonic() - started_at
    for number in (0, 1):
        await two.until_ready(number, 10.0)
        assert [await two.told(number, person) for person in (alice, carol, bob)] == ["401", "401", f"hello {BOB}"]
    two.org.faults.clear()
    reply = await bob.go(redemption(two.org.session_token(ALICE)))
    assert (reply.status, reply.body) == (200, f"hello {ALICE}")
    assert two.longest_seconds < PATIENCE_SECONDS
    sys.stdout.write(f"known everywhere {known_seconds:.2f} s after the primary was killed; longest request {two.longest_seconds:.2f} s\n")
