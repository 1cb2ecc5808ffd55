"""The front-channel switch, with a client that follows redirects, refreshes, and the form that submits itself."""

import html
import re
from pathlib import Path

import pytest
from yarl import URL

from gateway.dev.standin import Fault, fingerprint
from tests.journeys.direct_org import (
    _REFRESH,
    AGENT,
    ALICE,
    AUTHORIZE,
    BOB,
    PORTAL_SECRET,
    REDEMPTION,
    SIGN_OUT,
    DirectOrg,
    ShiftedClock,
    direct_org,
    engine,
    walked,
)

__all__ = ["direct_org", "engine"]


async def announced(direct_org: DirectOrg, login: str) -> tuple[str, str]:
    """A token of this user, and where the browser is awaited with it."""
    token = direct_org.org.session_token(login)
    return token, await direct_org.handed_over(token, "/", address="127.0.0.1", user_agent=AGENT, login=login)


@pytest.mark.parametrize("is_shared", [False, True])
async def test_the_second_user_is_the_second_user(direct_org: DirectOrg, tmp_path: Path, is_shared: bool) -> None:
    await direct_org.begin(STATE__DIRECTORY=str(tmp_path / "state") if is_shared else "")
    async with direct_org.visitor() as person:
        for login in (ALICE, BOB):
            _, url = await announced(direct_org, login)
            status, address, text = await walked(person, url)
            assert (status, URL(address).origin()) == (200, URL(direct_org.app)), text
            assert login in text
    assert [session.user.login for session in direct_org.org.sessions.active()] == [BOB]


async def test_the_token_is_posted_once_behind_a_proven_end_and_stands_in_no_address(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as person:
        old = fingerprint(direct_org.signs_in(person, ALICE).sid or "")
        token, url = await announced(direct_org, BOB)
        direct_org.org.journal.clear()
        await walked(person, url)
    rows = [row for row in direct_org.org.journal.rows if row.path in (SIGN_OUT, AUTHORIZE, REDEMPTION)]
    assert [(row.method, row.path) for row in rows[:4]] == [("GET", SIGN_OUT), ("GET", AUTHORIZE), ("POST", REDEMPTION), ("GET", AUTHORIZE)]
    assert rows[0].cookies.get("sid") == old
    assert rows[2].token == fingerprint(token)
    assert list(rows[2].query_names) == []
    assert old not in rows[2].cookies.values()
    assert not [line for line in direct_org.lines if token in str(line)]


async def test_an_answer_that_is_opened_again_proves_nothing(direct_org: DirectOrg) -> None:
    """The address of `login_required` lies in the browser's history; meanwhile somebody else signed in."""
    await direct_org.begin()
    async with direct_org.visitor() as person:
        token, url = await announced(direct_org, BOB)
        async with person.get(url, allow_redirects=False, headers={"User-Agent": AGENT}) as response:
            back = URL(response.headers["Location"]).query["fromURI"]
        async with person.get(back, allow_redirects=False) as response:
            question = response.headers["Location"]
        async with person.get(URL(question, encoded=True), allow_redirects=False) as response:
            answer = response.headers["Location"]
        assert "error=login_required" in answer
        assert direct_org.gateway is not None
        async with person.get(url, allow_redirects=False, headers={"User-Agent": AGENT}) as response:  # the switch begins again
            assert URL(response.headers["Location"]).path == SIGN_OUT
        direct_org.signs_in(person, ALICE)
        async with person.get(URL(answer, encoded=True), allow_redirects=False) as response:
            assert URL(response.headers["Location"]).path == AUTHORIZE  # asked again, and nothing is redeemed
        assert direct_org.org.session_tokens.meaning(token) is not None


async def test_a_sign_out_that_the_org_does_not_carry_out_stops_the_switch_and_keeps_the_token(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as person:
        direct_org.signs_in(person, ALICE)
        token, url = await announced(direct_org, BOB)
        back = url.replace("?start=", "?back=")
        direct_org.org.faults.add(Fault(SIGN_OUT, "GET", 302, times=None, headers={"Location": back}))
        status, _, text = await walked(person, url)
        assert (status, "could not be ended" in text) == (503, True)
        assert (direct_org.asked(SIGN_OUT), direct_org.asked(REDEMPTION)) == (3, 0)
        assert direct_org.org.session_tokens.meaning(token) is not None
        direct_org.org.faults.clear()
        assert BOB in (await walked(person, url))[2]


async def test_while_a_token_of_this_browser_is_on_its_way_another_one_waits(direct_org: DirectOrg) -> None:
    """The tab of the first one was closed on the page with the form: a minute later the next one goes."""
    times = ShiftedClock()
    await direct_org.begin(times.clock)
    async with direct_org.visitor() as person:
        _, first = await announced(direct_org, ALICE)
        async with person.get(first, headers={"User-Agent": AGENT}, max_redirects=20) as response:
            assert "data-posts-itself" in await response.text()
        token, second = await announced(direct_org, BOB)
        status, _, text = await walked(person, second)
        assert (status, "going on" in text) == (409, True)
        assert direct_org.org.session_tokens.meaning(token) is not None
        times.passed = 61.0
        assert BOB in (await walked(person, second))[2]


async def test_a_start_that_nobody_vouches_for_is_confirmed_in_this_browser_alone(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as alice, direct_org.visitor() as mallory:
        session = direct_org.signs_in(alice, ALICE)
        await walked(alice, f"{direct_org.app}/")
        url = await direct_org.handed_over(direct_org.org.session_token(BOB), "/")
        _, _, text = await walked(alice, url)
        assert "as somebody else" in text
        assert session in direct_org.org.sessions.active()
        sealed = html.unescape(re.search(r'name="request" value="([^"]+)"', text)[1])  # type: ignore[index]  # the page has the form
        action = f"{direct_org.gate}/.gateway/front-switch"
        for visitor, origin, status in ((alice, "https://evil.example", 403), (mallory, direct_org.gate, 409)):
            fields = {"Origin": origin, "Sec-Fetch-Site": "same-origin" if origin == direct_org.gate else "cross-site"}
            async with visitor.post(action, data={"request": sealed}, headers=fields) as response:
                assert response.status == status
        fields = {"Origin": direct_org.gate, "Sec-Fetch-Site": "same-origin"}
        async with alice.post(action, data={"request": sealed}, headers=fields) as response:
            led_to = html.unescape(_REFRESH.search(await response.text())[1])  # type: ignore[index]  # the page leads on
        assert BOB in (await walked(alice, led_to))[2]


async def test_a_used_reference_and_one_of_another_browser_are_told(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as bob, direct_org.visitor() as mallory:
        _, url = await announced(direct_org, BOB)
        async with bob.get(url, allow_redirects=False, headers={"User-Agent": AGENT}):
            pass
        assert (await walked(mallory, url))[0] == 409
        assert BOB in (await walked(bob, url))[2]
        status, _, text = await walked(bob, url)
        assert (status, "used already" in text) == (409, True)
        assert (await walked(bob, f"{direct_org.gate}/.gateway/front-switch?start=made-up"))[0] == 409


async def test_a_browser_that_keeps_no_cookies_is_told_so_and_nothing_is_redeemed(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    token, url = await announced(direct_org, BOB)
    async with direct_org.visitor() as person:
        person.cookie_jar.clear()
        async with person.get(url, allow_redirects=False, headers={"User-Agent": AGENT}) as response:
            back = URL(response.headers["Location"]).query["fromURI"]
        person.cookie_jar.clear()
        status, _, text = await walked(person, back)
        assert (status, "cookie" in text.lower()) == (400, True)
    assert direct_org.org.session_tokens.meaning(token) is not None


async def test_a_token_that_the_org_refuses_is_told_and_the_old_session_is_gone(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as person:
        old = direct_org.signs_in(person, ALICE)
        url = await direct_org.handed_over("2011-made-up", "/", address="127.0.0.1", user_agent=AGENT)
        status, address, _ = await walked(person, url)
        assert URL(address).origin() == URL(direct_org.running.url).origin()  # the org asks who it is
        status, _, text = await walked(person, url.replace("?start=", "?back="))
        assert (status, "You are not signed in" in text) == (409, True)
        assert old not in direct_org.org.sessions.active()


async def test_an_org_that_does_not_say_keeps_the_token_for_another_try(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as person:
        direct_org.signs_in(person, ALICE)
        token, url = await announced(direct_org, BOB)
        back = url.replace("?start=", "?back=")
        direct_org.org.faults.add(Fault(SIGN_OUT, "GET", 302, headers={"Location": back}))
        direct_org.org.faults.add(Fault("/oauth2/v1/token", "POST", 503))
        status, _, text = await walked(person, url)
        assert (status, "could not find out" in text) == (503, True)
        assert direct_org.org.session_tokens.meaning(token) is not None
        assert BOB in (await walked(person, url))[2]


async def test_only_a_portal_hands_tokens_over_and_only_to_places_that_are_configured(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    address = f"{direct_org.gate}/.gateway/starts"
    order = {"session_token": direct_org.org.session_token(BOB), "to": f"{direct_org.app}/"}
    async with direct_org.visitor() as server:
        async with server.post(address, json=order, headers={"Authorization": "Bearer wrong"}) as response:
            assert response.status == 401
        assert (await direct_org.posted(server, address, order | {"to": "https://evil.example/"})) == (400, {"error": "to"})
        assert (await direct_org.posted(server, address, {"address": "x", "user_agent": "x"})) == (400, {"error": "session_token_missing"})
        async with server.get(address, headers={"Authorization": f"Bearer {PORTAL_SECRET}"}) as response:
            assert response.status == 405
