"""Apps of an org that browsers reach directly: OpenID Connect proves who is signed in."""

import asyncio
import re

import aiohttp
from yarl import URL

from gateway.dev.standin import Fault, fault
from gateway.policy.oidc.bounces import MOST_REFUSED
from tests.journeys.not_in_front import ALICE, BOB, SCRIPT, Apart, ShiftedClock, apart, engine, signs_out

__all__ = ["apart", "engine"]

AUTHORIZE, TOKEN, SIGN_OUT = "/oauth2/v1/authorize", "/oauth2/v1/token", "/login/signout"


async def page(visitor: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    """Status and text at the end of a navigation."""
    async with visitor.get(url) as response:
        return response.status, await response.text()


async def script(visitor: aiohttp.ClientSession, url: str) -> int:
    """What a script of the app's page is answered."""
    async with visitor.get(url, headers=SCRIPT, allow_redirects=False) as response:
        return response.status


async def test_a_session_of_the_org_opens_every_app_with_one_proof(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as alice:
        apart.signs_in(alice, ALICE)
        assert ALICE in (await page(alice, f"{apart.app}/"))[1]
        assert ALICE in (await page(alice, f"{apart.wiki}/"))[1]
        assert apart.asked(AUTHORIZE) == apart.asked(TOKEN) == 1
        assert await script(alice, f"{apart.app}/") == 200


async def test_whoever_has_no_session_is_led_to_the_sign_in_of_the_org_and_back(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as alice:
        async with alice.get(f"{apart.app}/slips?year=2026") as response:
            shown = response.url
        assert shown.origin() == URL(apart.running.url).origin()
        assert await script(alice, f"{apart.app}/") == 401
        async with alice.post(
            shown, data={"username": ALICE, "password": "correct-horse", "fromURI": shown.query.get("fromURI", "")}
        ) as response:
            assert str(response.url) == f"{apart.app}/slips?year=2026"


async def test_when_a_proof_is_due_a_navigation_brings_another_and_a_script_is_told(apart: Apart) -> None:
    times = ShiftedClock()
    await apart.begin(times.clock)
    async with apart.visitor() as alice:
        apart.signs_in(alice, ALICE)
        await page(alice, f"{apart.app}/")
        await page(alice, f"{apart.wiki}/")
        times.passed = 301.0
        async with alice.get(f"{apart.app}/", headers=SCRIPT, allow_redirects=False) as response:
            assert response.status == 401
            assert (await response.json())["sign_in"].startswith(f"{apart.app}/.gateway/sign-in")
        assert ALICE in (await page(alice, f"{apart.app}/"))[1]
        assert apart.asked(TOKEN) == 2
        # The pass of the other app is older than its proof by now; the newer proof of the same session counts for it.
        assert await script(alice, f"{apart.wiki}/") == 200


async def test_a_session_that_ended_at_the_org_opens_nothing_once_the_proof_is_due(apart: Apart) -> None:
    times = ShiftedClock()
    await apart.begin(times.clock)
    async with apart.visitor() as alice:
        session = apart.signs_in(alice, ALICE)
        await page(alice, f"{apart.app}/")
        apart.org.sessions.end(session)
        assert await script(alice, f"{apart.app}/") == 200
        times.passed = 300.0
        assert await script(alice, f"{apart.app}/") == 401
        status, text = await page(alice, f"{apart.app}/")
        assert (status, ALICE in text) == (200, False)


async def test_an_org_that_does_not_say_signs_nobody_out(apart: Apart) -> None:
    times = ShiftedClock()
    await apart.begin(times.clock)
    async with apart.visitor() as alice:
        apart.signs_in(alice, ALICE)
        await page(alice, f"{apart.app}/")
        times.passed = 301.0
        apart.org.faults.add(Fault(TOKEN, "POST", 503))
        assert (await page(alice, f"{apart.app}/"))[0] == 503
        async with alice.get(f"{apart.app}/", allow_redirects=False) as response:
            start = response.headers["Location"]
        async with alice.get(start, allow_redirects=False) as response:
            state = URL(response.headers["Location"]).query["state"]
        error = URL(f"{apart.gate}/.gateway/oidc").with_query(error="temporarily_unavailable", state=state)
        status, text = await page(alice, str(error))
        assert status == 503
        assert "temporarily_unavailable" in text
        assert ALICE in (await page(alice, f"{apart.app}/"))[1]


async def test_another_user_at_the_org_ends_the_passes_of_the_one_before_in_every_app(apart: Apart) -> None:
    times = ShiftedClock()
    await apart.begin(times.clock)
    async with apart.visitor() as person:
        apart.signs_in(person, ALICE)
        await page(person, f"{apart.app}/")
        times.passed = 200.0
        await page(person, f"{apart.wiki}/")
        apart.signs_in(person, BOB)
        assert [await script(person, f"{app}/") for app in (apart.app, apart.wiki)] == [200, 200]  # a minute old at most, both alice's
        assert BOB in (await page(person, f"{apart.gate}/.gateway/sign-in"))[1]
        assert [await script(person, f"{app}/") for app in (apart.app, apart.wiki)] == [401, 401]
        for app in (apart.app, apart.wiki):
            assert BOB in (await page(person, f"{app}/"))[1]


async def test_a_sign_out_ends_the_session_at_the_org_and_proves_it(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as alice:
        session = apart.signs_in(alice, ALICE)
        await page(alice, f"{apart.app}/")
        await page(alice, f"{apart.wiki}/")
        text = await signs_out(alice, apart)
        assert "You are signed out" in text
        assert session not in apart.org.sessions.active()
        assert await script(alice, f"{apart.wiki}/") == 401


async def test_an_end_that_the_org_did_not_carry_out_is_said_and_does_not_come_back_silently(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as alice:
        session = apart.signs_in(alice, ALICE)
        await page(alice, f"{apart.app}/")
        async with alice.post(
            f"{apart.app}/.gateway/sign-out", headers={"Origin": apart.app, "Sec-Fetch-Site": "same-origin"}, allow_redirects=False
        ) as response:
            done = response.headers["Location"]
        async with alice.get(done, allow_redirects=False) as response:
            back = URL(response.headers["Location"]).query["fromURI"]
        status, text = await page(alice, back)  # the org was asked for nothing
        assert status == 200
        assert "did not confirm" in text
        assert session in apart.org.sessions.active()
        assert await script(alice, f"{apart.app}/") == 401
        text = (await page(alice, f"{apart.app}/"))[1]
        assert ALICE not in re.sub(r'value="[^"]*"', "", text)


async def test_the_sign_out_of_one_browser_is_a_page_with_a_button_in_another(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as mallory, apart.visitor() as alice, apart.visitor() as nobody:
        for visitor, login in ((mallory, BOB), (alice, ALICE)):
            apart.signs_in(visitor, login)
            await page(visitor, f"{apart.app}/")
        fields = {"Origin": apart.app, "Sec-Fetch-Site": "same-origin"}
        async with mallory.post(f"{apart.app}/.gateway/sign-out", headers=fields, allow_redirects=False) as response:
            done = response.headers["Location"]
        for visitor in (alice, nobody):
            status, text = await page(visitor, done)
            assert (status, "<form" in text) == (200, True)
        assert apart.asked(SIGN_OUT) == 0
        assert await script(alice, f"{apart.app}/") == 200


async def test_a_bounce_of_one_browser_says_nothing_in_another(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as mallory, apart.visitor() as alice:
        apart.signs_in(mallory, BOB)
        url = f"{apart.app}/"
        for _ in range(3):
            async with mallory.get(url, allow_redirects=False) as response:
                url = response.headers["Location"]
        assert url.startswith(f"{apart.gate}/.gateway/oidc?code=")
        assert (await page(alice, url))[0] == 400
        apart.signs_in(alice, ALICE)
        await page(alice, f"{apart.app}/")
        assert (await page(alice, url))[0] == 400
        assert BOB in (await page(mallory, url))[1]
        assert BOB in (await page(mallory, url))[1]  # reloaded: the code is used, and a new proof is got


async def made_up(mallory: aiohttp.ClientSession, apart: Apart) -> URL:
    """The answer to a bounce of mallory's own, with a code that the org never gave."""
    url = f"{apart.app}/"
    for _ in range(2):
        async with mallory.get(url, allow_redirects=False) as response:
            url = response.headers["Location"]
    return URL(f"{apart.gate}/.gateway/oidc").with_query(code="made-up", state=URL(url).query["state"])


async def test_made_up_codes_of_one_client_keep_nobody_else_waiting(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor("127.0.0.2") as mallory, apart.visitor() as alice:
        forged = await made_up(mallory, apart)
        held = fault({"path": TOKEN, "method": "POST", "hold": True, "times": 3})
        apart.org.faults.add(held)
        asked = [asyncio.create_task(page(mallory, str(forged))) for _ in range(30)]
        async with asyncio.timeout(20):
            while apart.asked(TOKEN) < 3:  # noqa: ASYNC110 - the org tells nobody what it holds
                await asyncio.sleep(0)
        apart.signs_in(alice, ALICE)
        assert ALICE in (await page(alice, f"{apart.app}/"))[1]
        assert apart.asked(TOKEN) == 4, "three of mallory's, and alice's"
        assert held.release is not None
        held.release.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*asked)


async def test_a_client_whose_codes_the_org_refuses_again_and_again_is_not_asked_about_for_a_while(apart: Apart) -> None:
    times = ShiftedClock()
    await apart.begin(times.clock)
    async with apart.visitor("127.0.0.2") as mallory, apart.visitor() as alice:
        forged = await made_up(mallory, apart)
        for _ in range(MOST_REFUSED):
            async with mallory.get(forged, allow_redirects=False) as response:
                assert response.status == 303
        assert (await page(mallory, str(forged)))[0] == 503
        assert apart.asked(TOKEN) == MOST_REFUSED
        assert "codes_of_one_client" in str(apart.lines)
        apart.signs_in(alice, ALICE)
        assert ALICE in (await page(alice, f"{apart.app}/"))[1]
        times.passed = 61.0
        async with mallory.get(forged, allow_redirects=False) as response:
            assert response.status == 303


async def test_a_gateway_that_began_anew_asks_for_a_proof_before_it_believes_a_pass(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as alice:
        apart.signs_in(alice, ALICE)
        await page(alice, f"{apart.app}/")
        await apart.end()
        await apart.begin()
        assert await script(alice, f"{apart.app}/") == 401
        assert ALICE in (await page(alice, f"{apart.app}/"))[1]
        assert apart.asked(TOKEN) == 2


async def test_nothing_of_the_org_is_served_on_the_host_of_the_gateway(apart: Apart) -> None:
    await apart.begin()
    async with apart.visitor() as alice:
        for path in ("/", "/login/login.htm", "/api/v1/sessions/me", AUTHORIZE):
            assert (await page(alice, f"{apart.gate}{path}"))[0] == 404
        assert len(apart.org.journal.rows) == 0
