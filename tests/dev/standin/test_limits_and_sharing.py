"""Rate limits by the minute, CORS for Trusted Origins, and the noise on every answer."""

import asyncio

import pytest

from gateway.dev.standin import Org
from tests.dev.standin.conftest import ALICE, Open, Serve

ME = "/api/v1/sessions/me"
PAGE = "http://localhost:9999"


async def test_a_bucket_counts_down_refuses_and_refills(start: Serve, browse: Open) -> None:
    running = await start(Org())
    running.org.limits.per_minute = 2
    browser = browse(running)
    browser.cookies = {"sid": running.org.sign_in(ALICE).sid or ""}
    seen = [await browser.get(ME) for _ in range(3)]
    assert [answer.status for answer in seen] == [200, 200, 429]
    assert [answer.fields["X-Rate-Limit-Remaining"] for answer in seen] == ["1", "0", "0"]
    assert {answer.fields["X-Rate-Limit-Limit"] for answer in seen} == {"2"}
    assert seen[2].json["errorCode"] == "E0000047" and "Retry-After" not in seen[2].fields
    reset = int(seen[2].fields["X-Rate-Limit-Reset"])
    assert 0 < reset - running.org.clock.now() <= 61
    assert (await browser.ask("POST", "/api/v1/authn", payload={})).status == 400  # a bucket of its own
    running.org.clock.advance(61)
    assert (await browser.get(ME)).status == 200


async def test_pages_outside_the_buckets_carry_no_limit(start: Serve, browse: Open) -> None:
    seen = await browse(await start(Org())).get("/login/signout")
    assert "X-Rate-Limit-Limit" not in seen.fields


@pytest.mark.parametrize(
    ("path", "limit"), [(ME, "375"), ("/api/v1/users/me", "600"), ("/login/sessionCookieRedirect", "600"), ("/home/a/b/1", "600")]
)
async def test_each_bucket_has_a_number_of_its_own(start: Serve, browse: Open, path: str, limit: str) -> None:
    assert (await browse(await start(Org())).get(path)).fields["X-Rate-Limit-Limit"] == limit


async def test_a_trusted_page_may_read_and_close(start: Serve, browse: Open) -> None:
    running = await start(Org(trusted_origins=[PAGE]))
    fields = {"Origin": PAGE, "Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "x-okta-user-agent-extended"}
    asked = await browse(running).ask("OPTIONS", ME, fields)
    assert asked.status == 200 and asked.fields["Access-Control-Allow-Origin"] == PAGE
    assert asked.fields["Access-Control-Allow-Credentials"] == "true"
    assert "DELETE" in asked.fields["Access-Control-Allow-Methods"]
    allowed = asked.fields["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in ("content-type", "x-okta-user-agent-extended", "x-device-fingerprint"))
    assert (await browse(running).ask("GET", ME, {"Origin": PAGE})).fields["Access-Control-Allow-Origin"] == PAGE


async def test_any_other_page_may_not(start: Serve, browse: Open) -> None:
    running = await start(Org(trusted_origins=[PAGE]))
    for method in ("OPTIONS", "GET"):
        seen = await browse(running).ask(method, ME, {"Origin": "http://evil.localhost", "Access-Control-Request-Method": "GET"})
        assert "Access-Control-Allow-Origin" not in seen.fields


async def test_the_noise_is_for_those_who_are_not_signed_in(start: Serve, browse: Open) -> None:
    running = await start(Org())
    browser = browse(running)
    noise = {'sid="";Version=1;Path=/;Max-Age=0', 'xids="";Version=1;Path=/;Max-Age=0'}
    assert noise <= set((await browser.get("/login/login.htm")).set_cookies)
    browser.cookies = {"sid": running.org.sign_in(ALICE).sid or ""}
    names = [line.partition("=")[0] for line in (await browser.get("/app/UserHome")).set_cookies]
    assert names == ["autolaunch_triggered", "activate_ca_modal_triggered", "JSESSIONID"]


async def test_a_post_without_length_is_refused(start: Serve) -> None:
    running = await start(Org())
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(b"POST /api/v1/sessions/me/lifecycle/refresh HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await writer.drain()
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 411 ")
