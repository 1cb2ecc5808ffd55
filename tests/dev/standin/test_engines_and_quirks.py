"""Identity Engine's two cookies, and every bad habit by its name."""

import base64
import json
from typing import Any

import pytest

from gateway.dev.standin import QUIRKS, Org, RunningOrg, fingerprint
from tests.dev.standin.browser import OrgBrowser
from tests.dev.standin.conftest import ALICE, BOB, Open, Serve

ME = "/api/v1/sessions/me"
REDEEM = "/login/sessionCookieRedirect?token={token}&redirectUrl=/app/UserHome"
AUTHORIZE = "/oauth2/default/v1/authorize?client_id=0oa1&redirect_uri=/callback&prompt=none&state=s"


async def entered(running: RunningOrg, browser: OrgBrowser, login: str = ALICE) -> None:
    await browser.get(REDEEM.format(token=running.org.session_token(login)))


def only(browser: OrgBrowser, *names: str) -> None:
    browser.cookies = {name: value for name, value in browser.cookies.items() if name in names}


async def test_classic_sets_sid_alone_and_identity_both(start: Serve, browse: Open) -> None:
    for engine in ("classic", "identity"):
        running = await start(Org(engine="identity" if engine == "identity" else "classic"))
        browser = browse(running)
        seen = await browser.get(REDEEM.format(token=running.org.session_token(ALICE)))
        sid = next(line for line in seen.set_cookies if line.startswith("sid="))
        assert sid.startswith("sid=102") and sid.endswith(";Version=1;Path=/;Secure;HttpOnly;SameSite=None")
        assert ("idx" in browser.cookies) is (engine == "identity")
        if engine == "identity":
            assert len(browser.cookies["idx"]) > 600 and browser.cookies["idx"].count(".") == 4
            assert browser.cookies["myr"] == browser.cookies["sid"]


def jwe_header(value: str) -> Any:
    first = value.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))


async def test_the_header_of_idx_names_its_session_through_every_rotation(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity", quirks={"idx-rotates"}))
    browser = browse(running)
    await entered(running, browser)
    seen = [browser.cookies["idx"]]
    for _ in range(3):
        await browser.get(AUTHORIZE)
        seen.append(browser.cookies["idx"])
    headers = [jwe_header(value) for value in seen]
    assert len(set(seen)) == 4 and all(value.count(".") == 4 and len(value) < 1500 for value in seen)
    assert all((header["alg"], header["enc"]) == ("dir", "A256GCM") for header in headers)
    session_id = running.org.sessions.active()[0].id
    assert session_id.startswith("idx") and {header["xsid"] for header in headers} == {session_id}
    another = running.org.sign_in(ALICE)
    assert another.idx is not None and jwe_header(another.idx)["xsid"] == another.id != session_id


@pytest.mark.parametrize("name", ["sid", "idx"])
async def test_either_cookie_alone_carries_the_session(start: Serve, browse: Open, name: str) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    await entered(running, browser)
    only(browser, name)
    assert await browser.who() == ALICE


async def test_sid_alone_brings_an_idx_by_itself(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity"))
    browser = browse(running)
    await entered(running, browser)
    only(browser, "sid")
    await browser.get("/app/UserHome")
    only(browser, "idx")
    assert await browser.who() == ALICE


async def test_any_live_value_of_a_repeated_cookie_counts(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser, session = browse(running), running.org.sign_in(ALICE)
    seen = await browser.ask("GET", ME, {"Cookie": f'sid=dead; other="a; sid={session.sid}; sid=""'})
    assert seen.json["login"] == ALICE


async def test_close_ends_both_sessions_when_the_cookies_name_two(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity"))
    browser, alice, bob = browse(running), running.org.sign_in(ALICE), running.org.sign_in(BOB)
    browser.cookies = {"sid": alice.sid or "", "idx": bob.idx or ""}
    assert await browser.who() == BOB
    assert (await browser.ask("DELETE", ME)).status == 204
    assert running.org.sessions.active() == []


async def test_token_overrides_cookie(start: Serve, browse: Open) -> None:
    running = await start(Org(quirks={"token-overrides-cookie"}))
    browser = browse(running)
    await entered(running, browser)
    old = dict(browser.cookies)
    await entered(running, browser, BOB)
    assert await browser.who() == BOB
    seen = await browser.get(REDEEM.format(token="forged"))
    assert "login.htm" in seen.location and "sid" not in browser.cookies
    assert [session.user.login for session in running.org.sessions.active()] == [ALICE]
    browser.cookies = old
    assert await browser.who() == ALICE  # nobody ended it


async def test_delete_404_leaves_sid(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity", quirks={"delete-404-leaves-sid"}))
    browser = browse(running)
    await entered(running, browser)
    both = dict(browser.cookies)
    seen = await browser.ask("DELETE", ME)
    assert (seen.status, seen.json["errorCode"]) == (404, "E0000007")
    browser.cookies = {"idx": both["idx"]}
    assert await browser.who() is None
    browser.cookies = {"sid": both["sid"]}
    assert await browser.who() == ALICE
    only(browser, "sid")
    assert (await browser.ask("DELETE", ME)).status == 204
    browser.cookies = {"sid": both["sid"]}
    assert await browser.who() is None
    assert running.org.sessions.active() == []


async def test_sid_noise_comes_in_the_order_seen_at_okta(start: Serve, browse: Open) -> None:
    running = await start(Org(quirks={"sid-noise"}))
    browser = browse(running)
    seen = await browser.get(REDEEM.format(token=running.org.session_token(ALICE)))
    names = [line.partition("=")[0] + ("-" if "Max-Age=0" in line else "") for line in seen.set_cookies]
    assert names[2:-2] == ["sid-", "JSESSIONID", "t", "DT", "sid-", "sid", "t", "sid"]
    assert await browser.who() == ALICE


async def test_idx_rotates_at_an_authorize(start: Serve, browse: Open) -> None:
    running = await start(Org(engine="identity", quirks={"idx-rotates"}))
    browser = browse(running)
    await entered(running, browser)
    before = browser.cookies["idx"]
    await browser.get(AUTHORIZE)
    after = browser.cookies["idx"]
    assert after != before
    browser.cookies = {"idx": before}
    assert await browser.who() is None
    browser.cookies = {"idx": after}
    assert await browser.who() == ALICE
    assert running.org.journal.rows[-1].cookies["idx"] == fingerprint(after)


async def test_forbidden_but_active(start: Serve, browse: Open) -> None:
    running = await start(Org(quirks={"forbidden-but-active"}))
    browser = browse(running)
    assert (await browser.get(ME)).status == 404
    await entered(running, browser)
    seen = await browser.get(ME)
    assert (seen.status, seen.json["errorCode"]) == (403, "E0000006")
    assert ALICE in (await browser.get("/app/UserHome")).text


@pytest.mark.parametrize("org", [Org(quirks={"idp-missing"}), Org(engine="identity")], ids=["classic with the quirk", "identity"])
async def test_idp_missing(start: Serve, browse: Open, org: Org) -> None:
    running = await start(org)
    browser = browse(running)
    await entered(running, browser)
    assert "idp" not in (await browser.get(ME)).json


def test_an_unknown_quirk_is_refused() -> None:
    with pytest.raises(ValueError, match="no-such-habit"):
        Org(quirks={"no-such-habit"})
    assert Org(quirks=QUIRKS).quirks == set(QUIRKS)
