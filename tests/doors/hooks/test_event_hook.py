"""Okta's event hook: who may call it, what it is answered, and what follows in every gateway."""

import asyncio
from pathlib import Path

import pytest

from gateway.dev.standin import User
from gateway.doors.hooks.event_hook import EVENT_HOOK_PATH, LONGEST_CHALLENGE
from gateway.doors.hooks.hook_replies import BAD_SECRETS_PER_MINUTE
from gateway.doors.hooks.hook_watch import KIND, TRUST
from gateway.policy.hooks.okta_events import ENDS, LARGEST_DELIVERY_BYTES, SKEW_SECONDS
from tests.doors.hooks.two_gateways import LOGIN_HOST, PATIENCE, SECRET, TwoGateways, two_gateways, unwritable
from tests.harness.person import ALICE, BOB, LOGIN
from tests.harness.polling import moment
from tests.harness.redis_servers import RedisProcess, needs_redis
from tests.harness.system import system
from tests.policy.hooks.events import delivery, event

NEWS_SECONDS = 0.5
"""News travel to the other gateway within milliseconds."""


async def test_okta_verifies_the_address(there: TwoGateways) -> None:
    asked = {"X-Okta-Verification-Challenge": "abc-123"}

    async def get(**more: str) -> tuple[int, str]:
        status, said = await there.call(EVENT_HOOK_PATH, "GET", fields=asked | more)
        return status, said.get("verification", "")

    assert await get() == await get(Authorization=SECRET) == (200, "abc-123")
    assert await get(Authorization="wrong") == (401, "")
    asked = {}
    assert await get() == (400, "")
    asked = {"X-Okta-Verification-Challenge": "x" * (LONGEST_CHALLENGE + 1)}
    assert await get() == (400, "")
    assert (await there.call(EVENT_HOOK_PATH, "PUT"))[0] == 405


async def test_a_forged_secret_ends_nothing_and_is_soon_refused_without_a_look(there: TwoGateways) -> None:
    alice = await there.system.entered(ALICE)
    body = there.delivery(event("user.session.clear", there.system.org.clock.now() + 5, actor=there.system.org.known_user(ALICE).id))
    assert {await there.post(body, secret) for secret in ("", "wrong", f"Bearer {SECRET}", SECRET[:-1])} == {401}
    found = [await there.post(body, "wrong") for _ in range(BAD_SECRETS_PER_MINUTE)]
    assert found[-1] == 429
    assert await there.seen(alice, there.ports[0]) == f"hello {ALICE}"
    assert await there.post(delivery()) == 204  # who has the secret is never refused for what others show
    assert SECRET not in there.system.written.getvalue()


@pytest.mark.parametrize("kind", sorted(ENDS))
async def test_what_an_event_ends_is_refused_by_both_gateways(there: TwoGateways, kind: str) -> None:
    alice, bob = await there.system.entered(ALICE), await there.system.entered(BOB)
    for port in there.ports:
        assert await there.seen(alice, port) == f"hello {ALICE}"
    assert await there.happens(kind, ALICE, after=5) == 204
    await there.refused(alice)
    for port in there.ports:
        assert await there.seen(bob, port) == f"hello {BOB}"


async def test_a_session_s_end_of_one_browser_leaves_the_others_of_that_user(there: TwoGateways) -> None:
    here, elsewhere = await there.system.entered(ALICE), await there.system.entered(ALICE)
    for port in there.ports:
        assert await there.seen(elsewhere, port) == await there.seen(here, port) == f"hello {ALICE}"
    [ended, _] = sorted(there.system.org.sessions.active(), key=lambda session: session.created_at)
    there.system.org.sessions.end(ended)
    async with there.ticking():
        assert await there.happens("user.session.end", ALICE) == 204
        await moment(NEWS_SECONDS)
        await there.refused(here)
        for port in there.ports:
            assert await there.seen(elsewhere, port) == f"hello {ALICE}"


async def test_an_event_from_before_a_session_leaves_it_alone_however_late_it_comes(there: TwoGateways) -> None:
    alice = await there.system.entered(ALICE)
    assert await there.happens("user.session.clear", ALICE, after=-3600) == 204
    there.system.later(1)
    for port in there.ports:
        assert await there.seen(alice, port) == f"hello {ALICE}"


async def test_a_delivery_counts_once_and_its_repetition_is_answered_alike(there: TwoGateways) -> None:
    await there.system.entered(ALICE)
    for port in (*there.ports, *there.ports):
        assert await there.happens("user.session.clear", ALICE, event_id="one", after=5, port=port) == 204
    assert there.system.written.getvalue().count('"hook_ended_sessions"') == 1


async def test_what_cannot_be_read_is_refused_and_the_hook_is_relied_on_no_more(there: TwoGateways) -> None:
    assert await there.post(b"x" * (LARGEST_DELIVERY_BYTES + 1)) == 413
    assert await there.post(b"not json") == 400
    assert await there.post(delivery({"eventType": "user.session.clear"}, event_id="odd")) == 204
    log = there.system.written.getvalue()
    assert log.count('"hook_delivery_lost"') == 2
    assert '"event_hook_silent"' in log


async def test_a_hook_that_is_not_configured_is_no_path() -> None:
    async with system() as plain:
        reply = await plain.person().ask(f"{LOGIN}{EVENT_HOOK_PATH}", "POST", fields={"Authorization": SECRET})
        assert reply.status == 404


async def test_nothing_of_a_hook_ever_reaches_the_org(there: TwoGateways) -> None:
    await there.happens("user.session.clear", ALICE)
    await there.post(b"", "wrong")
    assert [row.path for row in there.system.org.journal.rows if "gateway" in row.path] == []


async def test_a_thousand_deliveries_at_once_are_taken(there: TwoGateways) -> None:
    alice = there.system.org.known_user(ALICE).id
    bodies = [
        there.delivery(event("user.session.end", there.system.org.clock.now() - 100, actor=f"{alice}{number}"), event_id=f"{number}")
        for number in range(1000)
    ]
    statuses: list[int] = []

    async def some(share: list[bytes]) -> None:
        for body in share:
            statuses.append(await there.post(body))

    async with asyncio.timeout(60):
        await asyncio.gather(*(some(bodies[start::50]) for start in range(50)))
    assert statuses == [204] * 1000


@pytest.mark.parametrize("kind", ["user.session.clear", "user.session.end"])
async def test_one_delivery_about_a_hundred_users_holds_at_both_gateways(there: TwoGateways, kind: str) -> None:
    alice, bob = await there.system.entered(ALICE), await there.system.entered(BOB)
    for port in there.ports:
        assert await there.seen(alice, port) == f"hello {ALICE}"
    there.system.org.sessions.end(there.system.session(ALICE))
    now, ids = there.system.org.clock.now() + 5, [f"00u{number}" for number in range(99)]
    events = [event(kind, now, actor=name) for name in (*ids, there.system.org.known_user(ALICE).id)]
    async with there.ticking():
        assert await there.post(there.delivery(*events)) == 204
        await there.refused(alice)
        for port in there.ports:
            assert await there.seen(bob, port) == f"hello {BOB}"
    assert there.system.written.getvalue().count('"users"') == 5  # twenty a line


async def test_all_users_whose_sessions_ended_at_once_are_refused_or_asked_about_at_their_next_request(there: TwoGateways) -> None:
    logins = [f"user{number}@example.com" for number in range(60)]
    there.system.org.users += tuple(User(login, "correct-horse") for login in logins)
    everybody = [await there.system.entered(login) for login in logins]
    for port in there.ports:
        await asyncio.gather(*(there.seen(one, port) for one in everybody))
    leaving = set(logins[::2])
    for session in there.system.org.sessions.active():
        if session.user.login in leaving:
            there.system.org.sessions.end(session)
    async with there.ticking():
        assert {await there.happens("user.session.end", login) for login in logins} == {204}
        await moment(NEWS_SECONDS)
        for port in there.ports:
            said = await asyncio.gather(*(there.seen(one, port) for one in everybody))
            assert said == ["" if login in leaving else f"hello {login}" for login in logins]


async def say(port: int, *parts: bytes) -> bytes:
    """What comes back on one connection until it is closed, or stays silent for a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    finally:
        writer.close()


async def test_a_stranger_is_refused_before_a_body_is_read_and_let_go(tmp_path: Path) -> None:
    head = f"POST {EVENT_HOOK_PATH} HTTP/1.1\r\nHost: {LOGIN_HOST}\r\nAuthorization: wrong\r\n"
    bodies = (
        "Content-Length: 1000000\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "Content-Length: 10000000\r\nExpect: 100-continue\r\n\r\n",  # and nobody is told to go on
    )
    async with two_gateways(tmp_path, "memory") as there:
        answers = await asyncio.gather(*(say(there.ports[0], f"{head}{body}".encode()) for body in bodies))
    assert all(answer.startswith(b"HTTP/1.1 401 ") and b"connection: close" in answer.lower() for answer in answers)


async def test_okta_s_own_delivery_that_does_not_come_to_its_end_is_lost_in_time(there: TwoGateways) -> None:
    head = f"POST {EVENT_HOOK_PATH} HTTP/1.1\r\nHost: {LOGIN_HOST}\r\nAuthorization: {SECRET}\r\n".encode()
    slow = asyncio.create_task(say(there.ports[0], head + b"Content-Length: 100\r\n\r\n", b"{"))
    alice = await there.system.entered(ALICE)
    assert await there.happens("user.session.clear", ALICE, after=5) == 204  # nobody waits for it
    await there.refused(alice)
    assert (await slow).startswith(b"HTTP/1.1 503 ")
    assert '"event_hook_silent"' in there.system.written.getvalue()


async def test_an_end_from_the_future_does_not_hide_a_later_one(there: TwoGateways) -> None:
    alice = await there.system.entered(ALICE)
    assert await there.happens("user.session.clear", ALICE, event_id="early", after=10**6) == 204
    await there.refused(alice)
    there.system.later(SKEW_SECONDS + 1)
    again = await there.system.entered(ALICE)
    for port in there.ports:
        assert await there.seen(again, port) == f"hello {ALICE}"
    there.system.later(5)
    assert await there.happens("user.session.clear", ALICE, event_id="late") == 204
    await there.refused(again)


async def test_sign_ins_of_another_org_are_no_sign_that_this_one_s_hook_works(tmp_path: Path) -> None:
    async with two_gateways(tmp_path, "memory") as there:
        shared, now = there.system.state, there.system.org.clock.now()
        assert shared is not None
        state = shared.beside()
        assert await there.post(delivery(event("user.session.start", now, actor="00uforeign"), event_id="foreign")) == 204
        assert await state.get(KIND, TRUST) is None
        assert '"hook_of_another_org"' in there.system.written.getvalue()
        assert await there.happens("user.session.start", ALICE) == 204
        assert await state.get(KIND, TRUST)


async def test_a_gateway_that_cannot_write_answers_503_and_ends_here_what_it_was_told(tmp_path: Path) -> None:
    async with two_gateways(tmp_path, "sqlite") as there:
        alice = await there.system.entered(ALICE)
        with unwritable(tmp_path):
            assert await there.happens("user.session.clear", ALICE, event_id="one", after=5) == 503
            assert await there.seen(alice, there.ports[0]) == ""
        assert await there.happens("user.session.clear", ALICE, event_id="one", after=5) == 204
        await there.refused(alice)


@needs_redis
async def test_while_redis_is_away_an_end_holds_here_and_at_the_others_when_it_is_back(tmp_path: Path) -> None:
    server = RedisProcess(tmp_path / "redis")
    async with two_gateways(tmp_path, "redis", redis=server) as there:
        alice = await there.system.entered(ALICE)
        for port in there.ports:
            assert await there.seen(alice, port) == f"hello {ALICE}"
        server.kill()
        assert await there.happens("user.session.clear", ALICE, event_id="one", after=5) == 503
        assert await there.seen(alice, there.ports[0]) == ""
        server.start()
        async with there.ticking():
            await there.refused(alice)
