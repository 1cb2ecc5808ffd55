"""The portal and the stranger's page, against the stand-in org and orgs that misbehave; and the bug itself, seen with a cookie jar."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, web

from gateway.dev.demo import portal, stranger_site
from gateway.dev.standin import Org
from gateway.dev.standin import serve as serve_org
from tests.dev.demo.running import running, visitor

USERS = (("alice@example.com", "correct-horse"), ("bob@example.com", "correct-horse"))
LOGIN_URL = "https://login.example.com"
APP_URL = "https://hr.example.com"
NOBODY_LISTENS = "http://127.0.0.1:1"


@asynccontextmanager
async def _org() -> AsyncIterator[str]:
    org = await serve_org(Org())
    try:
        yield org.url
    finally:
        await org.aclose()


def _portal(org_url: str, users: tuple[tuple[str, str], ...] = USERS) -> web.Application:
    return portal(org_url=org_url, login_url=LOGIN_URL, app_url=APP_URL, users=users)


def _stranger(org_url: str) -> web.Application:
    return stranger_site(login_url=LOGIN_URL, app_url=APP_URL, org_url=org_url, users=USERS)


async def test_the_page_has_two_columns_with_a_button_for_each_user() -> None:
    async with running(_portal(NOBODY_LISTENS)) as origin, ClientSession() as client, client.get(f"{origin}/") as answer:
        page, policy = await answer.text(), answer.headers["Content-Security-Policy"]
    for way in ("gateway", "straight"):
        assert page.count(f'name="through" value="{way}"') == 1
    for login, _ in USERS:
        assert page.count(f'name="as" value="{login}"') == 2
    assert "correct-horse" not in page
    assert f"form-action 'self' {LOGIN_URL} {APP_URL} {NOBODY_LISTENS};" in policy


@pytest.mark.parametrize("name", ["alice", "alice@example.com"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_entering_sends_the_browser_to_redeem_a_fresh_token(method: str, name: str) -> None:
    sent = {"as": name, "through": "gateway"}
    async with _org() as org_url, running(_portal(org_url)) as origin, ClientSession() as client:
        tokens = []
        for _ in range(2):
            way = {"params": sent} if method == "GET" else {"data": sent}
            async with client.request(method, f"{origin}/enter", allow_redirects=False, **way) as answer:  # type: ignore[arg-type]  # one of two keywords
                assert answer.status == 303
                assert answer.headers["Cache-Control"] == "no-store"
                location = urlsplit(answer.headers["Location"])
            query = parse_qs(location.query)
            assert f"{location.scheme}://{location.netloc}{location.path}" == f"{LOGIN_URL}/login/sessionCookieRedirect"
            assert query["redirectUrl"] == [f"{APP_URL}/"]
            assert query["checkAccountSetupComplete"] == ["true"]
            tokens += query["token"]
    assert len(set(tokens)) == 2
    assert all(tokens)


async def test_straight_to_the_org_the_second_user_stays_the_first() -> None:
    async with _org() as org_url, running(_portal(org_url)) as origin, visitor(org_url) as browser:
        pages = []
        for name in ("alice", "bob"):
            async with browser.post(f"{origin}/enter", data={"as": name, "through": "straight"}) as answer:
                assert str(answer.url) == f"{org_url}/app/UserHome"
                pages.append(await answer.text())
    assert "alice@example.com" in pages[0]
    assert "alice@example.com" in pages[1]
    assert "bob@example.com" not in pages[1]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"as": "mallory"}, "Nobody of that name"),
        ({}, "Nobody of that name"),
        ({"as": ""}, "Nobody of that name"),
        ({"as": "alice", "through": "window"}, "No such way"),
    ],
)
async def test_an_unknown_user_or_way_is_refused_and_the_org_not_asked(sent: dict[str, str], words: str) -> None:
    async with running(_portal(NOBODY_LISTENS)) as origin, ClientSession() as client, client.get(f"{origin}/enter", params=sent) as answer:
        assert answer.status == 400
        assert words in await answer.text()


async def test_a_short_name_that_two_users_share_is_nobody() -> None:
    users = (("alice@one.example", "x"), ("alice@two.example", "x"))
    async with (
        running(_portal(NOBODY_LISTENS, users)) as origin,
        ClientSession() as client,
        client.get(f"{origin}/enter", params={"as": "alice"}) as answer,
    ):
        assert answer.status == 400


async def _refuse(_request: web.Request) -> web.Response:
    return web.json_response({"errorCode": "E0000004", "errorSummary": "Authentication failed"}, status=401)


async def _enrol(_request: web.Request) -> web.Response:
    return web.json_response({"status": "MFA_ENROLL", "stateToken": "state-secret"})


async def _babble(_request: web.Request) -> web.Response:
    return web.Response(text="<html>maintenance</html>", content_type="text/html", status=503)


async def _flood(_request: web.Request) -> web.Response:
    return web.Response(body=b" " * 100_000)


async def _list(_request: web.Request) -> web.Response:
    return web.json_response(["sessionToken"])


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (_refuse, "401 E0000004."),
        (_enrol, "200 MFA_ENROLL."),
        (_babble, "answered 503, and not in JSON"),
        (_flood, "too long"),
        (_list, ": 200."),
    ],
)
@pytest.mark.parametrize("room", [_portal, _stranger])
async def test_an_org_that_gives_no_token_is_explained(room: object, handler: object, words: str) -> None:
    org = web.Application()
    org.router.add_post("/api/v1/authn", handler)  # type: ignore[arg-type]  # a table of handlers
    async with running(org) as org_url, ClientSession() as client:
        app = _portal(org_url) if room is _portal else _stranger(org_url)
        async with running(app) as origin, client.get(f"{origin}/enter?as=alice" if room is _portal else f"{origin}/") as answer:
            page = await answer.text()
    assert answer.status == 502
    assert words in page
    assert "correct-horse" not in page
    assert "state-secret" not in page


async def test_an_org_that_cannot_be_reached_is_explained() -> None:
    async with (
        running(_portal(NOBODY_LISTENS)) as origin,
        ClientSession() as client,
        client.get(f"{origin}/enter?as=bob&through=straight", allow_redirects=False) as answer,
    ):
        assert answer.status == 502
        assert f"The org at {NOBODY_LISTENS} cannot be reached." in await answer.text()


async def test_the_stranger_links_to_a_redemption_for_the_last_user_and_loads_the_sign_out() -> None:
    async with _org() as org_url, running(_stranger(org_url)) as origin, ClientSession() as client, client.get(f"{origin}/") as answer:
        page = await answer.text()
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
    assert f'href="{LOGIN_URL}/login/sessionCookieRedirect?checkAccountSetupComplete=true&amp;token=' in page
    assert f'<img src="{LOGIN_URL}/.gateway/sign-out"' in page
    assert "<strong>Demonstration.</strong>" in page
    assert "bob@example.com" in page


def test_a_stranger_needs_a_user() -> None:
    with pytest.raises(ValueError, match="user"):
        stranger_site(login_url=LOGIN_URL, app_url=APP_URL, org_url=NOBODY_LISTENS, users=())


@pytest.mark.parametrize("name", ["demo.css", "demo.svg"])
async def test_their_files_are_served(name: str) -> None:
    async with (
        running(_portal(NOBODY_LISTENS)) as portal_url,
        running(_stranger(NOBODY_LISTENS)) as stranger_url,
        ClientSession() as client,
    ):
        for origin in (portal_url, stranger_url):
            async with client.get(f"{origin}/{name}") as answer:
                assert answer.status == 200
                assert await answer.read()
