"""The front-channel switch, with a client that follows redirects, refreshes, and the form that submits itself."""

import html
import re
from pathlib import Path

import pytest
from yarl import URL

from gateway.dev.standin import Fault, fingerprint
from tests.journeys.not_in_front import (
    _REFRESH,
    AGENT,
    ALICE,
    AUTHORIZE,
    BOB,
    PORTAL_SECRET,
    REDEMPTION,
    SIGN_OUT,
    Apart,
    ShiftedClock,
    apart,
    engine,
    walked,
)

__all__ = ["apart", "engine"]


async def announced(apart: Apart, login: str) -> tuple[str, str]:
    """A token of this user, and where the browser is awaited with it."""
    token = apart.org.session_token(login)
    return token, await apart.handed_over(token, "/", address="127.0.0.1", user_agent=AGENT, login=login)


@pytest.mark.parametrize("is_shared", [False, True])
async def test_the_second_user_is_the_second_user(apart: Apart, tmp_path: Path, is_shared: bool) -> None:
    await apart.begin(STATE__DIRECTORY=str(tmp_path / "state") if is_shared else "")
    async with apart.visitor() as person:
        for login in (ALICE, BOB):
            _, url = await announced(apart, login)
            status, address, text = await walked(person, url)
            assert (status, URL(address).origin()) == (200, URL(apart.app)), text
            assert login in text
    assert [session.user.login for session in apart.org.sessions.active()] == [BOB]


async def test_the_token_is_posted_once_behind_a_proven_end_and_stands_in_no_address(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as person:
        old = fingerprint(apart.signs_in(person, ALICE).sid or "")
        token, url = await announced(apart, BOB)
        apart.org.journal.clear()
        await walked(person, url)
    rows = [row for row in apart.org.journal.rows if row.path in (SIGN_OUT, AUTHORIZE, REDEMPTION)]
    assert [(row.method, row.path) for row in rows[:4]] == [("GET", SIGN_OUT), ("GET", AUTHORIZE), ("POST", REDEMPTION), ("GET", AUTHORIZE)]
    assert rows[0].cookies.get("sid") == old
    assert rows[2].token == fingerprint(token)
    assert list(rows[2].query_names) == []
    assert old not in rows[2].cookies.values()
    assert not [line for line in apart.lines if token in str(line)]


async def test_an_answer_that_is_opened_again_proves_nothing(apart: Apart) -> None:
    """The address of `login_required` lies in the browser's history; meanwhile somebody else signed in."""
    await apart.begin()
    async with apart.visitor() as person:
        token, url = await announced(apart, BOB)
        async with person.get(url, allow_redirects=False, headers={"User-Agent": AGENT}) as response:
            back = URL(response.headers["Location"]).query["fromURI"]
        async with person.get(back, allow_redirects=False) as response:
            question = response.headers["Location"]
        async with person.get(URL(question, encoded=True), allow_redirects=False) as response:
            answer = response.headers["Location"]
        assert "error=login_required" in answer
        assert apart.gateway is not None
        async with person.get(url, allow_redirects=False, headers={"User-Agent": AGENT}) as response:  # the switch begins again
            assert URL(response.headers["Location"]).path == SIGN_OUT
        apart.signs_in(person, ALICE)
        async with person.get(URL(answer, encoded=True), allow_redirects=False) as response:
            assert URL(response.headers["Location"]).path == AUTHORIZE  # asked again, and nothing is redeemed
        assert apart.org.session_tokens.meaning(token) is not None


async def test_a_sign_out_that_the_org_does_not_carry_out_stops_the_switch_and_keeps_the_token(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as person:
        apart.signs_in(person, ALICE)
        token, url = await announced(apart, BOB)
        back = url.replace("?start=", "?back=")
        apart.org.faults.add(Fault(SIGN_OUT, "GET", 302, times=None, headers={"Location": back}))
        status, _, text = await walked(person, url)
        assert (status, "could not be ended" in text) == (503, True)
        assert (apart.asked(SIGN_OUT), apart.asked(REDEMPTION)) == (3, 0)
        assert apart.org.session_tokens.meaning(token) is not None
        apart.org.faults.clear()
        assert BOB in (await walked(person, url))[2]


async def test_while_a_token_of_this_browser_is_on_its_way_another_one_waits(apart: Apart) -> None:
    """The tab of the first one was closed on the page with the form: a minute later the next one goes."""
    times = ShiftedClock()
    await apart.begin(times.clock)
    async with apart.visitor() as person:
        _, first = await announced(apart, ALICE)
        async with person.get(first, headers={"User-Agent": AGENT}, max_redirects=20) as response:
            assert "data-posts-itself" in await response.text()
        token, second = await announced(apart, BOB)
        status, _, text = await walked(person, second)
        assert (status, "going on" in text) == (409, True)
        assert apart.org.session_tokens.meaning(token) is not None
        times.passed = 61.0
        assert BOB in (await walked(person, second))[2]


async def test_a_start_that_nobody_vouches_for_is_confirmed_in_this_browser_alone(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as alice, apart.visitor() as mallory:
        session = apart.signs_in(alice, ALICE)
        await walked(alice, f"{apart.app}/")
        url = await apart.handed_over(apart.org.session_token(BOB), "/")
        _, _, text = await walked(alice, url)
        assert "as somebody else" in text
        assert session in apart.org.sessions.active()
        sealed = html.unescape(re.search(r'name="request" value="([^"]+)"', text)[1])  # type: ignore[index]  # the page has the form
        action = f"{apart.gate}/.gateway/front-switch"
        for visitor, origin, status in ((alice, "https://evil.example", 403), (mallory, apart.gate, 409)):
            fields = {"Origin": origin, "Sec-Fetch-Site": "same-origin" if origin == apart.gate else "cross-site"}
            async with visitor.post(action, data={"request": sealed}, headers=fields) as response:
                assert response.status == status
        fields = {"Origin": apart.gate, "Sec-Fetch-Site": "same-origin"}
        async with alice.post(action, data={"request": sealed}, headers=fields) as response:
            led_to = html.unescape(_REFRESH.search(await response.text())[1])  # type: ignore[index]  # the page leads on
        assert BOB in (await walked(alice, led_to))[2]


async def test_a_used_reference_and_one_of_another_browser_are_told(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as bob, apart.visitor() as mallory:
        _, url = await announced(apart, BOB)
        async with bob.get(url, allow_redirects=False, headers={"User-Agent": AGENT}):
            pass
        assert (await walked(mallory, url))[0] == 409
        assert BOB in (await walked(bob, url))[2]
        status, _, text = await walked(bob, url)
        assert (status, "used already" in text) == (409, True)
        assert (await walked(bob, f"{apart.gate}/.gateway/front-switch?start=made-up"))[0] == 409


async def test_a_browser_that_keeps_no_cookies_is_told_so_and_nothing_is_redeemed(apart: Apart) -> None:
    await apart.begin()
    token, url = await announced(apart, BOB)
    async with apart.visitor() as person:
        person.cookie_jar.clear()
        async with person.get(url, allow_redirects=False, headers={"User-Agent": AGENT}) as response:
            back = URL(response.headers["Location"]).query["fromURI"]
        person.cookie_jar.clear()
        status, _, text = await walked(person, back)
        assert (status, "cookie" in text.lower()) == (400, True)
    assert apart.org.session_tokens.meaning(token) is not None


async def test_a_token_that_the_org_refuses_is_told_and_the_old_session_is_gone(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as person:
        old = apart.signs_in(person, ALICE)
        url = await apart.handed_over("2011-made-up", "/", address="127.0.0.1", user_agent=AGENT)
        status, address, _ = await walked(person, url)
        assert URL(address).origin() == URL(apart.running.url).origin()  # the org asks who it is
        status, _, text = await walked(person, url.replace("?start=", "?back="))
        assert (status, "You are not signed in" in text) == (409, True)
        assert old not in apart.org.sessions.active()


async def test_an_org_that_does_not_say_keeps_the_token_for_another_try(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as person:
        apart.signs_in(person, ALICE)
        token, url = await announced(apart, BOB)
        back = url.replace("?start=", "?back=")
        apart.org.faults.add(Fault(SIGN_OUT, "GET", 302, headers={"Location": back}))
        apart.org.faults.add(Fault("/oauth2/v1/token", "POST", 503))
        status, _, text = await walked(person, url)
        assert (status, "could not find out" in text) == (503, True)
        assert apart.org.session_tokens.meaning(token) is not None
        assert BOB in (await walked(person, url))[2]


async def test_only_a_portal_hands_tokens_over_and_only_to_places_that_are_configured(apart: Apart) -> None:
    await apart.begin()
    address = f"{apart.gate}/.gateway/starts"
    order = {"session_token": apart.org.session_token(BOB), "to": f"{apart.app}/"}
    async with apart.visitor() as server:
        async with server.post(address, json=order, headers={"Authorization": "Bearer wrong"}) as response:
            assert response.status == 401
        assert (await apart.posted(server, address, order | {"to": "https://evil.example/"})) == (400, {"error": "to"})
        assert (await apart.posted(server, address, {"address": "x", "user_agent": "x"})) == (400, {"error": "session_token_missing"})
        async with server.get(address, headers={"Authorization": f"Bearer {PORTAL_SECRET}"}) as response:
            assert response.status == 405
