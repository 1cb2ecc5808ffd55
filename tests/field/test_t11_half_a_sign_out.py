"""Row T11: a client that asks for a sign-out and disconnects at once is signed out: refused everywhere, and closed at Okta."""

import asyncio
import socket
from pathlib import Path

import pytest

from gateway.dev.standin import Fault, Org
from tests.harness.browser import ALICE, FORM, HR, LOGIN
from tests.harness.polling import moment
from tests.harness.site import cookie_line, deployed
from tests.harness.wire import PATIENCE
from tests.harness.workers import several_workers

ME = "/api/v1/sessions/me"
SIGN_OUT = "/.gateway/sign-out"
TIMES = 15


def asked(origin: str, cookies: bytes) -> bytes:
    """The whole request of a sign-out."""
    host = origin.partition("://")[2]
    lines = (f"POST {SIGN_OUT} HTTP/1.1", f"Host: {host}", f"Origin: {origin}", "Sec-Fetch-Site: same-origin", "Content-Length: 3")
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    return "\r\n".join(lines).encode() + b"\r\n" + form + cookies + b"\r\nto="


async def nobody_lives(org: Org) -> None:
    async with asyncio.timeout(PATIENCE):
        while org.sessions.active():
            await moment()


async def leaves_at_once(port: int, request: bytes) -> None:
    """Send it, and close the connection without reading."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    writer.transport.abort()


@pytest.mark.parametrize("origin", [HR, LOGIN])
async def test_t11_whoever_leaves_behind_the_request_is_revoked_and_closed_every_time(origin: str) -> None:
    async with deployed() as site:
        for _ in range(TIMES):
            browser = await site.entered(ALICE)
            passed = cookie_line(browser, HR)
            await leaves_at_once(site.gateway.public_port, asked(origin, cookie_line(browser, origin)))
            await nobody_lives(site.org)
            assert (await site.ask("/", passed)).status in (302, 401)
        assert site.seen(ME, "DELETE") == TIMES


@pytest.mark.parametrize("method", ["DELETE", "GET"])
@pytest.mark.parametrize("origin", [HR, LOGIN])
async def test_t11_whoever_leaves_while_okta_is_asked_is_closed_when_it_answers(method: str, origin: str) -> None:
    async with deployed() as site:
        browser = await site.entered(ALICE)
        held = Fault(ME, method, release=asyncio.Event())
        site.org.faults.add(held)
        before = site.seen(ME, method)
        wire = await site.connect()
        await wire.say(asked(origin, cookie_line(browser, origin)))
        await site.org.journal.seen(method, ME, times=before + 1)
        wire.writer.transport.abort()
        await wire.close()
        assert held.release is not None
        held.release.set()
        await nobody_lives(site.org)


@pytest.mark.parametrize("way", ["GET /login/signout", "DELETE /api/v1/sessions/me"])
async def test_t11_oktas_own_sign_out_holds_when_the_client_leaves_before_it_is_forwarded(way: str) -> None:
    async with deployed() as site:
        browser = await site.entered(ALICE)
        method, path = way.split()
        fields = b"Sec-Fetch-Site: same-origin\r\nAccept: text/html\r\n" + cookie_line(browser, LOGIN)
        line = f"{method} {path} HTTP/1.1\r\nHost: login.example.com\r\n".encode()
        await leaves_at_once(site.gateway.public_port, line + fields + b"\r\n")
        await nobody_lives(site.org)
        assert (await site.ask("/", cookie_line(browser, HR))).status in (302, 401)


async def test_t11_when_the_state_cannot_be_written_the_session_is_closed_at_okta_and_the_log_says_it(tmp_path: Path) -> None:
    session = f'ttl = "30m"\nttl_max = "30m"\n[state]\ndirectory = "{tmp_path}"'
    async with deployed(session=session) as site:
        browser = await site.entered(ALICE)
        passed = cookie_line(browser, HR)
        (tmp_path / "state.db").unlink()
        (tmp_path / "state.db").mkdir()
        reply = await browser.post(f"{HR}{SIGN_OUT}", "to=", {**FORM, "Origin": HR})
        assert reply.status == 303 and site.org.sessions.active() == []
        assert (await site.ask("/", passed)).status in (302, 401)
        assert [line["reason"] for line in site.lines if line["event"] == "sign_out_not_shared"] != []


async def test_t11_when_the_state_cannot_be_written_oktas_own_sign_out_still_reaches_okta(tmp_path: Path) -> None:
    async with deployed(session=f'[state]\ndirectory = "{tmp_path}"') as site:
        browser = await site.entered(ALICE)
        passed = cookie_line(browser, HR)
        (tmp_path / "state.db").unlink()
        (tmp_path / "state.db").mkdir()
        await browser.ask(f"{LOGIN}{ME}", "DELETE", {"Sec-Fetch-Site": "same-origin"})
        await nobody_lives(site.org)
        assert (await site.ask("/", passed)).status in (302, 401)


async def test_t11_with_several_workers_a_sign_out_goes_on_without_its_client_every_time(tmp_path: Path) -> None:
    async with several_workers(tmp_path) as running:
        for number in range(1, TIMES + 1):
            _, line = await running.entered()
            held = Fault(ME, "DELETE", release=asyncio.Event())
            running.org.faults.add(held)
            _, writer = await asyncio.open_connection("127.0.0.1", running.port)  # whichever worker the kernel chooses
            writer.write(asked(HR, f"{line}\r\n".encode()))
            await running.org.journal.seen("DELETE", ME, times=number)
            writer.transport.abort()
            assert held.release is not None
            held.release.set()
            await nobody_lives(running.org)
            caller = await running.caller()
            assert (await caller.ask("/", line))[0] == 401


async def test_t11_a_sign_out_that_ends_with_its_connection_is_carried_out_every_time(tmp_path: Path) -> None:
    """The last byte and the end of the connection come in one turn of the loop."""
    async with several_workers(tmp_path) as running:
        for _ in range(TIMES):
            _, line = await running.entered()
            with socket.create_connection(("127.0.0.1", running.port)) as client:
                client.sendall(asked(HR, f"{line}\r\n".encode()))
            await nobody_lives(running.org)
