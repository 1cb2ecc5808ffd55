"""Rows X1 and X2: however another user's session begins at the login host, the older session ends before the answer is delivered.

Source: elastic/kibana#26714. A second user signed in by SAML in the first user's browser, and worked on as the first user.
"""

import asyncio

import pytest

from gateway.dev.standin import Engine, OrgSession, Row, fault, fingerprint
from tests.field.sign_ins_without_token import BEGINNINGS, ON_ENGINES, PATHS, by_form, by_saml
from tests.harness.person import ALICE, BOB, HR, LOGIN, SCRIPT, SESSION_NAMES, Person
from tests.harness.polling import moment
from tests.harness.system import ME, system

UNKNOWN: dict[str, dict[str, object]] = {
    "500": {"status": 500},
    "429": {"status": 429},
    "nothing": {"status": 0},
}


def values(session: OrgSession) -> set[str]:
    """The fingerprints of a session's cookies, as the journal writes them."""
    return {fingerprint(value) for value in (session.sid, session.idx) if value is not None}


def told_of(row: Row) -> set[str]:
    """The session cookies that a request to the org carried."""
    return {value for name, value in row.cookies.items() if name in SESSION_NAMES}


async def greeted_soon(person: Person) -> str:
    """What the app says once Okta is asked again in the background, which takes a second of real time."""
    async with asyncio.timeout(15):
        while (reply := await person.go(f"{HR}/")).status != 200:
            assert reply.status == 503
            await moment(0.05)
    return reply.body


@pytest.mark.parametrize(("engine", "way"), ON_ENGINES)
async def test_x1_x2_another_users_session_begins_and_the_older_one_is_proven_gone_first(engine: Engine, way: str) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        old = values(place.session(ALICE))
        place.org.journal.clear()
        reply = await BEGINNINGS[way](place, person, BOB)
        rows = place.org.journal.rows
        assert place.live() == [BOB], "at the arrival of the answer"
        assert reply.status < 400 and person.cookie("sid") == place.session(BOB).sid
        [first_row] = [row.n for row in rows if row.path == PATHS[way]]
        closed = [row for row in rows if (row.method, row.path) == ("DELETE", ME)]
        assert closed and all(told_of(row) <= old and row.n > first_row for row in closed)
        verified = [row for row in rows if (row.method, row.path) == ("GET", ME) and row.n > closed[-1].n]
        assert {frozenset(told_of(row)) for row in verified} == {frozenset([one]) for one in old}, "each old cookie by itself"
        assert await person.named_by_app() is None, "alice's pass died"
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}"
        assert place.told[-1] == ("/", BOB)


@pytest.mark.parametrize(("engine", "way"), ON_ENGINES)
async def test_x1_x2_the_answer_waits_for_the_end_of_the_older_session(engine: Engine, way: str) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        deletes = fault({"path": ME, "method": "DELETE", "hold": True})
        place.org.faults.add(deletes)
        asking = asyncio.create_task(BEGINNINGS[way](place, person, BOB))
        async with asyncio.timeout(20):
            await place.org.journal.seen("DELETE", ME)
        assert not asking.done() and place.live() == [ALICE, BOB]
        assert await person.named_by_app() is None, "revoked before Okta was told"
        assert deletes.release is not None
        deletes.release.set()
        await asking
        assert place.live() == [BOB]


@pytest.mark.parametrize(("engine", "way"), ON_ENGINES)
async def test_x1_x2_the_same_user_again_ends_nothing(engine: Engine, way: str) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        place.org.journal.clear()
        reply = await BEGINNINGS[way](place, person, ALICE)
        assert reply.status < 400
        assert place.rows("DELETE", ME) == []
        assert await person.named_by_app() == ALICE, "her pass goes on"
        assert (await person.go(f"{HR}/")).body == f"hello {ALICE}"


@pytest.mark.parametrize("answer", UNKNOWN)
@pytest.mark.parametrize(("engine", "way"), ON_ENGINES)
async def test_x1_x2_until_okta_says_who_it_is_nobody_is_in(engine: Engine, way: str, answer: str) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        place.later(11)
        place.fails(ME, times=None, **UNKNOWN[answer])
        await BEGINNINGS[way](place, person, BOB)
        told = len(place.told)
        for _ in range(2):
            assert await person.named_by_app() is None
            assert (await person.ask(f"{HR}/")).status in (302, 303, 503)
        assert place.told[told:] == [], "no page of the app for anybody"
        place.org.faults.clear()
        place.later(61)
        assert await greeted_soon(person) == f"hello {BOB}"
        assert ALICE not in [who for _, who in place.told[told:]]
        await place.until(BOB)


@pytest.mark.parametrize(("engine", "way"), ON_ENGINES)
async def test_x1_x2_without_proof_of_the_end_the_answer_is_withheld(engine: Engine, way: str) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        place.fails(ME, method="DELETE", status=500, times=None)
        reply = await BEGINNINGS[way](place, person, BOB)
        assert reply.status == 503
        if way == "script":
            assert '"errorCode"' in reply.body and "<" not in reply.body
        else:
            assert "text/html" in reply.values("Content-Type")[0] and "sign" in reply.body
        assert person.cookie("sid") is None and person.cookie("idx") is None
        assert person.cookie("__Host-gateway-pending") is not None, "alice's end is carried"
        assert await person.named_by_app() is None
        told = len(place.told)
        assert not (await person.go(f"{HR}/")).body.startswith("hello")
        place.org.faults.clear()
        await place.until()
        assert place.told[told:] == []
        assert (await place.enter(person, BOB)).body == f"hello {BOB}"
        assert place.live() == [BOB]


@pytest.mark.parametrize(("engine", "way"), ON_ENGINES)
async def test_x1_x2_a_browser_without_a_session_begins_one(engine: Engine, way: str) -> None:
    async with system(engine) as place:
        person = place.person()
        await BEGINNINGS[way](place, person, BOB)
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}"
        assert place.rows("DELETE", ME) == [] and place.live() == [BOB]


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_x1_a_browser_that_lost_its_id_is_judged_by_what_it_presents(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        person.jar.pop(("login.example.com", False, "__Host-gateway-browser"))
        await by_saml(place, person, BOB)
        assert place.live() == [BOB]
        assert await person.named_by_app() is None
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}"


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_x1_a_form_of_another_site_that_brings_no_session_cookie_ends_the_one_that_the_browser_was_given(engine: Engine) -> None:
    """A sibling's page may have deleted the cookie, or the browser kept it at home: the id finds the session all the same."""
    async with system(engine) as place:
        person = await place.entered(ALICE)
        for name in ("sid", "idx"):
            person.jar.pop(("login.example.com", False, name), None)
        await by_saml(place, person, BOB)
        assert place.live() == [BOB]
        assert await person.named_by_app() is None
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}"


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_x1_a_missing_factor_is_judged_when_it_is_brought(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        place.fails(ME, method="GET", status=404, body={"errorCode": "E0000007"}, times=1)
        await by_form(place, person, BOB)
        bob = place.session(BOB)
        bob.status = "MFA_REQUIRED"
        assert place.live() == [ALICE, BOB]
        assert await person.named_by_app() == ALICE, "nobody has taken her place so far"
        bob.status = "ACTIVE"
        told = len(place.told)
        await person.script(f"{LOGIN}/api/v1/authn/factors/push/verify", "POST", "{}")
        assert place.live() == [BOB], "before the page is told that the factor was taken"
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}"
        assert ALICE not in [who for _, who in place.told[told:]]


@pytest.mark.parametrize("engine", ["classic", "identity"])
@pytest.mark.parametrize("keeps", [False, True], ids=["memory", "sqlite"])
async def test_x1_a_restart_between_forgets_no_older_session(engine: Engine, keeps: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with system(engine) as place:
        if keeps:
            place.text += f'\n[state]\ndirectory = "{tmp_path_factory.mktemp("state")}"\n'
            await place.restart()
        person = await place.entered(ALICE)
        await place.restart()
        await by_saml(place, person, BOB)
        assert place.live() == [BOB]
        assert await person.named_by_app() is None
        assert (await person.go(f"{HR}/")).body == f"hello {BOB}"


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_x1_a_restart_while_it_is_undecided_lets_nobody_in_as_the_older_user(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with system(engine) as place:
        place.text += f'\n[state]\ndirectory = "{tmp_path_factory.mktemp("state")}"\n'
        await place.restart()
        person = await place.entered(ALICE)
        place.later(11)
        place.fails(ME, times=None, status=500)
        await by_saml(place, person, BOB)
        await place.restart()
        place.org.faults.clear()
        told = len(place.told)
        named = await person.named_by_app()
        assert named is None
        assert await greeted_soon(person) == f"hello {BOB}"
        assert ALICE not in [who for _, who in place.told[told:]]
        await place.until(BOB)


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_x1_a_late_answer_of_the_older_user_brings_nobody_back(engine: Engine) -> None:
    async with system(engine) as place:
        person = await place.entered(ALICE)
        held = fault({"path": "/app/UserHome", "hold": True, "after": True, "set_cookies": [f"sid={place.session(ALICE).sid};Path=/"]})
        place.org.faults.add(held)
        before = dict(person.jar)
        slow = asyncio.create_task(person.ask(f"{LOGIN}/app/UserHome", shown=before))
        async with asyncio.timeout(20):
            await place.org.journal.seen("GET", "/app/UserHome")
        beginning = asyncio.create_task(by_saml(place, person, BOB))
        async with asyncio.timeout(20):
            await place.org.journal.seen("GET", ME, len(place.rows("GET", ME)) + 1)
            while await person.named_by_app() is not None:
                await moment(0.02)  # until alice is revoked
        assert held.release is not None
        held.release.set()
        late = await slow
        assert not any(line.startswith(("sid=", "idx=")) for line in late.set_cookies)
        await beginning
        assert place.live() == [BOB] and (await person.go(f"{HR}/")).body == f"hello {BOB}"


async def test_x1_a_script_that_asks_who_is_there_is_told_the_new_user() -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        await by_saml(place, person, BOB)
        shown = await person.ask(f"{LOGIN}/.gateway/session", fields=SCRIPT, site="same-origin")
        assert shown.status == 200 and BOB in shown.body and ALICE not in shown.body
