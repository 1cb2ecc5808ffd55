"""The sub-request door on a socket: what each front proxy is told, in its own terms."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from gateway.dev.standin import fault
from tests.harness.browser import ALICE, BOB, HR, LOGIN, WIKI
from tests.harness.site import FETCH, NAVIGATE, Site, cookie_line, deployed
from tests.harness.subrequests import DIALECTS, TERSE, TRUSTING, ask, identity, told

ME = "/api/v1/sessions/me"
FORM = b"Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: same-origin\r\n"
SIGN_IN = f"{HR}/.gateway/sign-in?to=%2Fa%3Fb%3D%25C3"
OTHERS = [dialect for dialect in DIALECTS if dialect not in TERSE]
HANDSHAKE = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed(listen=TRUSTING) as made:
        yield made


def last_line(site: Site) -> dict[str, object]:
    return [line for line in site.lines if line["event"] == "request"][-1]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_who_is_signed_in_passes_and_is_named_whatever_the_client_says(site: Site, dialect: str) -> None:
    spoofed = b"Remote-User: admin\r\nremote_user: admin\r\nX-Gateway-Omitted: Remote-User\r\n"
    reply = await ask(site, dialect, "/a?b=%C3", FETCH + spoofed + await site.signed_in())
    assert (reply.status, reply.body, reply.values("Content-Length"), reply.values("Cache-Control")) == (200, b"", ["0"], ["no-store"])
    assert identity(reply) == {"Remote-User": [ALICE], "Remote-User-Id": [site.org.known_user(ALICE).id]}
    assert (reply.values("X-Gateway-Omitted"), reply.values("Set-Cookie")) == ([""], [])
    line = last_line(site)
    assert (line["door"], line["app"], line["route"], line["verdict"], line["status"]) == ("auth", "hr", "/**", "admit", 200)
    assert len(str(line["fingerprint"])) == 12
    assert site.behind.visits == []


@pytest.mark.parametrize("dialect", OTHERS)
async def test_a_navigation_is_redirected_to_the_start_of_a_hand_off_and_a_script_is_told(site: Site, dialect: str) -> None:
    navigation = await ask(site, dialect, "/a?b=%C3", NAVIGATE)
    assert (navigation.status, navigation.location, navigation.values("Set-Cookie")) == (302, SIGN_IN, [])
    form = await ask(site, dialect, "/a?b=%C3", FORM, method="POST")
    assert (form.status, form.location) == (303, SIGN_IN)
    for method in ("GET", "POST"):
        script = await ask(site, dialect, "/a?b=%C3", FETCH, method=method)
        assert (script.status, script.location, script.values("WWW-Authenticate")) == (401, "", ["Session"])
        assert json.loads(script.body) == {"error": "no_session", "sign_in": SIGN_IN}
    socket = await ask(site, dialect, "/a?b=%C3", HANDSHAKE + b"Origin: https://hr.example.com\r\n")
    assert (socket.status, socket.location) == (401, "")
    for reply in (navigation, form, script, socket):
        assert reply.values("Cache-Control") == ["no-store"]


async def test_nginx_hears_401_with_where_and_whether_to_redirect(site: Site) -> None:
    for method, fields, redirect in (("GET", NAVIGATE, ["302"]), ("POST", FORM, ["303"]), ("GET", FETCH, []), ("GET", HANDSHAKE, [])):
        reply = await ask(site, "nginx", "/a?b=%C3", fields, method=method)
        assert (reply.status, reply.body, reply.location) == (401, b"", "")
        assert (reply.values("X-Gateway-Sign-In"), reply.values("X-Gateway-Redirect")) == ([SIGN_IN], redirect)
        assert reply.values("X-Gateway-Reason") == ["no_session"]


async def test_the_address_for_sign_in_leads_through_the_hand_off_and_back(site: Site) -> None:
    browser, _ = site.session(BOB)
    where = (await ask(site, "traefik", "/company/x?y=%2F", NAVIGATE)).location
    reply, _ = await browser.walk(where)
    assert reply.status == 200
    assert site.behind.last.line == b"GET /company/x?y=%2F HTTP/1.1"
    assert identity(await ask(site, "traefik", "/x", FETCH + cookie_line(browser, HR)))["Remote-User"] == [BOB]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_whoever_may_not_is_told_why(site: Site, dialect: str) -> None:
    cookie = await site.signed_in()
    for path, method, reason, status in (
        ("/bob/x", "GET", "forbid", 403),
        ("/strong/x", "GET", "step_up", 403),
        ("/shut/x", "POST", "forbid", 403),
        ("/public/../x", "GET", "path_dot_segment", 400),
        ("/public/%2e%2e/x", "GET", "path_dot_segment", 400),
    ):
        script, page = [await ask(site, dialect, path, fields + cookie, method=method) for fields in (FETCH, NAVIGATE)]
        if dialect in TERSE:
            assert [reply.status for reply in (script, page)] == [403, 403]
            assert (page.values("X-Gateway-Reason"), page.body) == ([reason], b"")
        else:
            assert [reply.status for reply in (script, page)] == [status, status], path
            assert script.values("Content-Type") == ["application/json"]
            assert page.values("Content-Type") == ["text/html; charset=utf-8"]
        assert identity(page) == {"Remote-User": [], "Remote-User-Id": []}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_while_okta_is_silent_nobody_passes_and_nobody_is_signed_out(site: Site, dialect: str) -> None:
    cookie = await site.signed_in()
    site.times.passed += 30
    site.org.faults.add(fault({"path": ME, "status": 503, "times": None}))
    reply = await ask(site, dialect, "/a", FETCH + cookie)
    assert int(reply.values("Retry-After")[0]) >= 2
    if dialect in TERSE:
        assert (reply.status, reply.values("X-Gateway-Reason")) == (403, ["unavailable"])
    else:
        assert (reply.status, json.loads(reply.body)["error"]) == (503, "unavailable")
    site.org.faults.clear()
    site.times.passed += 10
    assert (await ask(site, dialect, "/a", FETCH + cookie)).status == 200


async def test_a_slow_okta_is_not_waited_for_and_its_answer_counts_when_it_comes(site: Site) -> None:
    cookie = await site.signed_in()
    site.times.passed += 30
    held = fault({"path": ME, "hold": True, "status": None})
    site.org.faults.add(held)
    reply = await ask(site, "envoy", "/a", FETCH + cookie)
    assert (reply.status, json.loads(reply.body)["reason"]) == (503, "slow")  # Okta answers when the test says so
    asked = site.seen(ME)
    waiting = asyncio.create_task(site.ask("/a", FETCH + cookie))  # the app door joins the question, and has more patience
    site.org.faults.clear()
    assert held.release is not None
    held.release.set()
    assert (await waiting).status == 200
    assert (await ask(site, "envoy", "/a", FETCH + cookie)).status == 200
    assert site.seen(ME) == asked


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_switch_is_seen_at_once_and_a_sign_out_too(site: Site, dialect: str) -> None:
    alice = await site.entered(ALICE)
    before = cookie_line(alice, HR)
    assert identity(await ask(site, dialect, "/", before))["Remote-User"] == [ALICE]
    token = site.org.session_token(BOB)
    cross = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
    redeemed = await alice.ask(f"{LOGIN}/login/sessionCookieRedirect?token={token}&redirectUrl={HR}/", "GET", cross)
    assert redeemed.status == 302
    assert (await ask(site, dialect, "/", FETCH + before)).status == 401
    await site.enters(alice)
    after = cookie_line(alice, HR)
    assert identity(await ask(site, dialect, "/", after))["Remote-User"] == [BOB]
    await alice.post(f"{HR}/.gateway/sign-out", "to=")
    assert (await ask(site, dialect, "/", FETCH + after)).status == 401


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_websocket_of_a_foreign_page_is_refused_however_much_of_the_handshake_is_left_u6(site: Site, dialect: str) -> None:
    cookie = await site.signed_in()
    whole = b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n" + HANDSHAKE
    for shake in (HANDSHAKE, b"Sec-Fetch-Mode: websocket\r\n", whole):
        evil = await ask(site, dialect, "/ws", shake + cookie + b"Origin: https://evil.example\r\n")
        assert evil.status == 403
        assert (await ask(site, dialect, "/ws", shake + cookie)).status == 403
        for origin in (b"https://hr.example.com", b"https://chat.example.com"):
            assert (await ask(site, dialect, "/ws", shake + cookie + b"Origin: " + origin + b"\r\n")).status == 200


async def test_head_is_answered_like_get_without_a_body(site: Site) -> None:
    cookie = await site.signed_in()
    for fields, status in ((FETCH + cookie, 200), (FETCH, 401), (NAVIGATE, 302)):
        get, head = [await ask(site, "haproxy", "/a", fields, sent=sent) for sent in ("GET", "HEAD")]
        assert (get.status, head.status, head.body) == (status, status, b"")
        assert [line for line in head.fields if line[0] not in (b"Date", b"X-Request-Id")] == [
            line for line in get.fields if line[0] not in (b"Date", b"X-Request-Id")
        ]


async def test_old_http_and_connections_that_stay(site: Site) -> None:
    cookie = await site.signed_in()
    lines = "\r\n".join(("Host: hr.example.com", *told("nginx", "/a"))).encode() + b"\r\n" + cookie + b"\r\n"
    assert (await site.raw(b"GET /.gateway/auth/nginx HTTP/1.0\r\n" + lines)).startswith(b"HTTP/1.1 200 OK\r\n")
    wire = await site.connect()
    for status in (b"200 OK", b"200 OK"):
        await wire.say(b"GET /.gateway/auth/nginx HTTP/1.1\r\n" + HANDSHAKE + b"Origin: https://hr.example.com\r\n" + lines)
        assert (await wire.head()).startswith(b"HTTP/1.1 " + status)


async def test_a_body_is_not_read_and_ends_the_connection(site: Site) -> None:
    cookie = await site.signed_in()
    wire = await site.connect()
    await wire.say(b"POST /.gateway/auth/envoy/a HTTP/1.1\r\nHost: hr.example.com\r\nContent-Length: 9\r\n" + cookie + b"\r\n")
    head = await wire.head()
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in head
    empty = await ask(site, "envoy", "/a", b"Content-Length: 0\r\n" + cookie, method="POST")
    assert empty.status == 200


async def test_each_app_names_its_users_in_its_own_fields(site: Site) -> None:
    cookie = await site.signed_in(ALICE, WIKI)
    reply = await ask(site, "caddy", "/", FETCH + cookie, origin=WIKI)
    assert [reply.values(name) for name in ("X-Auth-User", "X-Auth-Id", "X-Auth-Amr")] == [
        [ALICE],
        [site.org.known_user(ALICE).id],
        ["pwd"],
    ]
    assert reply.values("Remote-User") == []
    nobody = await ask(site, "caddy", "/public/x", FETCH + cookie, origin=WIKI)
    assert (nobody.status, [nobody.values(name) for name in ("X-Auth-User", "X-Auth-Id", "X-Auth-Until")]) == (200, [[""]] * 3)
