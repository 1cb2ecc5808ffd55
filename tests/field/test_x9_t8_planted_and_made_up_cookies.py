"""Rows X9 and T8 at the login door: cookies that Okta cannot have issued are not sent to it; made-up ones do not use up its rate limit."""

import pytest

from tests.field.client_addresses import SAME_ORIGIN, from_client
from tests.harness.browser import ALICE, BOB, LOGIN
from tests.harness.gateway import REPLICAS
from tests.harness.replies import RawReply
from tests.harness.site import NAVIGATE, Site, deployed

ME = "/api/v1/sessions/me"
PLANTED = [b"\xff\xfe", b"a b", b'a"b', b"a,b", b"a\\b"]
SCRIPTED = b"Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Site: same-origin\r\n"


def at_org(site: Site, path: str) -> list[list[str]]:
    """The cookie names of each request for this path that reached the org."""
    return [list(row.cookie_names) for row in site.org.journal.rows if row.path == path]


def expired(reply: RawReply, name: str) -> list[str]:
    return [line for line in reply.values("Set-Cookie") if line.startswith(f"{name}=;")]


@pytest.mark.parametrize("value", PLANTED)
async def test_x9_a_planted_value_is_not_shown_to_okta_and_leaves_the_browser_with_a_page(value: bytes) -> None:
    async with deployed() as site:
        reply = await site.ask("/login/login.htm", NAVIGATE + b"Cookie: sid=" + value + b"; DT=x\r\n", origin=LOGIN)
        assert reply.status == 200 and at_org(site, "/login/login.htm") == [["DT"]]
        domains = sorted("Domain=example.com" in line for line in expired(reply, "sid"))
        assert domains == [False, True], reply
        picture = await site.ask("/login/logo.png", SCRIPTED + b"Cookie: sid=" + value + b"\r\n", origin=LOGIN)
        assert at_org(site, "/login/logo.png") == [[]] and expired(picture, "sid") == []


async def test_x9_beside_a_living_session_the_planted_one_goes_and_the_living_one_stays() -> None:
    async with deployed() as site:
        _, session = site.session(ALICE)
        cookie = f"sid={session.sid}".encode()
        reply = await site.ask("/app/UserHome", NAVIGATE + b"Cookie: sid=\xff; " + cookie + b"\r\n", origin=LOGIN)
        assert reply.status == 200 and ALICE.encode() in reply.body
        assert at_org(site, "/app/UserHome") == [["sid"]]
        assert ["Domain=example.com" in line for line in expired(reply, "sid")] == [True]


@pytest.mark.parametrize(("method", "path"), [("DELETE", ME), ("GET", "/login/signout"), ("POST", "/login/signout")])
async def test_x9_a_sign_out_shows_okta_no_planted_value(method: str, path: str) -> None:
    async with deployed() as site:
        _, session = site.session(ALICE)
        line = f"Cookie: idx=\\; sid={session.sid}\r\nContent-Length: 0\r\n".encode()
        reply = await site.ask(path, SAME_ORIGIN + line, method=method, origin=LOGIN)
        assert reply.status in (204, 302)
        assert at_org(site, path)[0] in (["sid"], []) and all(names == ["sid"] for names in at_org(site, ME))
        assert session.is_over


def ending(method: str, path: str, number: int) -> bytes:
    cookies = "; ".join(f"{name}=102made{number}up{each}" for each in range(4) for name in ("sid", "idx"))
    head = f"{method} {path} HTTP/1.1\r\nHost: login.example.com\r\nCookie: {cookies}\r\nConnection: close\r\nContent-Length: 0\r\n"
    return head.encode() + SAME_ORIGIN + b"\r\n"


@pytest.mark.parametrize(("method", "path"), [("DELETE", ME), ("GET", "/login/signout"), ("POST", "/login/signout")])
async def test_t8_oktas_own_sign_outs_with_made_up_cookies_are_guesses(method: str, path: str) -> None:
    async with deployed(listen="requests_per_client = 0") as site:
        site.org.limits.per_minute = 10_000
        browser, session = site.session(BOB)
        statuses = [(await from_client(site, "127.0.0.9", ending(method, path, number))).status for number in range(60 * REPLICAS)]
        assert 503 in statuses, "that client alone"
        assert not any("sid" in names for names in at_org(site, path) if path != ME)
        deletes = [row for row in site.org.journal.rows if (row.method, row.path) == ("DELETE", ME)]
        assert not any(row.cookies for row in deletes), "no made-up cookie is closed"
        assert len([row for row in site.org.journal.rows if (row.method, row.path) == ("GET", ME)]) <= 300 * REPLICAS
        assert (await browser.ask(f"{LOGIN}/.gateway/session")).status == 200, "another client is asked about"
        reply = await site.ask(
            path, SAME_ORIGIN + f"Cookie: sid={session.sid}\r\nContent-Length: 0\r\n".encode(), method=method, origin=LOGIN
        )
        assert reply.status in (204, 302) and session.is_over


async def test_t8_a_session_that_was_never_seen_here_is_closed_by_oktas_own_sign_out() -> None:
    async with deployed() as site:
        browser, session = site.session(ALICE)
        assert (
            await browser.ask(f"{LOGIN}/login/signout", fields={"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"})
        ).status == 302
        assert session.is_over and "sid" not in browser.jar(LOGIN)


async def test_t8_a_cookie_that_carries_nothing_leaves_the_browser_without_a_delete() -> None:
    async with deployed() as site:
        browser = site.browser()
        browser.jar(LOGIN)["sid"] = "102dead"
        reply = await browser.ask(f"{LOGIN}{ME}", "DELETE", {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"})
        assert reply.status == 404 and "sid" not in browser.jar(LOGIN)
        assert not any(row.cookies for row in site.org.journal.rows if row.method == "DELETE")
