"""Strangers cannot use up the gateway's questions to Okta, and only answers that Okta itself gave are believed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest

from gateway.dev.standin import fault
from tests.field.client_addresses import SAME_ORIGIN, from_client
from tests.harness.browser import BOB, HR, LOGIN, NAVIGATION
from tests.harness.gateway import REPLICAS
from tests.harness.site import CONFIGURATION, FETCH, NAVIGATE, Site, cookie_line, deployed

ME = "/api/v1/sessions/me"
FORGED = 3000


def forged(number: int) -> bytes:
    """A sign-out, or a link with a token, with 8 made-up session cookies."""
    cookies = "; ".join(f"{name}=102made{number}up{each}" for each in range(4) for name in ("sid", "idx"))
    common = f"Host: login.example.com\r\nCookie: {cookies}\r\nConnection: close\r\nOrigin: {LOGIN}\r\n".encode() + SAME_ORIGIN
    if number % 2:
        body = b"then="
        form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
        return b"POST /.gateway/sign-out HTTP/1.1\r\n" + common + form + body
    target = f"/login/sessionCookieRedirect?token=20111made{number}up&redirectUrl={quote(HR + '/', safe='')}"
    return f"GET {target} HTTP/1.1\r\n".encode() + common + b"\r\n"


@pytest.mark.timeout(100)
async def test_t8_forged_sign_outs_and_token_links_of_many_clients_cost_a_signed_in_user_nothing() -> None:
    async with deployed(listen="requests_per_client = 0") as site:
        cookies = await site.signed_in()
        asked_before = site.seen(ME)
        statuses: list[int] = []
        done = asyncio.Event()

        async def attack(lane: int) -> None:
            for number in range(lane, FORGED, 20):
                await from_client(site, f"127.0.0.{2 + number % 100}", forged(number))

        async def work() -> None:
            while not done.is_set():
                site.times.passed = min(55.0, site.times.passed + 0.05)  # Okta is asked again and again, within one minute of its limit
                statuses.append((await site.ask("/", FETCH + cookies)).status)

        working = asyncio.create_task(work())
        await asyncio.gather(*(attack(lane) for lane in range(20)))
        done.set()
        await working
        assert set(statuses) == {200} and len(statuses) > 10
        questions = site.seen(ME) - asked_before
        assert questions <= 600 and site.seen(ME, "DELETE") == 0
        assert not any(line["event"] == "okta_rate_limited" for line in site.lines if "event" in line)


async def test_t8_an_ipv6_customer_is_one_client() -> None:
    async with deployed(listen='trusted_proxies = ["127.0.0.1/32"]') as site:
        limited = 0
        for number in range(50 * REPLICAS):
            come_by = f"X-Forwarded-For: 2001:db8:1:2::{number:x}\r\nX-Forwarded-Proto: https\r\n".encode()
            reply = await from_client(site, "127.0.0.1", forged(2 * number).replace(b"\r\n\r\n", b"\r\n" + come_by + b"\r\n"))
            limited += reply.status == 503
        assert limited > 0 and site.seen(ME) <= 300 * REPLICAS


@dataclass
class HeadLimitingProxy:
    """What stands before the org: it hangs up on a head that is larger than it likes, and else passes bytes on."""

    org_port: int = 0
    port: int = 0
    largest: int = 8 * 1024
    hung_up: int = 0
    heads: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head)
                if len(head) > self.largest:
                    self.hung_up += 1
                    break
                there, back = await asyncio.open_connection("127.0.0.1", self.org_port)
                back.write(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                writer.write(await there.read())
                back.close()
                break
        writer.close()


@asynccontextmanager
async def behind_front(front: HeadLimitingProxy) -> AsyncIterator[Site]:
    server = await asyncio.start_server(front.serve, "127.0.0.1", 0, limit=2**20)
    front.port = server.sockets[0].getsockname()[1]
    configuration = CONFIGURATION.replace("{org}", f"http://127.0.0.1:{front.port}")
    try:
        async with deployed(configuration=configuration) as site:
            front.org_port = site.running.port
            yield site
    finally:
        server.close()
        await server.wait_closed()


async def test_t17_oversized_fields_of_one_client_open_no_circuit() -> None:
    front = HeadLimitingProxy()
    async with behind_front(front) as site:
        cookies = await site.signed_in()
        for number in range(10):
            odd = (b"User-Agent: " + b"a" * 9000, b"Accept-Language: " + b"d" * 9000)[number % 2] + b"\r\n"
            line = b"Cookie: sid=102unknown%d; DT=%s\r\n" % (number, b"d" * 9000)
            reply = await site.ask("/.gateway/session", FETCH + odd + line, origin=LOGIN)
            assert reply.status == 401
        assert front.hung_up == 0
        site.times.passed += 11
        assert (await site.ask("/", FETCH + cookies)).status == 200


async def test_t17_what_one_client_makes_fail_is_that_clients_alone() -> None:
    front = HeadLimitingProxy(largest=3 * 1024)
    async with behind_front(front) as site:
        cookies = await site.signed_in()
        for number in range(10 * REPLICAS):
            line = b"Cookie: sid=102unknown%d%s\r\n" % (number, b"d" * 4000)
            assert (await site.ask("/.gateway/session", FETCH + line, origin=LOGIN)).status == 503
        assert front.hung_up == 5 * REPLICAS  # then its own circuit is open in each process
        site.times.passed += 11
        assert (await site.ask("/", FETCH + cookies)).status == 200


@pytest.mark.parametrize("content_type", ["text/html", "application/jsonp", "text/json", "application/xml"])
async def test_t27_a_session_that_is_not_sent_as_json_is_not_believed(content_type: str) -> None:
    async with deployed() as site:
        browser, session = site.session()
        body = {"id": "102", "userId": "00u", "login": "mallory@example.com", "status": "ACTIVE", "expiresAt": "2090-01-01T00:00:00Z"}
        said = {"method": "GET", "path": ME, "content_type": content_type, "times": None}
        site.org.faults.add(fault({**said, "status": 200, "body": body}))
        assert (await browser.ask(f"{LOGIN}/.gateway/session")).status == 503
        site.org.faults.clear()
        site.org.faults.add(fault({**said, "status": 404, "body": {"errorCode": "E0000007"}}))
        assert (await browser.ask(f"{LOGIN}/.gateway/session")).status == 503
        site.org.faults.clear()
        assert (await browser.ask(f"{LOGIN}/.gateway/session")).status == 200 and not session.is_over


@pytest.mark.parametrize("moment", ["2026-01-01T00:00:00+99:99", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
async def test_t19_a_date_that_leads_out_of_the_calendar_is_no_answer(moment: str) -> None:
    async with deployed() as site:
        browser, _ = site.session()
        body = {"id": "102", "userId": "00u", "login": "a@example.com", "status": "ACTIVE", "expiresAt": moment}
        site.org.faults.add(fault({"method": "GET", "path": ME, "status": 200, "body": body, "times": None}))
        assert (await browser.ask(f"{LOGIN}/.gateway/session")).status == 503


async def test_x8_a_revoked_sid_beside_another_users_living_idx_is_expired_and_the_living_one_judged() -> None:
    async with deployed("identity") as site:
        alice = await site.entered()
        dead = alice.jar(LOGIN)["sid"]
        await alice.post(f"{LOGIN}/.gateway/sign-out", "", {**NAVIGATION, "Sec-Fetch-Site": "same-origin", "Origin": LOGIN})
        browser, _ = site.session(BOB)
        browser.jar(LOGIN)["sid"] = dead
        reply, _ = await browser.walk(f"{HR}/")
        assert reply.status == 200 and "sid" not in browser.jar(LOGIN)
        assert site.behind.visits[-1].head.count(BOB.encode()) == 1


async def test_x8_two_living_users_are_nobody_and_both_are_expired() -> None:
    async with deployed() as site:
        browser, alice = site.session()
        bob = site.org.sign_in(BOB)
        start = (await browser.ask(f"{HR}/")).location
        reply = await browser.ask(start, cookie=f"sid={alice.sid}; sid={bob.sid}")
        assert reply.status == 302 and "ticket=" not in reply.location
        assert sum(value.startswith("sid=;") for value in reply.values("Set-Cookie")) >= 2  # on the host and on its parent


async def test_x9_a_planted_cookie_that_cannot_be_sent_stops_no_sign_in() -> None:
    async with deployed() as site:
        token = site.org.session_token(BOB)
        target = f"/login/sessionCookieRedirect?token={token}&redirectUrl={quote(HR + '/', safe='')}"
        reply = await site.ask(target, SAME_ORIGIN + b"Cookie: sid=\xff\xfe\r\n", origin=LOGIN)
        assert reply.status == 302, reply
        assert [row.cookie_names for row in site.org.journal.rows if row.path == ME] == [["sid"]], "who came of the token, and no more"
        nobody = await site.ask("/.gateway/session", FETCH + b"Cookie: sid=\xff\xfe\r\n", origin=LOGIN)
        assert nobody.status == 401 and site.seen(ME) == 1


async def test_x21_okta_names_bobs_session_for_alices_cookie_and_bob_stays() -> None:
    async with deployed() as site:
        alice, bob = await site.entered(), await site.entered(BOB)
        body = {
            "id": bob_id(site),
            "userId": site.org.known_user(BOB).id,
            "login": BOB,
            "status": "ACTIVE",
            "expiresAt": "2090-01-01T00:00:00Z",
        }
        site.org.faults.add(fault({"method": "GET", "path": ME, "status": 200, "body": body, "times": 1}))
        site.times.passed += 11
        assert (await site.ask("/", FETCH + cookie_line(alice, HR))).status == 401
        assert (await site.ask("/", FETCH + cookie_line(bob, HR))).status == 200


def bob_id(site: Site) -> str:
    return site.org.sessions.of_user(site.org.known_user(BOB))[0].id


@pytest.mark.parametrize("size", [9_000, 18_000, 30_000])
async def test_x14_a_logout_with_a_long_hint_reaches_okta(size: int) -> None:
    async with deployed() as site:
        hint = f"/oauth2/v1/logout?id_token_hint={'e' * size}"
        assert (await site.ask(hint, NAVIGATE, origin=LOGIN)).status != 414
        assert site.seen("/oauth2/v1/logout") == 1
        assert (await site.ask(hint, NAVIGATE)).status == 414
        assert (await site.ask(f"/?{'e' * 40_000}", NAVIGATE, origin=LOGIN)).status == 414
