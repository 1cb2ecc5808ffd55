"""Debian's Tomcat: a day at work in Chromium, with its own sign-in, a form, a file and a WebSocket; and what else clients send."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE, BOB
from tests.field.real_apps import FOLDER
from tests.field.real_apps.arrangement import Arrangement, arranged, enters_the_desk, hears, ran, sends_the_form
from tests.field.real_apps.desks import TEXT, TOMCAT
from tests.field.real_apps.odd_requests import answered_alike
from tests.harness.polling import moment
from tests.harness.wire import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = TEXT.encode()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def tomcat(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arrangement]:
    async with arranged(TOMCAT.missing(), TOMCAT.running(tmp_path_factory.mktemp("tomcat"))) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def alice(tomcat: Arrangement) -> bytes:
    """Her Cookie line."""
    return await tomcat.signed_in(ALICE)


async def test_a_day_at_work_and_the_next_user_begins_anew(tomcat: Arrangement, arrive: Arrive) -> None:
    visitor = await arrive(tomcat.stage)
    for name, login, person in (("alice", ALICE, "Amy"), ("bob", BOB, "Ben")):
        await visitor.enter(name)
        await enters_the_desk(visitor, person)
        await expect(visitor.page.locator("#sid")).to_have_text("none")
        await sends_the_form(visitor, login, person)
        await hears(visitor, f"{login}: grüß dich")


async def test_the_next_user_in_another_tab_ends_the_websocket(tomcat: Arrangement, arrive: Arrive) -> None:
    visitor = await arrive(tomcat.stage)
    visitor.is_losing_sessions = True
    await visitor.enter("alice")
    await enters_the_desk(visitor, "Amy")
    await sends_the_form(visitor, ALICE, "Amy")
    await hears(visitor, f"{ALICE}: grüß dich")
    first, visitor.page = visitor.page, await visitor.tab_at_the_portal()
    await visitor.press("bob")
    await expect(first.locator("#heard")).to_have_text("closed 1008")


async def test_a_head_has_the_length_of_the_page_and_no_body(tomcat: Arrangement, alice: bytes) -> None:
    reply = await tomcat.ask("/text.html", alice, "HEAD")
    assert (reply.status, reply.values("Content-Length"), reply.body) == (200, [str(len(PAGE))], b"")


async def test_parts_of_a_page(tomcat: Arrangement, alice: bytes) -> None:
    whole = await tomcat.ask("/text.html", alice)
    assert whole.body == PAGE
    part = await tomcat.ask("/text.html", alice + b"Range: bytes=10-19\r\nIf-Range: " + whole.values("ETag")[0].encode() + b"\r\n")
    assert (part.status, part.body) in ((206, PAGE[10:20]), (200, PAGE))  # Tomcat's tag is a weak one
    part = await tomcat.ask("/text.html", alice + b"Range: bytes=10-19\r\n")
    assert (part.status, part.values("Content-Range"), part.body) == (206, [f"bytes 10-19/{len(PAGE)}"], PAGE[10:20])
    parts = await tomcat.ask("/text.html", alice + b"Range: bytes=0-1,-5\r\n")
    assert parts.status == 206 and parts.values("Content-Type")[0].startswith("multipart/byteranges")
    assert PAGE[:2] + b"\r\n" in parts.body and PAGE[-5:] + b"\r\n" in parts.body
    assert (await tomcat.ask("/text.html", alice + b"Range: bytes=99999999-\r\n")).status == 416


async def test_a_page_that_has_not_changed(tomcat: Arrangement, alice: bytes) -> None:
    tag = (await tomcat.ask("/text.html", alice)).values("ETag")[0]
    assert (await tomcat.ask("/text.html", alice + f"If-None-Match: {tag}\r\n".encode())).status == 304


async def test_a_compressed_page(tomcat: Arrangement, alice: bytes) -> None:
    whole = await ran("curl", "-s", "--compressed", *of(tomcat, alice), at(tomcat, "/text.html"))
    assert whole == PAGE
    reply = await tomcat.ask("/text.html", alice + b"Accept-Encoding: gzip\r\n")
    assert (
        reply.values("Content-Encoding") == ["gzip"]
        and len(reply.body) < len(PAGE) / 4
        and [one.lower() for one in reply.values("Vary")] == ["accept-encoding"]
    )


async def test_what_the_server_can_do_is_asked_of_a_path_and_not_of_a_star(tomcat: Arrangement, alice: bytes) -> None:
    reply = await tomcat.ask("/text.html", alice, "OPTIONS")
    assert (reply.status, reply.values("Allow")) == (200, ["OPTIONS, GET, HEAD, POST"])
    assert (await tomcat.ask("*", alice, "OPTIONS")).status == 400


async def test_an_upload_that_waits_to_be_asked_for(tomcat: Arrangement, alice: bytes) -> None:
    waiting = ("-H", "Expect: 100-continue", "--expect100-timeout", "30", "--data-binary", "@-")
    body = b"x" * 3_000_000
    to_count, to_nobody = at(tomcat, "/tools/count"), at(tomcat, "/tools/refuses")
    assert await ran("curl", "-s", *of(tomcat, alice), *waiting, to_count, said=body) == b"3000000"
    refused = await ran("curl", "-s", "-w", "%{http_code}", "-o", "/dev/null", *of(tomcat, alice), *waiting, to_nobody, said=body)
    assert refused == b"403", "though nobody has read it"


async def test_javas_own_client_is_answered_by_http_1(tomcat: Arrangement, alice: bytes) -> None:
    said = await ran(
        *("java", "-Djdk.httpclient.allowRestrictedHeaders=host", "-XX:TieredStopAtLevel=1", str(FOLDER / "Client.java")),
        *(f"http://127.0.0.1:{tomcat.stage.where.port}", tomcat.host, alice.decode().strip().removeprefix("Cookie: ")),
    )
    assert said == b"HTTP_1_1 200 200000\n" * 2


async def test_an_offer_of_h2c_never_reaches_it(tomcat: Arrangement, alice: bytes) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    head = b"GET /text.html HTTP/1.1\r\nHost: HOST\r\n"
    assert (await tomcat.status_of_the_app_itself(head + offer + b"\r\n")).startswith(b"HTTP/1.1 101 "), "Tomcat would take it"
    said = await tomcat.raw(head + offer + alice + b"\r\n")
    assert said.startswith(b"HTTP/1.1 200 ") and said.endswith(PAGE)


async def test_trailers_of_an_answer_leave_the_next_one_whole(tomcat: Arrangement, alice: bytes) -> None:
    again = b"GET /tools/trailers HTTP/1.1\r\nHost: HOST\r\nTE: trailers\r\n" + alice
    said = await tomcat.raw((again + b"\r\n") * 3 + again + b"Connection: close\r\n\r\n")
    assert said.count(b"HTTP/1.1 200 ") == said.count(b"\r\nhello\r\n0\r\n") == 4


async def test_a_long_poll_ends_with_its_session(tomcat: Arrangement) -> None:
    alice, bob = await tomcat.signed_in(ALICE), await tomcat.signed_in(BOB)
    polls = [asyncio.create_task(tomcat.ask("/tools/poll", line)) for line in (alice, bob)]
    async with asyncio.timeout(PATIENCE):
        while (await tomcat.ask("/tools/waiting", bob)).body != b"2":
            await moment(0.02)
    from_the_app = f"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nOrigin: {tomcat.app}\r\n"
    assert (await tomcat.ask("/.gateway/sign-out", alice + from_the_app.encode(), "POST")).status == 303
    with pytest.raises(ConnectionResetError):
        await polls[0]
    await tomcat.ask("/tools/wake", bob, "POST")
    assert (await polls[1]).body == f"news for {BOB}".encode()


async def test_what_else_programs_send_is_answered_as_without_the_gateway(tomcat: Arrangement) -> None:
    await answered_alike(tomcat, await tomcat.signed_in(ALICE), "/text.html", "/tools/count")


def of(tomcat: Arrangement, cookies: bytes) -> tuple[str, ...]:
    """What curl says with each request."""
    return "-H", cookies.decode().strip(), "-H", f"Host: {tomcat.host}"


def at(tomcat: Arrangement, path: str) -> str:
    return f"http://127.0.0.1:{tomcat.stage.where.port}{path}"
