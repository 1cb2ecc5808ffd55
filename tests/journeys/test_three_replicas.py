"""The promises of one process hold for three replicas, as processes on a real Redis, without client affinity.

Every request has its own connection. ``at`` chooses the replicas for the next requests; without it, they take turns.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from gateway.coordination.unfinished_work import ALIVE_SECONDS, LOOK_SECONDS
from gateway.dev.standin import Org, OrgSession, fault, fingerprint, serve
from tests.harness.hello_app import HelloApp, served
from tests.harness.person import ALICE, BOB, CAROL, HR, LOGIN, SCRIPT, Jar, Person, redemption
from tests.harness.polling import moment
from tests.harness.redis_servers import needs_redis
from tests.harness.system import ME, USERS, WatchedJournal
from tests.journeys.three_replicas import Three, three_replicas

pytestmark = [pytest.mark.asyncio(loop_scope="module"), needs_redis]
NOTICED_SECONDS = 1.0
BACK_SECONDS = 15.0
ROUNDS = 6
"""So many requests to one replica meet both of its workers, but for one time in thirty."""


@dataclass
class ThreeReplicasAndPeople:
    """What a test holds: the replicas, the org, and the people of this test."""

    three: Three
    org: Org
    client: aiohttp.ClientSession
    people: list[Person]
    before: Sequence[OrgSession] = field(default_factory=list)

    def person(self) -> Person:
        made = Person(self.client, self.three.port)
        self.people.append(made)
        return made

    async def entered(self, login: str) -> Person:
        person = self.person()
        reply = await person.go(redemption(self.org.session_token(login)))
        assert (reply.status, reply.body) == (200, f"hello {login}")
        return person

    def living(self) -> list[str]:
        """Who has a session since this test began."""
        return sorted(session.user.login for session in self.org.sessions.active() if session not in self.before)

    async def nobody_is_left(self) -> bool:
        return self.living() == []

    def sent(self, token: str) -> int:
        """How many requests carried this token to the org."""
        return len([row for row in self.org.journal.rows if row.token == fingerprint(token)])

    async def told(self, person: Person, jar: Jar | None = None) -> set[str]:
        """What every living replica answers to a script with these cookies, several times each."""
        found = set()
        for number, replica in enumerate(self.three.replicas):
            if replica.process.returncode is None:
                self.three.at(number)
                for _ in range(ROUNDS):
                    reply = await person.ask(f"{HR}/api/me", fields=SCRIPT, site="same-origin", shown=jar)
                    found.add(reply.body if reply.status == 200 else str(reply.status))
        self.three.at()
        return found

    async def is_refused_everywhere(self, person: Person, jar: Jar, seconds: float = NOTICED_SECONDS) -> None:
        """No replica lets these cookies in any more, at the latest so much later."""
        await within(seconds, lambda: self._is_refused(person, jar))
        assert await self.told(person, jar) == {"401"}

    async def _is_refused(self, person: Person, jar: Jar) -> bool:
        return await self.told(person, jar) == {"401"}


async def within(seconds: float, is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that tells nobody."""
    async with asyncio.timeout(seconds):
        while not await is_so():
            await moment()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ThreeReplicasAndPeople]:
    """Replicas, org and app: begun once."""
    folder: Path = tmp_path_factory.mktemp("three")
    org = Org(users=USERS, trusted_origins=(LOGIN, HR))
    people: list[Person] = []
    org.journal = WatchedJournal(org, people)
    running_org = await serve(org)
    client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True), cookie_jar=aiohttp.DummyCookieJar())
    try:
        async with served(HelloApp().handle) as upstream, three_replicas(folder, running_org, LOGIN, HR, upstream) as three:
            yield ThreeReplicasAndPeople(three, org, client, people)
    finally:
        await client.close()
        await running_org.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def day(running: ThreeReplicasAndPeople) -> AsyncIterator[ThreeReplicasAndPeople]:
    """The same for one test: nobody has come yet. At its end no token went out beside a living session of its browser."""
    running.people.clear()
    running.before = running.org.sessions.active()
    running.org.journal.clear()
    try:
        yield running
        assert isinstance(running.org.journal, WatchedJournal)
        assert running.org.journal.broken == []
    finally:
        running.org.faults.clear()
        running.three.at()


async def test_every_replica_knows_who_signed_in_at_another_and_forgets_whom_a_switch_ended(day: ThreeReplicasAndPeople) -> None:
    person = await day.entered(ALICE)
    before = dict(person.jar)
    assert await day.told(person) == {f"hello {ALICE}"}
    reply = await person.go(redemption(day.org.session_token(BOB)))
    assert (reply.status, reply.body, day.living()) == (200, f"hello {BOB}", [BOB])
    await day.is_refused_everywhere(person, before)
    assert await day.told(person) == {f"hello {BOB}"}


async def test_what_one_replica_signed_out_none_lets_in(day: ThreeReplicasAndPeople) -> None:
    person = await day.entered(ALICE)
    before = dict(person.jar)
    assert await day.told(person) == {f"hello {ALICE}"}
    day.three.at(2)
    reply = await person.go(f"{HR}/.gateway/sign-out", site="same-origin", method="POST", body="to=")
    assert (reply.status, day.living()) == (200, [])
    await day.is_refused_everywhere(person, before)


async def test_the_same_token_at_two_replicas_at_once_is_redeemed_once(day: ThreeReplicasAndPeople) -> None:
    for _ in range(5):
        person = day.person()
        await person.ask(f"{LOGIN}/login/login.htm")
        token = day.org.session_token(ALICE)
        day.three.at(0, 1, 2)
        await asyncio.gather(*(person.ask(redemption(token)) for _ in range(3)))
        assert day.sent(token) == 1
    assert day.living() == [ALICE] * 5


async def test_two_tokens_of_one_browser_at_two_replicas_at_once_leave_one_session(day: ThreeReplicasAndPeople) -> None:
    person = await day.entered(CAROL)
    tokens = [day.org.session_token(login) for login in (ALICE, BOB)]
    await asyncio.gather(*(person.go(redemption(token)) for token in tokens))
    assert [day.sent(token) for token in tokens] == [1, 1]
    [left] = day.living()
    reply = await person.go(f"{HR}/", site="none")
    assert (reply.status, reply.body) == (200, f"hello {left}")


async def test_a_ticket_that_two_replicas_get_at_once_is_taken_once(day: ThreeReplicasAndPeople) -> None:
    person = await day.entered(ALICE)
    person.jar = {key: value for key, value in person.jar.items() if key[0] != "hr.example.com"}
    start = await person.ask(f"{HR}/", site="none")
    ticket = await person.ask(start.location)
    jar = dict(person.jar)
    taken = await asyncio.gather(*(person.ask(ticket.location, shown=jar) for _ in range(3)))
    assert sorted(reply.status for reply in taken) == [303, 400, 400]


async def test_without_redis_apps_go_on_and_nobody_switches_and_what_ended_meanwhile_is_refused_when_it_is_back(
    day: ThreeReplicasAndPeople,
) -> None:
    day.people.clear()
    staying, switching, leaving = [await day.entered(login) for login in (ALICE, BOB, CAROL)]
    for person in (staying, switching, leaving):
        await day.told(person)
    left = dict(leaving.jar)
    day.three.redis.kill()
    assert await day.told(staying) == {f"hello {ALICE}"}
    token = day.org.session_token(ALICE)
    for number in range(3):
        day.three.at(number)
        reply = await switching.ask(redemption(token))
        assert reply.status == 503 and "<h1" in reply.body
    assert day.sent(token) == 0 and day.org.session_tokens.meaning(token) is day.org.user(ALICE)
    day.three.at(0)
    reply = await leaving.go(f"{HR}/.gateway/sign-out", site="same-origin", method="POST", body="to=")
    assert (reply.status, day.living()) == (200, [ALICE, BOB])

    day.three.at()
    day.three.redis.start()
    await day.is_refused_everywhere(leaving, left, BACK_SECONDS)
    reply = await switching.go(redemption(token))
    assert (reply.status, reply.body, day.sent(token)) == (200, f"hello {ALICE}", 1)
    assert await day.told(staying) == await day.told(switching) == {f"hello {ALICE}"}
    assert day.living() == [ALICE, ALICE]


async def test_an_end_that_a_killed_replica_could_not_prove_is_proven_by_another_one_within_seconds(day: ThreeReplicasAndPeople) -> None:
    person = await day.entered(ALICE)
    before = dict(person.jar)
    day.org.faults.add(fault({"path": ME, "status": 503, "times": None}))
    day.three.at(0)
    await person.go(f"{HR}/.gateway/sign-out", site="same-origin", method="POST", body="to=")
    await day.three.die(0)
    day.three.at()
    day.org.faults.clear()
    assert day.living() == [ALICE]
    await day.is_refused_everywhere(person, before)
    await within(ALIVE_SECONDS + 2 * LOOK_SECONDS + 4.0, day.nobody_is_left)
    reply = await person.go(redemption(day.org.session_token(BOB)))
    assert (reply.status, reply.body, day.living()) == (200, f"hello {BOB}", [BOB])
