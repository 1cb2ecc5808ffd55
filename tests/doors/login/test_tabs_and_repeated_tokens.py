"""One browser with several tabs, one token sent twice, and cookies that somebody else put there."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from gateway.dev.standin import Engine
from tests.harness.person import ALICE, BOB, CAROL, HR, LOGIN, NAVIGATION, SCRIPT, Person, PersonReply, redemption
from tests.harness.system import ME, REDIRECT, System, quoted, system


@pytest.fixture(params=["classic", "identity"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[System]:
    async with system(cast(Engine, request.param)) as made:  # pytest does not say what type a parameter has
        yield made


async def held(place: System, person: Person, login: str = BOB) -> tuple["asyncio.Task[PersonReply]", str]:
    """A redemption that the org has acted on and does not answer yet, and its token."""
    token = place.org.session_token(login)
    already = len(place.rows("GET", REDIRECT))
    place.fails(REDIRECT, hold=True, after=True)
    sending = asyncio.create_task(person.ask(redemption(token), site="same-site"))
    await place.org.journal.seen("GET", REDIRECT, already + 1)
    return sending, token


async def leaves(sending: "asyncio.Task[PersonReply]") -> None:
    """The client goes away before its answer."""
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


class TestTheSameToken:
    async def test_who_comes_again_goes_on_and_nothing_is_sent(self, place: System) -> None:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        await person.go(redemption(token))
        rows = len(place.org.journal.rows)
        again = await person.ask(redemption(token), site="same-site")
        assert (again.status, again.location) == (303, f"{HR}/")
        assert len(place.org.journal.rows) == rows
        assert await person.named_by_app() == BOB

    async def test_a_link_with_a_meaning_of_its_own_is_opened_without_its_token(self, place: System) -> None:
        person, token = place.person(), place.org.session_token(BOB)
        link = f"{LOGIN}/app/x/y/link?a=%7E&sessionToken={token}&b=1"
        await person.ask(link)
        again = await person.ask(link)
        assert (again.status, again.location) == (303, f"{LOGIN}/app/x/y/link?a=%7E&b=1")
        assert BOB in (await person.go(again.location)).body
        assert len(place.sent(token)) == 1

    async def test_another_browser_gets_nothing_for_it(self, place: System) -> None:
        token = place.org.session_token(BOB)
        await place.person().go(redemption(token))
        other = place.person()
        first = await other.ask(redemption(token), site="same-site")
        assert (first.status, first.location) == (307, redemption(token))
        second = await other.ask(redemption(token), site="same-site")
        assert second.status == 409
        assert [line.partition("=")[0] for line in first.set_cookies] == ["__Host-gateway-browser"]
        assert second.set_cookies == []
        third = await place.entered(CAROL)
        assert (await third.ask(redemption(token), site="same-site")).status == 409
        assert await third.named_by_app() == CAROL
        assert len(place.sent(token)) == 1

    async def test_ten_at_once_are_one(self, place: System) -> None:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        await asyncio.gather(*(person.go(redemption(token)) for _ in range(10)))
        assert len(place.sent(token)) == 1
        assert place.live() == [BOB]
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}"

    @pytest.mark.parametrize("before", [ALICE, None])
    async def test_a_double_click_gets_the_answer_that_its_first_half_left_behind(self, place: System, before: str | None) -> None:
        person = place.person() if before is None else await place.entered(before)
        sending, token = await held(place, person)
        await leaves(sending)
        second = asyncio.create_task(person.ask(redemption(token), site="same-site"))
        assert await person.named_by_app() is None
        assert not second.done()
        place.org.faults.clear()
        answer = await second
        assert (answer.status, answer.location) == (302, f"{HR}/")
        assert (await person.go(answer.location)).body == f"hello {BOB}"
        assert len(place.sent(token)) == 1
        assert place.live() == [BOB]

    async def test_okta_had_no_time_for_it_so_it_may_come_again(self, place: System) -> None:
        person, token = await place.entered(ALICE), place.org.session_token(BOB)
        place.fails(REDIRECT, status=429)
        assert (await person.ask(redemption(token), site="same-site")).status == 429
        assert (await person.go(redemption(token))).body == f"hello {BOB}"
        assert place.live() == [BOB]


class TestTabs:
    async def test_the_second_tab_is_sent_back_once_for_the_cookies_it_has_now(self, place: System) -> None:
        person = await place.entered(ALICE)
        sending, _ = await held(place, person)
        second = asyncio.create_task(person.ask(redemption(place.org.session_token(CAROL)), site="same-site"))
        place.org.faults.clear()
        assert (await sending).status == 302
        sent_back = await second
        assert sent_back.status == 307
        assert (await person.go(sent_back.location)).body == f"hello {CAROL}"
        assert place.live() == [CAROL]

    async def test_a_tab_that_still_does_not_know_ends_the_session_that_came_between(self, place: System) -> None:
        person = await place.entered(ALICE)
        old = dict(person.jar)
        await place.enter(person, BOB)
        person.jar = old
        assert (await place.enter(person, CAROL)).body == f"hello {CAROL}"
        assert place.live() == [CAROL]

    async def test_a_session_whose_client_left_ends_before_the_next_token(self, place: System) -> None:
        person = await place.entered(ALICE)
        sending, _ = await held(place, person)
        await leaves(sending)
        next_one = asyncio.create_task(place.enter(person, CAROL))
        assert await person.named_by_app() is None
        assert place.live() == [BOB]
        place.org.faults.clear()
        assert (await next_one).body == f"hello {CAROL}"
        assert place.live() == [CAROL]

    async def test_two_tabs_without_a_cookie_do_not_leave_two_sessions(self, place: System) -> None:
        person = place.person()
        first, second = place.org.session_token(ALICE), place.org.session_token(BOB)
        await asyncio.gather(person.go(redemption(first)), person.go(redemption(second)))
        assert len(place.live()) == 1
        shown = (await person.go(f"{HR}/")).body
        assert [shown] == [f"hello {login}" for login in place.live()]

    async def test_a_client_that_leaves_while_it_waits_costs_no_token(self, place: System) -> None:
        person = await place.entered(ALICE)
        sending, _ = await held(place, person)
        token = place.org.session_token(CAROL)
        waiting = asyncio.create_task(person.ask(redemption(token), site="same-site"))
        assert await person.named_by_app() is None
        await leaves(waiting)
        place.org.faults.clear()
        await sending
        assert place.sent(token) == []
        assert (await person.go(redemption(token))).body == f"hello {CAROL}"
        assert place.live() == [CAROL]


class TestPlanted:
    async def test_two_cookies_of_one_name_are_both_closed_and_both_leave_the_browser(self, place: System) -> None:
        person = await place.entered(ALICE)
        planted = place.org.sign_in(CAROL)
        person.is_planted("sid", planted.sid or "")
        if planted.idx is not None:
            person.is_planted("idx", planted.idx)
        assert (await place.enter(person, BOB)).body == f"hello {BOB}"
        assert place.live() == [BOB]
        assert [value for (_, wide, name), value in person.jar.items() if wide and name in ("sid", "idx")] == []

    @pytest.mark.parametrize("name", ["sid", "idx"])
    async def test_a_planted_cookie_alone_is_closed_and_expired_on_the_parent_domain(self, place: System, name: str) -> None:
        person, planted = place.person(), place.org.sign_in(CAROL)
        person.is_planted(name, (planted.sid if name == "sid" else planted.idx) or "102dead")
        assert (await place.enter(person, BOB)).body == f"hello {BOB}"
        assert not [key for key in person.jar if key[1]]
        assert (planted.is_over or name == "idx") and BOB in place.live()


async def test_the_org_hears_each_old_cookie_by_itself_before_the_token(place: System) -> None:
    person = await place.entered(ALICE)
    token = place.org.session_token(BOB)
    names = ["sid", "idx"] if place.org.is_identity else ["sid"]
    place.later(11)
    place.org.journal.clear()
    await person.ask(redemption(token), fields=NAVIGATION, site="same-site")
    told = [(row.method, row.path, [name for name in row.cookie_names if name in ("sid", "idx")]) for row in place.org.journal.rows]
    proofs = [("GET", ME, [name]) for name in names]
    assert told == [("GET", ME, names), ("DELETE", ME, names), *proofs, ("GET", REDIRECT, []), ("GET", ME, names)]


async def test_an_api_call_with_a_token_opens_no_way_around(place: System) -> None:
    person, token = await place.entered(ALICE), place.org.session_token(BOB)
    url = f"{LOGIN}/api/v1/sessions?additionalFields=cookieToken"
    body = f'{{"other": [{{"SessionToken": "{token}"}}]}}'
    reply = await person.ask(url, "POST", fields=SCRIPT, site="same-origin", body=body, content_type="text/plain")
    assert reply.status == 403
    assert place.live() == [ALICE] and place.sent(token) == []
    assert quoted(token) not in place.written.getvalue()
