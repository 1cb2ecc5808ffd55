"""Group K: which of Okta's answers the gateway remembers, and which it does not."""

import asyncio
import secrets

import pytest

from gateway.dev.standin import fault
from tests.harness.browser import ALICE, BOB, HR, LOGIN, WIKI
from tests.harness.person import Person, redemption
from tests.harness.site import FETCH, NAVIGATE, Site, cookie_line, deployed
from tests.harness.system import ME, System, system


def questions(place: System) -> int:
    return len(place.rows("GET", ME))


async def test_k1_one_org_is_nothing_to_another_and_one_value_nothing_under_another_name(site: Site) -> None:
    async with deployed() as other:
        browser, session = site.session()
        assert (await browser.ask(f"{LOGIN}/.gateway/session")).status == 200
        reply = await other.ask("/.gateway/session", FETCH + f"Cookie: sid={session.sid}\r\n".encode(), origin=LOGIN)
        assert reply.status == 401
        assert other.seen(ME) == 1
    crossed = await site.ask("/.gateway/session", FETCH + f"Cookie: idx={session.sid}\r\n".encode(), origin=LOGIN)
    assert (crossed.status, site.seen(ME)) == (401, 2)


async def test_k1_a_pass_for_one_host_is_none_for_another(site: Site) -> None:
    line = cookie_line(await site.entered(), HR)
    assert (await site.ask("/", FETCH + line, origin=WIKI)).status == 401
    assert (await site.ask("/", FETCH + line)).status == 200


async def test_k2_the_identity_is_remembered_and_never_the_decision(site: Site) -> None:
    browser = await site.entered(ALICE)
    asked = site.seen(ME)
    for path, status in (
        ("/", 200),
        ("/bob/x", 403),
        ("/company/x", 200),
        ("/kim/x", 403),
        ("/strong/x", 403),
        ("/bob/x", 403),
        ("/", 200),
    ):
        assert (await browser.ask(HR + path)).status == status, path
    assert site.seen(ME) == asked


async def test_k4_an_end_at_okta_is_believed_after_the_ttl_and_an_end_here_at_once() -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        place.org.sessions.end(place.session(ALICE))
        place.times.passes(7.4)
        assert await person.named_by_app() == ALICE
        place.times.passes(2.7)
        assert await person.named_by_app() is None
        again = await place.entered(BOB)
        await again.ask(f"{HR}/.gateway/sign-out", "POST", site="same-origin", body="to=")
        assert await again.named_by_app() is None


async def test_k6_two_hundred_at_once_are_one_question_and_its_first_asker_may_leave() -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        place.later(11)
        place.org.journal.clear()
        place.fails(ME, hold=True)
        leader = asyncio.create_task(person.named_by_app())
        await place.org.journal.seen("GET", ME)
        followers = [asyncio.create_task(person.named_by_app()) for _ in range(200)]
        leader.cancel()
        await asyncio.gather(leader, return_exceptions=True)
        place.org.faults.clear()
        assert set(await asyncio.gather(*followers)) == {ALICE}
        assert questions(place) == 1


async def test_k7_a_429_is_waited_out_by_all_and_signs_nobody_out() -> None:
    async with system() as place:
        first, second = await place.entered(ALICE), await place.entered(BOB)
        place.later(11)
        place.fails(ME, method="GET", status=429)
        refused = await first.script(f"{HR}/")
        assert refused.status == 503
        assert 1 <= int(refused.values("Retry-After")[0]) <= 61  # whole seconds, rounded up
        asked = questions(place)
        for person in (first, second, first):
            assert (await person.script(f"{HR}/")).status == 503
        assert questions(place) == asked
        place.later(61)
        assert (await first.named_by_app(), await second.named_by_app()) == (ALICE, BOB)


async def test_k7_grace_bridges_a_429_and_nothing_that_was_revoked() -> None:
    async with deployed(session='grace = "1m"') as site:
        browser, gone = await site.entered(ALICE), await site.entered(BOB)
        kept = cookie_line(gone, HR)
        site.org.faults.add(fault({"path": ME, "status": 429, "times": None}))
        await gone.post(f"{HR}/.gateway/sign-out", "to=")
        site.times.passes(30)
        assert (await browser.ask(f"{HR}/")).status == 200
        assert (await site.ask("/", FETCH + kept)).status == 401
        site.times.passes(50)
        assert (await browser.ask(f"{HR}/")).status == 503


@pytest.mark.parametrize("status", [500, 502, 503, 403, 401, 0])
async def test_k8_an_outage_is_503_and_no_way_to_the_sign_in(status: int) -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        told = len(place.told)
        place.later(11)
        place.fails(ME, method="GET", status=status, times=None)
        for _ in range(8):
            page = await person.ask(f"{HR}/")
            assert (page.status, page.location) == (503, "")
        assert len(place.told) == told
        place.org.faults.clear()
        place.later(6)
        assert await person.named_by_app() == ALICE


async def test_k9_no_session_is_remembered_for_two_seconds_and_hinders_no_new_one() -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        place.org.sessions.end(place.session(ALICE))
        place.later(11)
        asked = questions(place)
        for _ in range(5):
            assert await person.named_by_app() is None
        assert questions(place) == asked + 1
        place.times.passes(2.1)
        assert await person.named_by_app() is None
        assert questions(place) == asked + 2
        assert (await person.go(redemption(place.org.session_token(BOB)))).body == f"hello {BOB}"


async def test_k10_made_up_passes_cost_okta_nothing(site: Site) -> None:
    line = cookie_line(await site.entered(), HR)
    asked = site.seen(ME)
    genuine = line.partition(b"__Host-gateway=")[2].partition(b";")[0].strip()
    for number in range(300):
        made_up = secrets.token_urlsafe(len(genuine) * 3 // 4).encode() if number % 2 else genuine[:-4] + secrets.token_hex(2).encode()
        assert (await site.ask("/", FETCH + b"Cookie: __Host-gateway=" + made_up + b"\r\n")).status == 401
    assert site.seen(ME) == asked
    assert (await site.ask("/", FETCH + line)).status == 200


async def test_k10_made_up_sessions_are_bounded_for_each_address_and_in_memory() -> None:
    """Okta's own cookies have no seal of ours: on the login host a guess is a question, so an address has only so many."""
    async with deployed(session="max_entries = 100") as site:
        statuses = set()
        for number in range(320):
            reply = await site.ask("/.gateway/session", FETCH + b"Cookie: sid=102guess%d\r\n" % number, origin=LOGIN)
            statuses.add(reply.status)
        assert statuses == {401, 503}
        assert site.seen(ME) <= 300
        remembered = next(
            line for line in site.gateway.metrics.exposition().splitlines() if line.startswith(b"session_gateway_sessions_rem")
        )
        assert float(remembered.split()[-1]) <= 100


async def test_k14_without_a_ttl_each_request_is_a_question() -> None:
    async with deployed(session='ttl = "0s"') as site:
        browser = await site.entered()
        asked = site.seen(ME)
        for number in range(1, 6):
            assert (await browser.ask(f"{HR}/")).status == 200
            assert site.seen(ME) == asked + number
        site.org.sessions.end(site.org.sessions.active()[0])
        assert (await browser.ask(f"{HR}/")).status == 302


async def test_k15_no_answer_of_ours_and_no_page_of_a_user_may_be_kept_by_a_cache(site: Site) -> None:
    """The row is about the endpoint for front proxies (``test_subrequests``); beside it, every own answer is no-store."""
    browser = await site.entered()
    for url in (
        f"{HR}/.gateway/",
        f"{HR}/.gateway/session",
        f"{HR}/.gateway/sign-in?to=/",
        f"{HR}/.gateway/sign-out",
        f"{LOGIN}/.gateway/",
    ):
        assert (await browser.ask(url)).values("Cache-Control") == ["no-store"], url
    for fields in (NAVIGATE, FETCH):
        assert (await site.ask("/", fields)).values("Cache-Control") == ["no-store"]
    assert (await browser.ask(f"{HR}/")).values("Cache-Control") == ["no-store"]


async def test_k16_another_ttl_holds_from_the_start_because_nothing_outlives_the_process() -> None:
    """With SIGHUP too: a gateway with the new configuration begins with an empty memory of answers."""
    async with system() as place:
        person: Person = await place.entered(ALICE)
        asked = questions(place)
        assert await person.named_by_app() == ALICE
        assert questions(place) == asked
        place.text += '[session]\nttl = "1s"\n'
        await place.restart()
        assert await person.named_by_app() is None, "what was revoked before is not known any more: one hand-off first"
        assert (await person.go(f"{HR}/")).body == f"hello {ALICE}"
        assert await person.named_by_app() == ALICE
        assert questions(place) == asked + 1
        place.later(1.1)
        assert await person.named_by_app() == ALICE
        assert questions(place) == asked + 2
