"""The promises of one process hold for two replicas: each possible race between them, one test each, on a scripted clock.

Two gateways share one state in memory. ``one`` and ``other`` choose which of them answers the next requests.
"""

import asyncio
from urllib.parse import quote

from gateway.coordination.unfinished_work import ALIVE_SECONDS, LOOK_SECONDS
from gateway.dev.standin import fault
from gateway.revocations import Revocation
from tests.harness.person import ALICE, BOB, HR, LOGIN, SCRIPT, redemption
from tests.journeys.two_replicas import TwoReplicas, day

ME = "/api/v1/sessions/me"


def test_the_same_token_at_both_at_once_is_redeemed_once() -> None:
    async def tells(two: TwoReplicas) -> None:
        await two.person.ask(f"{LOGIN}/login/login.htm")
        url = redemption(two.org.session_token(ALICE))
        two.at(0, 1)
        await asyncio.gather(two.person.ask(url), two.person.ask(url))
        assert two.sent() == 1 and two.living() == [ALICE]

    day(tells)


def test_two_tokens_at_both_at_once_leave_one_session() -> None:
    async def tells(two: TwoReplicas) -> None:
        await two.person.ask(f"{LOGIN}/login/login.htm")
        two.at(0, 1)
        two.place.slow((2.0,))
        await asyncio.gather(*(two.person.go(redemption(two.org.session_token(user))) for user in (ALICE, BOB)))
        assert two.sent() == 2 and len(two.living()) == 1

    day(tells)


def test_a_ticket_is_taken_once() -> None:
    async def tells(two: TwoReplicas) -> None:
        await two.person.go(redemption(two.org.session_token(ALICE)))
        two.person.jar = {key: value for key, value in two.person.jar.items() if key[0] != "hr.example.com"}
        start = await two.person.ask(f"{HR}/", site="none")
        ticket = await two.person.ask(start.location)
        jar = dict(two.person.jar)
        two.at(0, 1)
        first = await two.person.ask(ticket.location, shown=jar)
        again = await two.person.ask(ticket.location, shown=jar)
        assert (first.status, again.status) == (303, 400)

    day(tells)


def test_a_revocation_at_one_takes_the_session_out_of_a_late_answer_of_the_other() -> None:
    async def tells(two: TwoReplicas) -> None:
        await two.person.go(redemption(two.org.session_token(ALICE)))
        two.place.slow((7.0,))
        two.at(0)
        body = f"username={quote(BOB)}&password=correct-horse&fromURI=/"
        late = asyncio.create_task(two.person.ask(f"{LOGIN}/login/login.htm", "POST", site="same-origin", body=body))
        await asyncio.sleep(3)
        two.at(1)
        await two.person.ask(f"{LOGIN}/.gateway/sign-out", "POST", site="same-origin", body="to=")
        reply = await late
        assert [line for line in reply.set_cookies if line.startswith("sid=") and "Max-Age=0" not in line] == []
        await two.place.waits(60)
        assert two.living() == []

    day(tells)


def test_a_closing_whose_process_was_killed_is_carried_on_by_the_other_within_seconds() -> None:
    async def tells(two: TwoReplicas) -> None:
        await two.person.go(redemption(two.org.session_token(ALICE)))
        two.org.faults.add(fault({"path": ME, "status": 503, "times": None}))
        two.at(0)
        await two.person.go(f"{HR}/.gateway/sign-out", site="same-origin", method="POST", body="to=")
        await two.place.drop(0)
        two.org.faults.clear()
        assert two.living() == [ALICE]
        await two.place.waits(ALIVE_SECONDS + 2 * LOOK_SECONDS)
        assert two.living() == []

    day(tells)


def test_a_turn_ends_by_itself_when_its_process_was_killed() -> None:
    async def tells(two: TwoReplicas) -> None:
        await two.person.go(redemption(two.org.session_token(ALICE)))
        two.place.slow((5.0,))
        two.at(0)
        dead = asyncio.create_task(two.person.ask(redemption(two.org.session_token(BOB))))
        await asyncio.sleep(12)
        await two.place.drop(0)
        assert (await dead).status == 0
        two.place.slow((0.0,))
        reply = await two.person.go(redemption(two.org.session_token(BOB)))
        assert (reply.status, reply.body) == (200, f"hello {BOB}") and two.living() == [BOB]

    day(tells)


def test_without_the_state_a_switch_refuses_and_a_sign_out_goes_on() -> None:
    async def tells(two: TwoReplicas) -> None:
        await two.person.go(redemption(two.org.session_token(ALICE)))
        two.reach_the_state(False)
        sent = two.sent()
        reply = await two.person.ask(redemption(two.org.session_token(BOB)))
        assert reply.status == 503 and two.sent() == sent
        reply = await two.person.ask(f"{LOGIN}/.gateway/sign-out", "POST", site="same-origin", body="to=")
        assert reply.status == 200 and two.living() == []

    day(tells)


def test_a_renewed_cookie_that_one_has_seen_ends_with_the_session_at_the_other() -> None:
    async def tells(two: TwoReplicas) -> None:
        await two.person.go(redemption(two.org.session_token(ALICE)))
        two.at(1)
        before = dict(two.person.jar)
        await two.person.go(
            f"{LOGIN}/login/login.htm", site="same-origin", method="POST", body=f"username={quote(ALICE)}&password=correct-horse"
        )
        renewed = dict(two.person.jar)
        two.at(0)
        await two.person.ask(f"{LOGIN}/.gateway/sign-out", "POST", site="same-origin", body="to=", shown=before)
        assert renewed != before
        two.at(1)
        reply = await two.person.ask(f"{HR}/.gateway/sign-in?to=/", site="none", shown=renewed)
        reply = await two.person.ask(reply.location, shown=renewed)
        assert reply.location.startswith("/login/login.htm?"), "nobody is signed in with it any more"

    day(tells)


def test_a_session_that_stays_undecided_is_decided_by_the_other_when_its_process_was_killed() -> None:
    async def tells(two: TwoReplicas) -> None:
        await two.person.go(redemption(two.org.session_token(ALICE)))
        two.org.faults.add(fault({"path": ME, "method": "GET", "status": 503, "times": None}))
        body = f"username={quote(BOB)}&password=correct-horse&fromURI=/"
        await two.person.ask(f"{LOGIN}/login/login.htm", "POST", site="same-origin", body=body)
        await two.place.drop(0)
        two.org.faults.clear()
        assert two.living() == [ALICE, BOB]
        await two.place.waits(ALIVE_SECONDS + 2 * LOOK_SECONDS + 1)
        assert two.living() == [BOB]
        reply = await two.person.go(f"{HR}/", site="none")
        assert (reply.status, reply.body) == (200, f"hello {BOB}")

    day(tells)


def test_a_factor_that_was_brought_at_one_lets_in_at_the_other_at_once() -> None:
    async def tells(two: TwoReplicas) -> None:
        await two.person.go(redemption(two.org.session_token(ALICE)))
        two.org.noted.lacks_factor = True
        body = f"username={quote(BOB)}&password=correct-horse&fromURI=/"
        await two.person.ask(f"{LOGIN}/login/login.htm", "POST", site="same-origin", body=body)
        [_, session] = two.org.sessions.active()
        session.status = "ACTIVE"
        two.at(1)
        await two.person.ask(f"{LOGIN}/app/UserHome", site="same-origin")
        assert two.living() == [BOB]
        two.at(0)
        reply = await two.person.ask(f"{HR}/.gateway/sign-in?to=/", site="none")
        reply = await two.person.ask(reply.location, site="none")
        assert reply.location.startswith(f"{HR}/.gateway/accept?"), "the first one had heard that nobody is there"

    day(tells)


def test_a_cookie_that_okta_deleted_at_one_is_asked_about_again_at_the_other() -> None:
    async def tells(two: TwoReplicas) -> None:
        await two.person.go(redemption(two.org.session_token(ALICE)))
        passed = dict(two.person.jar)
        two.at(1)
        assert await two.person.named_by_app() == ALICE
        [session] = two.org.sessions.active()
        two.org.sessions.end(session)
        two.org.faults.add(fault({"path": "/app/UserHome", "set_cookies": ["sid=; Path=/; Max-Age=0"]}))
        two.at(0)
        await two.person.ask(f"{LOGIN}/app/UserHome", site="same-origin")
        two.at(1)
        reply = await two.person.ask(f"{HR}/api/me", fields=SCRIPT, site="same-origin", shown=passed)
        assert reply.status == 401, "not for as long as the answer of before was to be believed"

    day(tells)


def test_of_a_made_up_cookie_that_okta_deletes_nobody_else_hears() -> None:
    async def tells(two: TwoReplicas) -> None:
        heard: list[Revocation] = []
        await two.place.replicas[1].view.follow(lambda remembered: heard.append(remembered.revocation))
        await two.person.ask(f"{LOGIN}/login/login.htm")
        for number in range(5):
            two.person.keeps("sid", f"102madeup{number}")
            two.org.faults.add(fault({"path": "/app/UserHome", "set_cookies": ["sid=; Path=/; Max-Age=0"]}))
            await two.person.ask(f"{LOGIN}/app/UserHome", site="same-origin")
        assert heard == []

    day(tells)


def test_a_session_that_only_a_late_answer_to_one_knows_is_closed_before_the_other_sends_a_token() -> None:
    """Its idx was renewed by a request that the first gateway has sent. Okta calls the idx of the browser gone, so nothing is closed."""

    async def tells(two: TwoReplicas) -> None:
        alice = two.org.sign_in(ALICE)
        two.person.signs_in(None, alice.idx)
        await two.person.go(f"{HR}/")
        two.place.slow((0.0, 5.0))
        asked = f"{LOGIN}/oauth2/v1/authorize?client_id=portal&response_type=code&redirect_uri={quote(HR + '/back', safe='')}"
        late = asyncio.create_task(two.person.ask(asked))
        await asyncio.sleep(1)
        two.at(1)
        two.place.slow((0.0,))
        assert (await two.person.go(redemption(two.org.session_token(BOB)))).body == f"hello {BOB}"
        await late
        assert two.living() == [BOB]

    day(tells, "identity", ["idx-rotates"], 0.05)
