"""Apps of an org that browsers reach directly: OpenID Connect proves who is signed in."""

import asyncio
import re

import aiohttp
from yarl import URL

from gateway.dev.standin import Fault, fault
from gateway.policy.oidc.bounces import MOST_REFUSED
from tests.journeys.direct_org import ALICE, BOB, SCRIPT, DirectOrg, ShiftedClock, direct_org, engine, signs_out

__all__ = ["direct_org", "engine"]

AUTHORIZE, TOKEN, SIGN_OUT = "/oauth2/v1/authorize", "/oauth2/v1/token", "/login/signout"


async def page(visitor: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    """Status and text at the end of a navigation."""
    async with visitor.get(url) as response:
        return response.status, await response.text()


async def script(visitor: aiohttp.ClientSession, url: str) -> int:
    """What a script of the app's page is answered."""
    async with visitor.get(url, headers=SCRIPT, allow_redirects=False) as response:
        return response.status


async def test_a_session_of_the_org_opens_every_app_with_one_proof(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as alice:
        direct_org.signs_in(alice, ALICE)
        assert ALICE in (await page(alice, f"{direct_org.app}/"))[1]
        assert ALICE in (await page(alice, f"{direct_org.wiki}/"))[1]
        assert direct_org.asked(AUTHORIZE) == direct_org.asked(TOKEN) == 1
        assert await script(alice, f"{direct_org.app}/") == 200


async def test_whoever_has_no_session_is_led_to_the_sign_in_of_the_org_and_back(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as alice:
        async with alice.get(f"{direct_org.app}/slips?year=2026") as response:
            shown = response.url
        assert shown.origin() == URL(direct_org.running.url).origin()
        assert await script(alice, f"{direct_org.app}/") == 401
        async with alice.post(
            shown, data={"username": ALICE, "password": "correct-horse", "fromURI": shown.query.get("fromURI", "")}
        ) as response:
            assert str(response.url) == f"{direct_org.app}/slips?year=2026"


async def test_when_a_proof_is_due_a_navigation_brings_another_and_a_script_is_told(direct_org: DirectOrg) -> None:
    times = ShiftedClock()
    await direct_org.begin(times.clock)
    async with direct_org.visitor() as alice:
        direct_org.signs_in(alice, ALICE)
        await page(alice, f"{direct_org.app}/")
        await page(alice, f"{direct_org.wiki}/")
        times.passed = 301.0
        async with alice.get(f"{direct_org.app}/", headers=SCRIPT, allow_redirects=False) as response:
            assert response.status == 401
            assert (await response.json())["sign_in"].startswith(f"{direct_org.app}/.gateway/sign-in")
        assert ALICE in (await page(alice, f"{direct_org.app}/"))[1]
        assert direct_org.asked(TOKEN) == 2
        # The pass of the other app is older than its proof by now; the newer proof of the same session counts for it.
        assert await script(alice, f"{direct_org.wiki}/") == 200


async def test_a_session_that_ended_at_the_org_opens_nothing_once_the_proof_is_due(direct_org: DirectOrg) -> None:
    times = ShiftedClock()
    await direct_org.begin(times.clock)
    async with direct_org.visitor() as alice:
        session = direct_org.signs_in(alice, ALICE)
        await page(alice, f"{direct_org.app}/")
        direct_org.org.sessions.end(session)
        assert await script(alice, f"{direct_org.app}/") == 200
        times.passed = 300.0
        assert await script(alice, f"{direct_org.app}/") == 401
        status, text = await page(alice, f"{direct_org.app}/")
        assert (status, ALICE in text) == (200, False)


async def test_an_org_that_does_not_say_signs_nobody_out(direct_org: DirectOrg) -> None:
    times = ShiftedClock()
    await direct_org.begin(times.clock)
    async with direct_org.visitor() as alice:
        direct_org.signs_in(alice, ALICE)
        await page(alice, f"{direct_org.app}/")
        times.passed = 301.0
        direct_org.org.faults.add(Fault(TOKEN, "POST", 503))
        assert (await page(alice, f"{direct_org.app}/"))[0] == 503
        async with alice.get(f"{direct_org.app}/", allow_redirects=False) as response:
            start = response.headers["Location"]
        async with alice.get(start, allow_redirects=False) as response:
            state = URL(response.headers["Location"]).query["state"]
        error = URL(f"{direct_org.gate}/.gateway/oidc").with_query(error="temporarily_unavailable", state=state)
        status, text = await page(alice, str(error))
        assert status == 503
        assert "temporarily_unavailable" in text
        assert ALICE in (await page(alice, f"{direct_org.app}/"))[1]


async def test_another_user_at_the_org_ends_the_passes_of_the_one_before_in_every_app(direct_org: DirectOrg) -> None:
    times = ShiftedClock()
    await direct_org.begin(times.clock)
    async with direct_org.visitor() as person:
        direct_org.signs_in(person, ALICE)
        await page(person, f"{direct_org.app}/")
        times.passed = 200.0
        await page(person, f"{direct_org.wiki}/")
        direct_org.signs_in(person, BOB)
        assert [await script(person, f"{app}/") for app in (direct_org.app, direct_org.wiki)] == [
            200,
            200,
        ]  # a minute old at most, both alice's
        assert BOB in (await page(person, f"{direct_org.gate}/.gateway/sign-in"))[1]
        assert [await script(person, f"{app}/") for app in (direct_org.app, direct_org.wiki)] == [401, 401]
        for app in (direct_org.app, direct_org.wiki):
            assert BOB in (await page(person, f"{app}/"))[1]


async def test_a_sign_out_ends_the_session_at_the_org_and_proves_it(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as alice:
        session = direct_org.signs_in(alice, ALICE)
        await page(alice, f"{direct_org.app}/")
        await page(alice, f"{direct_org.wiki}/")
        text = await signs_out(alice, direct_org)
        assert "You are signed out" in text
        assert session not in direct_org.org.sessions.active()
        assert await script(alice, f"{direct_org.wiki}/") == 401


async def test_an_end_that_the_org_did_not_carry_out_is_said_and_does_not_come_back_silently(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as alice:
        session = direct_org.signs_in(alice, ALICE)
        await page(alice, f"{direct_org.app}/")
        async with alice.post(
            f"{direct_org.app}/.gateway/sign-out",
            headers={"Origin": direct_org.app, "Sec-Fetch-Site": "same-origin"},
            allow_redirects=False,
        ) as response:
            done = response.headers["Location"]
        async with alice.get(done, allow_redirects=False) as response:
            back = URL(response.headers["Location"]).query["fromURI"]
        status, text = await page(alice, back)  # the org was asked for nothing
        assert status == 200
        assert "did not confirm" in text
        assert session in direct_org.org.sessions.active()
        assert await script(alice, f"{direct_org.app}/") == 401
        text = (await page(alice, f"{direct_org.app}/"))[1]
        assert ALICE not in re.sub(r'value="[^"]*"', "", text)


async def test_the_sign_out_of_one_browser_is_a_page_with_a_button_in_another(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as mallory, direct_org.visitor() as alice, direct_org.visitor() as nobody:
        for visitor, login in ((mallory, BOB), (alice, ALICE)):
            direct_org.signs_in(visitor, login)
            await page(visitor, f"{direct_org.app}/")
        fields = {"Origin": direct_org.app, "Sec-Fetch-Site": "same-origin"}
        async with mallory.post(f"{direct_org.app}/.gateway/sign-out", headers=fields, allow_redirects=False) as response:
            done = response.headers["Location"]
        for visitor in (alice, nobody):
            status, text = await page(visitor, done)
            assert (status, "<form" in text) == (200, True)
        assert direct_org.asked(SIGN_OUT) == 0
        assert await script(alice, f"{direct_org.app}/") == 200


async def test_a_bounce_of_one_browser_says_nothing_in_another(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as mallory, direct_org.visitor() as alice:
        direct_org.signs_in(mallory, BOB)
        url = f"{direct_org.app}/"
        for _ in range(3):
            async with mallory.get(url, allow_redirects=False) as response:
                url = response.headers["Location"]
        assert url.startswith(f"{direct_org.gate}/.gateway/oidc?code=")
        assert (await page(alice, url))[0] == 400
        direct_org.signs_in(alice, ALICE)
        await page(alice, f"{direct_org.app}/")
        assert (await page(alice, url))[0] == 400
        assert BOB in (await page(mallory, url))[1]
        assert BOB in (await page(mallory, url))[1]  # reloaded: the code is used, and a new proof is got


async def made_up(mallory: aiohttp.ClientSession, direct_org: DirectOrg) -> URL:
    """The answer to a bounce of mallory's own, with a code that the org never gave."""
    url = f"{direct_org.app}/"
    for _ in range(2):
        async with mallory.get(url, allow_redirects=False) as response:
            url = response.headers["Location"]
    return URL(f"{direct_org.gate}/.gateway/oidc").with_query(code="made-up", state=URL(url).query["state"])


async def test_made_up_codes_of_one_client_keep_nobody_else_waiting(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor("127.0.0.2") as mallory, direct_org.visitor() as alice:
        forged = await made_up(mallory, direct_org)
        held = fault({"path": TOKEN, "method": "POST", "hold": True, "times": 3})
        direct_org.org.faults.add(held)
        asked = [asyncio.create_task(page(mallory, str(forged))) for _ in range(30)]
        async with asyncio.timeout(20):
            while direct_org.asked(TOKEN) < 3:  # noqa: ASYNC110 - the org tells nobody what it holds
                await asyncio.sleep(0)
        direct_org.signs_in(alice, ALICE)
        assert ALICE in (await page(alice, f"{direct_org.app}/"))[1]
        assert direct_org.asked(TOKEN) == 4, "three of mallory's, and alice's"
        assert held.release is not None
        held.release.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*asked)


async def test_a_client_whose_codes_the_org_refuses_again_and_again_is_not_asked_about_for_a_while(direct_org: DirectOrg) -> None:
    times = ShiftedClock()
    await direct_org.begin(times.clock)
    async with direct_org.visitor("127.0.0.2") as mallory, direct_org.visitor() as alice:
        forged = await made_up(mallory, direct_org)
        for _ in range(MOST_REFUSED):
            async with mallory.get(forged, allow_redirects=False) as response:
                assert response.status == 303
        assert (await page(mallory, str(forged)))[0] == 503
        assert direct_org.asked(TOKEN) == MOST_REFUSED
        assert "codes_of_one_client" in str(direct_org.lines)
        direct_org.signs_in(alice, ALICE)
        assert ALICE in (await page(alice, f"{direct_org.app}/"))[1]
        times.passed = 61.0
        async with mallory.get(forged, allow_redirects=False) as response:
            assert response.status == 303


async def test_a_gateway_that_began_anew_asks_for_a_proof_before_it_believes_a_pass(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as alice:
        direct_org.signs_in(alice, ALICE)
        await page(alice, f"{direct_org.app}/")
        await direct_org.end()
        await direct_org.begin()
        assert await script(alice, f"{direct_org.app}/") == 401
        assert ALICE in (await page(alice, f"{direct_org.app}/"))[1]
        assert direct_org.asked(TOKEN) == 2


async def test_nothing_of_the_org_is_served_on_the_host_of_the_gateway(direct_org: DirectOrg) -> None:
    await direct_org.begin()
    async with direct_org.visitor() as alice:
        for path in ("/", "/login/login.htm", "/api/v1/sessions/me", AUTHORIZE):
            assert (await page(alice, f"{direct_org.gate}{path}"))[0] == 404
        assert len(direct_org.org.journal.rows) == 0
