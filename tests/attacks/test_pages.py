"""Group O: the gateway's own pages show no secret, cannot be framed, stored or scripted, and do not redirect the gateway's own requests."""

import asyncio
import json

import pytest

from gateway.dev.standin import User, fault
from tests.harness.app import Behind, answering
from tests.harness.browser import ALICE, BOB, HR, LOGIN, NAVIGATION, WIKI
from tests.harness.configuration import SMALLEST, problems, settings
from tests.harness.site import FETCH, NAVIGATE, Site

METHODS = (
    *(
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "PROPFIND",
        "REPORT",
        "SEARCH",
        "LOCK",
        "MKCOL",
        "QUERY",
        "PURGE",
        "M-SEARCH",
    ),
    *("LINK", "ACL", "BIND", "NOTIFY", "FOO", "get", "TRACE", "TRACK", "CONNECT", "PRI", "SOURCE"),
)
HANDSHAKE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@pytest.mark.parametrize("method", METHODS)
async def test_o1_without_a_session_an_app_sees_nothing_and_shows_nothing(site: Site, method: str) -> None:
    site.behind.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nclassified")
    for fields in (FETCH, NAVIGATE, b"", b"Expect: 100-continue\r\n", b"Cookie: __Host-gateway=x; sid=y\r\n", HANDSHAKE):
        for body in (b"", b"a=b"):
            reply = await site.ask("/secret", fields, method=method, body=body)
            assert reply.status in (302, 400, 401, 405, 501), (fields, body)
            assert b"classified" not in reply.raw
    assert site.behind.connections == 0


async def test_o1_a_session_that_okta_does_not_confirm_shows_nothing(site: Site) -> None:
    """Not in the list of attacks: a pass that was good, while Okta is silent or names another user; then what a rule refuses."""
    cookie = await site.signed_in()
    site.times.passed += 11
    site.org.faults.add(fault({"path": "/api/v1/sessions/me", "status": 503, "times": None}))
    assert (await site.ask("/secret", cookie)).status == 503
    site.times.passed += 120
    site.org.faults.clear()
    for session in site.org.sessions.active():
        session.user = site.org.known_user(BOB)
    assert (await site.ask("/secret", cookie)).status == 401
    assert (await site.ask("/bob/x", await site.signed_in(ALICE))).status == 403
    assert (await site.ask("/strong/x", await site.signed_in(ALICE))).status == 403
    assert site.behind.visits == []


async def test_o2_no_page_shows_a_secret(site: Site) -> None:
    browser, session = site.session()
    await site.enters(browser)
    await site.enters(browser, WIKI)
    secrets = [value for jar in browser.jars.values() for value in jar.values() if len(value) > 15] + [session.id]
    assert len(secrets) >= 4
    token = site.org.session_token(BOB)
    for origin in (HR, LOGIN, WIKI):
        for path in ("/.gateway/", "/.gateway/session", "/.gateway/sign-out", "/.gateway/nothing", "/.gateway/switch"):
            reply = await browser.ask(f"{origin}{path}")
            shown = reply.body + reply.location + str([field for field in reply.fields if field[0].lower() != "set-cookie"])
            assert not any(secret in shown for secret in secrets), (origin, path)
    forbidden = await browser.ask(f"{HR}/bob/x")
    confirm = await browser.ask(f"{LOGIN}/home/app/1?sessionToken={token}", fields={**NAVIGATION, "Sec-Fetch-Site": "cross-site"})
    assert (forbidden.status, confirm.status) == (403, 200) and ALICE in confirm.body
    assert not any(secret in forbidden.body + confirm.body for secret in [*secrets, token])
    assert not any(secret in site.written.getvalue() for secret in [*secrets, token])


@pytest.mark.parametrize(
    "login",
    [
        "<script>alert(1)</script>@x",
        '"><img src=x onerror=alert(1)>',
        "{{ 7777*7777 }}${7777*7777}@x",
        "'--><svg/onload=alert(1)>",
        "</title><b>",
    ],
)
async def test_o4_a_login_is_shown_as_text(site: Site, login: str) -> None:
    """Templates are the gateway's own and come with it; there are none of an operator's to sandbox."""
    site.org.users = (*site.org.users, User(login, "x"))
    browser = await site.entered(login)
    token = site.org.session_token(BOB)
    pages = [await browser.ask(url) for url in (f"{HR}/.gateway/", f"{HR}/bob/x", f"{HR}/.gateway/sign-out", f"{LOGIN}/.gateway/")]
    pages.append(await browser.ask(f"{LOGIN}/home/app/1?sessionToken={token}", fields={**NAVIGATION, "Sec-Fetch-Site": "cross-site"}))
    for page in pages:
        assert (
            "<script>alert" not in page.body
            and "<img src=x" not in page.body
            and "<svg/onload" not in page.body
            and "</title><b>" not in page.body
        )
        assert str(7777 * 7777) not in page.body
    assert json.loads((await browser.ask(f"{HR}/.gateway/session")).body)["login"] == login


@pytest.mark.parametrize("query", ["<script>alert(1)</script>", "%3Cscript%3Ealert(1)%3C/script%3E", "%22onmouseover=alert(1)", "{{7*7}}"])
async def test_o4_nothing_of_a_request_is_repeated_in_a_page(site: Site, query: str) -> None:
    """Not in the list of attacks: paths, queries, hosts, methods and fields of a request that is refused."""
    fields = f"User-Agent: {query}\r\nReferer: https://hr.example.com/{query}\r\nX-Y: {query}\r\n".encode()
    for origin in (HR, LOGIN, "https://evil.example"):
        for target in (
            f"/.gateway/{query}",
            f"/.gateway/sign-out?to={query}&x={query}",
            f"/.gateway/sign-in?to={query}",
            f"/.gateway/accept?ticket={query}",
        ):
            reply = await site.ask(target, NAVIGATE + fields, origin=origin)
            assert b"alert" not in reply.body and b"7*7" not in reply.body and b"{{" not in reply.body
    for raw in (
        f"GET /..//{query} HTTP/1.1\r\n",
        f"{query} / HTTP/1.1\r\n",
        f"GET / HTTP/{query}\r\n",
        f"GET /{query} HTTP/1.1\r\nHost: {query}\r\n",
    ):
        assert b"alert" not in await site.raw(raw.encode() + NAVIGATE + b"Connection: close\r\n\r\n")


ADMIN = ("/healthz", "/readyz", "/metrics")


@pytest.mark.parametrize(
    "field",
    [
        *("Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Dest: document"),
        *("Origin: https://evil.example", "Origin: null", "Origin: http://127.0.0.1:9090", "sec-fetch-mode: cors"),
    ],
)
async def test_o6_the_admin_address_answers_no_browser(site: Site, field: str) -> None:
    for target in ADMIN:
        reply = await site.ask(target, f"{field}\r\n".encode(), origin="http://127.0.0.1", port=site.gateway.admin_port)
        assert reply.status == 403 and b"gateway_" not in reply.body


async def test_o6_the_admin_address_is_apart_and_for_this_machine(site: Site) -> None:
    assert settings().config.admin.address == "127.0.0.1:9090" and site.gateway.admin_port != site.gateway.public_port
    assert problems('[listen]\naddress = "127.0.0.1:9090"\n' + SMALLEST) != ()
    for origin in (HR, LOGIN):
        for target in (*ADMIN, "/.gateway/metrics", "/.gateway/healthz", "/debug", "/reload", "/config", "/.gateway/config"):
            reply = await site.ask(target, FETCH, origin=origin)
            assert reply.status in (401, 404) and b"_total" not in reply.body
    for target in ("/", "/reload", "/config", "/debug/pprof", "/quit", "/.gateway/session", "/metrics/../reload"):
        assert (await site.ask(target, b"", origin="http://127.0.0.1", port=site.gateway.admin_port)).status == 404
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert (await site.ask("/metrics", b"", origin="http://127.0.0.1", method=method, port=site.gateway.admin_port)).status == 405
    assert site.behind.visits == []


async def test_o6_metrics_name_no_user_and_no_session(site: Site) -> None:
    """Not in the list of attacks: what a scraper stores."""
    browser, session = site.session()
    await site.enters(browser)
    await site.ask("/%3Cevil%3E?token=evil", FETCH + b"User-Agent: evil\r\n")
    shown = (await site.ask("/metrics", b"", origin="http://127.0.0.1", port=site.gateway.admin_port)).body.decode()
    assert "session_hits_total" in shown
    assert not any(secret in shown for secret in (ALICE, session.id, session.user.id, "evil", *browser.jar(HR).values()))


async def test_o7_nothing_in_a_request_chooses_whom_the_gateway_talks_to(site: Site) -> None:
    cookie, canary = await site.signed_in(), Behind()
    async with await asyncio.start_server(canary.serve, "127.0.0.1", 0) as listening:
        place = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        lies = (
            *("X-Forwarded-Host", "X-Forwarded-Server", "X-Host", "X-Original-Host", "Forwarded", "X-Upstream", "X-Backend", "X-Okta-Org"),
            *("X-Original-URL", "X-Rewrite-URL", "Proxy", "Alt-Svc", "X-Envoy-Original-Dst-Host", "X-Accel-Redirect", "Origin", "Referer"),
        )
        fields = "".join(f"{name}: http://{place}/\r\n" for name in lies).encode()
        for target in (
            "/",
            f"/http://{place}/",
            f"/x?url=http://{place}/",
            f"/@{place}/",
            f"/.gateway/sign-in?to=http://{place}/",
            "/.gateway/session",
        ):
            for origin in (HR, LOGIN, f"http://{place}"):
                await site.ask(target, cookie + NAVIGATE + fields, origin=origin)
        for target in (f"http://{place}/", f"//{place}/", f"@{place}/", f":@{place}/x", f"{place}"):
            for method in ("GET", "CONNECT"):
                await site.ask(target, cookie, method=method)
        for origin, path in ((HR, "/x"), (LOGIN, "/home/x")):
            site.behind.script = answering(f"HTTP/1.1 302 Found\r\nLocation: http://{place}/\r\nContent-Length: 0\r\n\r\n".encode())
            site.org.faults.add(fault({"path": path, "status": 302, "headers": {"Location": f"http://{place}/"}}))
            reply = await site.ask(path, cookie, origin=origin)
            assert (reply.status, reply.location) == (302, f"http://{place}/")
        site.times.passed += 60
        site.org.faults.add(
            fault({"path": "/api/v1/sessions/me", "status": 302, "headers": {"Location": f"http://{place}/"}, "times": None})
        )
        assert (await site.ask("/", cookie)).status == 503
    assert canary.connections == 0
