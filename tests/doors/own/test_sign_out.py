"""Signing out on an app host and on the login host: the order of things, who may ask for it, and what the browser keeps."""

from urllib.parse import quote

import pytest

from gateway.policy.session.passes import SignedOut
from gateway.policy.session.session import SessionCookie
from tests.harness.app import greets
from tests.harness.browser import ALICE, BOB, FORM, HR, LOGIN, WIKI
from tests.harness.site import Site, deployed

PASS, PENDING = "__Host-gateway", "__Host-gateway-pending"
SIGN_OUT = "/.gateway/sign-out"
CROSS_SITE = [
    {**FORM, "Sec-Fetch-Site": "cross-site"},
    {**FORM, "Sec-Fetch-Site": "same-site"},
    {**FORM, "Sec-Fetch-Site": "none"},
    {"Origin": "https://evil.example.net"},
    {"Origin": "null"},
    {"Accept": "text/html"},
]


async def test_a_sign_out_in_an_app_ends_the_session_at_okta_and_takes_every_cookie_out_of_the_browser(gateway: Site) -> None:
    browser = await gateway.entered()
    posted = await browser.post(f"{HR}{SIGN_OUT}")
    assert posted.status == 303 and posted.location.startswith(f"{LOGIN}{SIGN_OUT}?done=")
    assert gateway.org.sessions.active() == []
    assert posted.values("Clear-Site-Data") == ['"cache"'] and PASS not in browser.jar(HR)
    shown = await browser.ask(posted.location)
    assert shown.status == 200 and "You are signed out" in shown.body and f'href="{HR}/"' in shown.body
    assert browser.okta_cookies() == {} and shown.location == ""


async def test_after_a_sign_out_every_app_refuses_the_old_pass(gateway: Site) -> None:
    browser = await gateway.entered()
    await browser.walk(f"{WIKI}/")
    old = {origin: dict(browser.jar(origin)) for origin in (HR, WIKI)}
    await browser.post(f"{HR}{SIGN_OUT}")
    for origin, jar in old.items():
        assert (await browser.ask(f"{origin}/", cookie=f"{PASS}={jar[PASS]}")).status == 302


@pytest.mark.parametrize("fields", CROSS_SITE)
async def test_another_site_cannot_sign_anybody_out(gateway: Site, fields: dict[str, str]) -> None:
    browser = await gateway.entered()
    for origin in (HR, LOGIN):
        reply = await browser.post(f"{origin}{SIGN_OUT}", fields=fields)
        assert (reply.status, reply.set_names, reply.location) == (403, [], "")
    assert (await browser.ask(f"{HR}/")).body == f"hello {ALICE}"


async def test_a_get_only_shows_a_button(gateway: Site) -> None:
    browser = await gateway.entered()
    for origin in (HR, LOGIN):
        reply = await browser.ask(f"{origin}{SIGN_OUT}?to={quote(WIKI)}/x")
        assert reply.status == 200 and ALICE in reply.body and 'method="post"' in reply.body and reply.set_names == []
        assert f'value="{WIKI}/x"' in reply.body
    assert len(gateway.org.sessions.active()) == 1


async def test_the_end_of_a_sign_out_never_takes_a_newer_session_out_of_the_browser(gateway: Site) -> None:
    browser = await gateway.entered()
    posted = await browser.post(f"{HR}{SIGN_OUT}")
    newer = gateway.org.sign_in(BOB)
    browser.signs_in(newer)
    shown = await browser.ask(posted.location)
    assert shown.status == 200 and browser.okta_cookies() == {"sid": newer.sid}
    assert [session.user.login for session in gateway.org.sessions.active()] == [BOB]


async def test_a_name_under_which_a_newer_session_may_live_is_left_alone(gateway: Site) -> None:
    browser = await gateway.entered()
    old = browser.jar(LOGIN)["sid"]
    posted = await browser.post(f"{HR}{SIGN_OUT}")
    newer = gateway.org.sign_in(BOB)
    shown = await browser.ask(posted.location, cookie=f"sid={old}; sid={newer.sid}")
    assert shown.status == 200 and not {"sid", "idx", "xids", "myr"} & set(shown.set_names)


async def test_switching_the_user_goes_on_to_a_sign_in_of_the_app(gateway: Site) -> None:
    browser = await gateway.entered()
    posted = await browser.post(f"{HR}{SIGN_OUT}", "then=switch")
    went_on = await browser.ask(posted.location)
    assert (went_on.status, went_on.location) == (303, f"{HR}/.gateway/sign-in?to=%2F")
    assert browser.okta_cookies() == {}
    reply, asked = await browser.walk(went_on.location)
    assert "<title>Sign in</title>" in reply.body and asked[-1].startswith(f"{LOGIN}/login/login.htm")


async def test_a_forged_stale_or_foreign_note_of_a_sign_out_only_shows_the_button(gateway: Site) -> None:
    browser, session = gateway.session()
    cookies = (SessionCookie(b"sid", str(session.sid).encode()),)
    stale = SignedOut(cookies, "", "", "hr.example.com:443", gateway.times.wall_start - 1)
    fresh = SignedOut(cookies, "", "", "hr.example.com:443", gateway.times.wall_start + 60)
    notes = [
        "AAAA",
        gateway.parts.sealer.seal("signed-out", "login.example.com:443", stale.packed()),
        gateway.parts.sealer.seal("signed-out", "hr.example.com:443", fresh.packed()),
        gateway.parts.sealer.seal("pending", "login.example.com:443", fresh.packed()),
    ]
    for note in notes:
        reply = await browser.ask(f"{LOGIN}{SIGN_OUT}?done={note}")
        assert (reply.status, reply.set_names) == (200, []) and "Sign out?" in reply.body
    done = gateway.parts.sealer.seal("signed-out", "login.example.com:443", fresh.packed())
    assert "sid" in (await browser.ask(f"{LOGIN}{SIGN_OUT}?done={done}")).set_names


async def test_a_sign_out_on_the_login_host_ends_it_in_the_apps_as_well(gateway: Site) -> None:
    browser = await gateway.entered()
    reply = await browser.post(f"{LOGIN}{SIGN_OUT}", f"to={quote(HR, safe='')}%2Freports")
    assert reply.status == 200 and "You are signed out" in reply.body and f'href="{HR}/reports"' in reply.body
    assert {"sid", "idx", "xids", "myr"} <= set(reply.set_names)
    assert browser.okta_cookies() == {} and gateway.org.sessions.active() == []
    assert (await browser.ask(f"{HR}/")).status == 302


async def test_repeated_session_cookies_are_all_closed(gateway: Site) -> None:
    browser = gateway.browser()
    first, second = gateway.org.sign_in(ALICE), gateway.org.sign_in(BOB)
    reply = await browser.ask(f"{LOGIN}{SIGN_OUT}", "POST", FORM, cookie=f"sid={first.sid}; sid={second.sid}")
    assert "You are signed out" in reply.body and gateway.org.sessions.active() == []
    assert any("Domain=example.com" in line for line in reply.values("Set-Cookie"))


async def test_without_a_pass_the_login_host_asks_since_only_it_knows_the_session(gateway: Site) -> None:
    browser, _ = gateway.session()
    posted = await browser.post(f"{HR}{SIGN_OUT}")
    assert (posted.status, posted.location) == (303, f"{LOGIN}{SIGN_OUT}")
    assert "Sign out?" in (await browser.ask(posted.location)).body and len(gateway.org.sessions.active()) == 1


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ("to=/&to=/x", FORM["Content-Type"], 400),
        (f"to=/{'a' * 4096}", FORM["Content-Type"], 400),
        ("a" * 8193, FORM["Content-Type"], 413),
        ("{}", "application/json", 415),
        ("to=%ff", FORM["Content-Type"], 400),
    ],
)
async def test_a_form_that_is_no_plain_small_form_ends_nothing(gateway: Site, body: str, content_type: str, status: int) -> None:
    browser = await gateway.entered()
    for origin in (HR, LOGIN):
        reply = await browser.post(f"{origin}{SIGN_OUT}", body, {**FORM, "Content-Type": content_type})
        assert (reply.status, reply.set_names) == (status, [])
    assert (await browser.ask(f"{HR}/")).body == f"hello {ALICE}"


async def test_a_new_value_of_the_session_that_ended_is_closed_and_expired_with_it(gateway: Site) -> None:
    browser = await gateway.entered()
    posted = await browser.post(f"{HR}{SIGN_OUT}")
    renewed = gateway.org.sign_in(ALICE)  # as if Okta had moved the session to a new value
    await gateway.parts.sessions.revoke([SessionCookie(b"sid", str(renewed.sid).encode())])
    browser.signs_in(renewed)
    shown = await browser.ask(posted.location)
    assert "You are signed out" in shown.body and browser.okta_cookies() == {} and gateway.org.sessions.active() == []


async def test_a_session_with_two_halves_is_closed_whole_even_after_its_idx_was_renewed() -> None:
    async with deployed("identity", script=greets) as gateway:
        browser, session = gateway.session()
        await browser.walk(f"{HR}/")
        renewed = gateway.org.sessions.renew_idx(session)
        browser.jar(LOGIN)["idx"] = renewed
        posted = await browser.post(f"{HR}{SIGN_OUT}")
        shown = await browser.ask(posted.location)
        assert "You are signed out" in shown.body and browser.okta_cookies() == {}
        assert gateway.org.sessions.active() == []
