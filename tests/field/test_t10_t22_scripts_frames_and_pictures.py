"""Rows T10 and T22: scripts and pictures redeem no token, and frames do so only for the same site and for trusted sites.

A script of the same site may sign its user out, if Okta allows it.
"""

import pytest

from gateway.dev.standin import Engine
from tests.harness.person import ALICE, BOB, HR, LOGIN, NAVIGATION, PORTAL, PersonReply, redemption
from tests.harness.system import ME, System, system

ENGINES = ["classic", "identity"]
CORS = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Origin": HR}
NO_CORS = {"Accept": "*/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty"}
FRAMES = ["iframe", "frame", "object", "embed", "fencedframe"]
SUBRESOURCES = ["image", "script", "style", "font", "video", "audio", "track", "manifest", "worker", "serviceworker", "empty"]


def is_asked(reply: PersonReply) -> bool:
    return reply.status == 200 and "/.gateway/switch" in reply.body


async def status_of(place: System, agent: str, fields: dict[str, str], site: str) -> int:
    """What a browser of its own kind gets for a fresh token."""
    person = place.person()
    person.agent = agent
    return (await person.ask(redemption(place.org.session_token(BOB)), fields=fields, site=site)).status


@pytest.mark.parametrize("site", ["same-origin", "same-site", "cross-site"])
@pytest.mark.parametrize("fields", [CORS, NO_CORS, {**CORS, "Sec-Fetch-Mode": "same-origin"}], ids=["cors", "no-cors", "same-origin"])
@pytest.mark.parametrize("signed_in", [True, False], ids=["over a session", "without one"])
async def test_t10_no_script_redeems_or_switches(site: str, fields: dict[str, str], signed_in: bool) -> None:
    async with system() as place:
        person = await place.entered(ALICE) if signed_in else place.person()
        token = place.org.session_token(BOB)
        for method in ("GET", "POST"):
            reply = await person.ask(redemption(token), method, fields=fields, site=site)
            assert reply.status == 403 and "<" not in reply.body and '"errorCode"' in reply.body
        assert place.sent(token) == [] and place.live() == ([ALICE] if signed_in else [])
        if signed_in:
            assert await person.named_by_app() == ALICE


@pytest.mark.parametrize("engine", ENGINES)
async def test_t10_okta_auth_js_closes_the_session_from_a_sibling_host(engine: Engine) -> None:
    """``closeSession()`` is a DELETE by a page's script, after a preflight that Okta answers."""
    async with system(engine) as place:
        person = await place.entered(ALICE)
        asks = {"Origin": HR, "Access-Control-Request-Method": "DELETE", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
        preflight = await person.ask(f"{LOGIN}{ME}", "OPTIONS", fields=asks, site="same-site")
        assert preflight.status == 200 and preflight.values("Access-Control-Allow-Origin") == [HR]
        assert "DELETE" in preflight.values("Access-Control-Allow-Methods")[0]
        reply = await person.ask(f"{LOGIN}{ME}", "DELETE", fields=CORS, site="same-site")
        assert reply.status == 204 and reply.values("Access-Control-Allow-Origin") == [HR]
        assert await person.named_by_app() is None
        await place.until()


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
@pytest.mark.parametrize("fields", [CORS, NO_CORS], ids=["cors", "no-cors"])
async def test_t10_a_script_that_fetches_oktas_sign_out_page_signs_nobody_out(site: str, fields: dict[str, str]) -> None:
    """A GET is no request that Okta's preflight has judged."""
    async with system() as place:
        person = await place.entered(ALICE)
        assert (await person.ask(f"{LOGIN}/login/signout", fields=fields, site=site)).status == 403
        assert place.live() == [ALICE] and await person.named_by_app() == ALICE


@pytest.mark.parametrize("dest", SUBRESOURCES)
@pytest.mark.parametrize("engine", ENGINES)
async def test_t22_what_a_page_loads_redeems_nothing_in_a_browser_without_a_session(engine: Engine, dest: str) -> None:
    async with system(engine) as place:
        person, token = place.person(), place.org.session_token(BOB)
        fields = {"Accept": "*/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": dest}
        for site in ("cross-site", "same-site"):
            assert (await person.ask(redemption(token), fields=fields, site=site)).status == 403
        assert place.sent(token) == [] and place.live() == [] and person.cookie("sid") is None


@pytest.mark.parametrize("dest", FRAMES)
async def test_t22_frames_redeem_for_the_same_site_and_for_the_trusted_alone(dest: str) -> None:
    async with system() as place:
        framed = {**NAVIGATION, "Sec-Fetch-Dest": dest}
        stranger, token = place.person(), place.org.session_token(BOB)
        assert (await stranger.ask(redemption(token), fields=framed, site="cross-site")).status == 403
        named = {**framed, "Referer": "https://evil.example.net/"}
        assert (await stranger.ask(redemption(token), fields=named, site="cross-site")).status == 403
        assert place.sent(token) == []
        listed = {**framed, "Referer": f"{PORTAL}/"}
        assert await status_of(place, "first", listed, "cross-site") == 302
        assert await status_of(place, "second", framed, "same-site") == 302


@pytest.mark.parametrize("site", ["cross-site", "none"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_t22_a_strangers_link_without_a_session_is_asked_about(engine: Engine, site: str) -> None:
    async with system(engine) as place:
        person, token = place.person(), place.org.session_token(BOB)
        fields = {**NAVIGATION, "Referer": "https://evil.example.net/"} if site == "cross-site" else NAVIGATION
        asked = await person.ask(redemption(token), fields=fields, site=site)
        assert is_asked(asked) and token not in asked.body and place.sent(token) == []
        assert ("evil.example.net" in asked.body) is (site == "cross-site"), "it says from where"
        assert (await person.confirm(asked)).body == f"hello {BOB}"


async def test_t22_a_form_of_a_stranger_without_a_session_is_asked_about() -> None:
    async with system() as place:
        person, token = place.person(), place.org.session_token(BOB)
        fields = {**NAVIGATION, "Origin": "https://evil.example.net"}
        body = redemption(token).partition("?")[2]
        asked = await person.ask(f"{LOGIN}/login/sessionCookieRedirect", "POST", fields=fields, site="cross-site", body=body)
        assert is_asked(asked) and place.sent(token) == []


async def test_t22_the_trusted_portal_and_the_same_site_are_not_asked_about() -> None:
    async with system() as place:
        fields = {**NAVIGATION, "Referer": f"{PORTAL}/"}
        assert await status_of(place, "first", fields, "cross-site") == 302
        assert await status_of(place, "second", NAVIGATION, "same-site") == 302


async def test_t22_where_the_operator_says_so_a_link_redeems_and_a_picture_still_does_not() -> None:
    async with system(switch='without_session = "redeem"') as place:
        picture = {"Accept": "image/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
        token = place.org.session_token(BOB)
        assert (await place.person().ask(redemption(token), fields=picture, site="cross-site")).status == 403
        assert (await place.person().ask(redemption(token), site="cross-site")).status == 302
