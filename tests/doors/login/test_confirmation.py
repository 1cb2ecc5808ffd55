"""Who may switch without a question, and what the question is worth."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.harness.person import ALICE, BOB, CAROL, EVIL, HR, LOGIN, NAVIGATION, PORTAL, Person, PersonReply, redemption
from tests.harness.system import ME, REDIRECT, System, quoted, system

SWITCH = f"{LOGIN}/.gateway/switch"


@pytest.fixture
async def place() -> AsyncIterator[System]:
    async with system() as made:
        yield made


async def asked(place: System, person: Person, login: str = BOB) -> tuple[PersonReply, str]:
    """The question that a link of another site leads to, and the link's token."""
    token = place.org.session_token(login)
    page = await person.ask(redemption(token), site="cross-site")
    assert page.status == 200
    return page, token


def untouched(place: System, token: str) -> bool:
    """Whether alice's session is what it was, and the token unspent."""
    return (place.live(), place.sent(token), place.rows("DELETE", ME)) == ([ALICE], [], [])


@pytest.mark.parametrize(
    ("site", "more", "is_trusted"),
    [
        ("same-origin", {}, True),
        ("same-site", {}, True),
        ("cross-site", {"Origin": PORTAL}, True),
        ("cross-site", {"Referer": f"{PORTAL}/enter"}, True),
        ("cross-site", {}, False),
        ("none", {}, False),
        ("cross-site", {"Origin": EVIL}, False),
        ("cross-site", {"Origin": EVIL, "Referer": f"{PORTAL}/"}, False),
        ("cross-site", {"Origin": f"{PORTAL}.evil.net"}, False),
        ("cross-site", {"Referer": f"{EVIL}/?{PORTAL}"}, False),
        ("cross-site", {"Origin": LOGIN}, False),
        ("", {}, False),
        ("", {"Origin": LOGIN}, True),
        ("", {"Referer": f"{LOGIN}/login/login.htm"}, True),
        ("", {"Origin": "null"}, False),
    ],
)
async def test_only_a_trusted_start_switches_without_a_question(place: System, site: str, more: dict[str, str], is_trusted: bool) -> None:
    person = await place.entered(ALICE)
    token = place.org.session_token(BOB)
    reply = await person.ask(redemption(token), fields={**NAVIGATION, **more}, site=site)
    assert reply.status == (302 if is_trusted else 200)
    assert place.live() == [BOB if is_trusted else ALICE]
    assert is_trusted or untouched(place, token)
    assert ALICE in reply.body or is_trusted


async def test_the_question_names_who_is_signed_in_and_holds_no_token(place: System) -> None:
    person = await place.entered(ALICE)
    page, token = await asked(place, person)
    assert ALICE in page.body
    assert token not in page.body
    assert token not in str(page.fields)
    assert untouched(place, token)
    assert await person.named_by_app() == ALICE


async def test_the_user_says_yes(place: System) -> None:
    person = await place.entered(ALICE)
    page, token = await asked(place, person)
    assert (await person.confirm(page)).body == f"hello {BOB}"
    assert place.live() == [BOB]
    assert len(place.sent(token)) == 1


async def test_a_form_that_was_posted_is_kept_to_the_byte(place: System) -> None:
    person = await place.entered(ALICE)
    token = place.org.session_token(BOB)
    body = f"token={token}&repost=true&redirectUrl={quoted(HR + '/x?a=%7E')}&note=%C3%A9+b"
    page = await person.ask(f"{LOGIN}{REDIRECT}?keep=1", "POST", site="cross-site", body=body, fields={**NAVIGATION, "Origin": EVIL})
    assert untouched(place, token)
    answer = await person.ask(SWITCH, "POST", site="same-origin", body=f"request={quoted(page.sealed)}")
    assert (answer.status, answer.location, answer.leads_to) == (200, "", f"{HR}/x?a=%7E")
    [row] = place.sent(token)
    assert (row.method, row.path, row.query_names) == ("POST", REDIRECT, ["keep"])
    assert place.live() == [BOB]


async def test_a_question_is_good_for_five_minutes(place: System) -> None:
    person = await place.entered(ALICE)
    page, token = await asked(place, person)
    place.times.passes(301)
    answer = await person.confirm(page)
    assert answer.status == 400
    assert untouched(place, token)


async def test_another_browser_cannot_answer_the_question(place: System) -> None:
    page, token = await asked(place, await place.entered(ALICE))
    stranger = place.person()
    assert (await stranger.confirm(page)).status == 409
    carol = place.person()
    session = place.org.sign_in(CAROL)
    carol.signs_in(session.sid, session.idx)
    assert (await carol.confirm(page)).status == 409
    assert place.live() == [ALICE, CAROL]
    assert place.sent(token) == []


async def test_another_site_cannot_answer_the_question(place: System) -> None:
    person = await place.entered(ALICE)
    page, token = await asked(place, person)
    body = f"request={quoted(page.sealed)}"
    for site in ("cross-site", "same-site", "none"):
        assert (await person.ask(SWITCH, "POST", site=site, body=body)).status == 403
    for more in ({"Origin": EVIL}, {"Origin": "null"}, {"Origin": PORTAL}, {}):
        assert (await person.ask(SWITCH, "POST", site="", body=body, fields={**NAVIGATION, **more})).status == 403
    assert untouched(place, token)
    assert (await person.ask(SWITCH, "POST", site="", body=body, fields={**NAVIGATION, "Origin": LOGIN})).leads_to == f"{HR}/"
    assert place.live() == [BOB]


async def test_the_answer_counts_only_for_the_session_that_was_shown(place: System) -> None:
    person = await place.entered(ALICE)
    page, token = await asked(place, person)
    await place.enter(person, CAROL)
    assert (await person.confirm(page)).status == 409
    assert place.live() == [CAROL]
    assert place.sent(token) == []


async def test_yes_is_said_once(place: System) -> None:
    person = await place.entered(ALICE)
    page, token = await asked(place, person)
    before = dict(person.jar)
    await person.confirm(page)
    person.jar, now = before, dict(person.jar)
    again = await person.ask(SWITCH, "POST", site="same-origin", body=f"request={quoted(page.sealed)}")
    assert again.status == 303
    person.jar = now
    assert (await person.go(again.location, site="same-origin")).body == f"hello {BOB}"
    assert place.live() == [BOB]
    assert len(place.sent(token)) == 1


async def test_what_is_no_question_of_ours_is_no_answer(place: System) -> None:
    person = await place.entered(ALICE)
    page, token = await asked(place, person)
    for sealed in ("", "x", page.sealed[:-1], page.sealed[:-2] + "AA", page.sealed.swapcase()):
        assert (await person.ask(SWITCH, "POST", site="same-origin", body=f"request={quoted(sealed)}")).status == 400
    twice = f"request={quoted(page.sealed)}&request={quoted(page.sealed)}"
    assert (await person.ask(SWITCH, "POST", site="same-origin", body=twice)).status == 400
    assert (await person.ask(SWITCH, "POST", site="same-origin", body="request=" + "a" * 900_000)).status == 413
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        reply = await person.ask(SWITCH, method, site="same-origin")
        assert (reply.status, reply.values("Allow")) == (405, ["POST"])
    assert untouched(place, token)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin", "none"])
async def test_t10_a_script_never_redeems_and_is_told_so_in_oktas_words(place: System, site: str) -> None:
    person = await place.entered(ALICE)
    token = place.org.session_token(BOB)
    reply = await person.ask(redemption(token), fields={"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, site=site)
    assert (reply.status, reply.values("Content-Type")) == (403, ["application/json"])
    assert json.loads(reply.body)["errorCode"] == "E0000006"
    assert untouched(place, token)


async def test_nobody_is_asked_where_okta_does_not_say_who_is_signed_in(place: System) -> None:
    person = await place.entered(ALICE)
    place.later(11)
    place.fails(ME, method="GET", status=500)
    token = place.org.session_token(BOB)
    reply = await person.ask(redemption(token), site="cross-site")
    assert reply.status == 503
    assert reply.values("Retry-After") != []
    assert reply.set_cookies == []
    assert untouched(place, token)


async def test_t22_behind_a_dead_session_a_stranger_is_asked_about_as_without_one(place: System) -> None:
    person = await place.entered(ALICE)
    place.org.sessions.end(place.session(ALICE))
    place.later(11)
    page, token = await asked(place, person)
    assert ALICE not in page.body and place.sent(token) == []
    assert (await person.confirm(page)).body == f"hello {BOB}"
    assert place.live() == [BOB]


async def test_a_dead_session_is_no_reason_for_a_question_where_nobody_is_asked_about_alone() -> None:
    async with system(switch='without_session = "redeem"') as place:
        person = await place.entered(ALICE)
        place.org.sessions.end(place.session(ALICE))
        place.later(11)
        assert (await place.enter(person, BOB, site="cross-site")).body == f"hello {BOB}"
        assert place.live() == [BOB]


async def test_x7_the_form_leads_to_our_own_page_alone_and_that_leads_on_wherever_okta_says(place: System) -> None:
    person = await place.entered(ALICE)
    page = await person.ask(redemption(place.org.session_token(BOB), f"{EVIL}/x"), site="cross-site")
    [policy] = page.values("Content-Security-Policy")
    assert [part.split() for part in policy.split(";") if "form-action" in part] == [["form-action", "'self'"]]
    answer = await person.ask(SWITCH, "POST", site="same-origin", body=f"request={quoted(page.sealed)}")
    assert (answer.status, answer.location, answer.leads_to) == (200, "", f"{EVIL}/x")
    assert place.live() == [BOB]
