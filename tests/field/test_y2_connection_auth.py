"""Row Y2: an app that authenticates the connection (NTLM, Negotiate). No other user's request may use that connection.

The app plays the server's part of NTLM (Microsoft MS-NLMP, the three messages) as IIS does: the sender of the third message is the user of
everything that follows on that connection. It checks no password, because only the user of each connection is tested here. A real app is
tested in ``test_y2_real_ntlm``.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.field.ntlm import TYPE_ONE, NtlmApp, asked, signs_in, third
from tests.harness.app import Visit
from tests.harness.browser import BOB
from tests.harness.site import Site, deployed
from tests.harness.wire import PATIENCE


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed() as made:
        yield made


@pytest.mark.parametrize("scheme", [b"ntlm", b"Negotiate", b"NEGOTIATE"])
async def test_y2_bob_never_gets_alices_windows_user(scheme: bytes) -> None:
    async with deployed() as site:
        app = site.behind.script = NtlmApp(scheme)
        alice, bob = await site.signed_in(), await site.signed_in(BOB)
        hers, his = await site.connect(), await site.connect()
        for number in range(250):
            if number % 50 == 0:
                assert (await signs_in(hers, alice, "alice", scheme))[1] == b"alice alice@example.com"
            assert (await asked(his, bob, b"/page"))[1] == b"nobody bob@example.com"
            assert (await asked(hers, alice))[1] == b"alice alice@example.com"
        assert app.handshakes == 5


async def test_y2_users_that_a_front_proxy_pools_on_one_connection_stay_apart() -> None:
    async with deployed(listen='trusted_proxies = ["127.0.0.1/32"]') as site:
        site.behind.script = NtlmApp()
        alice, bob = await site.signed_in(), await site.signed_in(BOB)
        shared = await site.connect()
        one, other = b"X-Forwarded-For: 192.0.2.1\r\n", b"X-Forwarded-For: 192.0.2.2\r\n"
        assert (await signs_in(shared, one + alice, "alice"))[1] == b"alice alice@example.com"
        for _ in range(100):
            assert (await asked(shared, other + bob, b"/page"))[1] == b"nobody bob@example.com"
            assert (await asked(shared, one + alice))[1] == b"alice alice@example.com"


@pytest.mark.parametrize("proxied", [True, False])
async def test_y2_nobodys_sign_in_at_a_public_path_is_not_shared(proxied: bool) -> None:
    """Behind a front proxy two strangers may have one address; alone on a connection, the sign-in lasts."""
    async with deployed(listen='trusted_proxies = ["127.0.0.1/32"]') as site:
        site.behind.script = NtlmApp()
        wire, fields = await site.connect(), b"X-Forwarded-For: 192.0.2.1\r\n" if proxied else b""
        for message, status in ((TYPE_ONE, 401), (third("alice"), 200)):
            told = await asked(wire, fields, b"/public/windows", b"Authorization: NTLM " + message + b"\r\n")
            assert told[0] == status
        assert told[1] == b"alice -"
        assert (await asked(wire, fields, b"/public/page"))[1] == (b"nobody -" if proxied else b"alice -")


@pytest.mark.parametrize(
    "more", [b"WWW-Authenticate: Negotiate oYG2\r\n", b'WWW-Authenticate: Basic realm="x", nTLM\r\n', b"Persistent-Auth: true\r\n"]
)
async def test_y2_a_connection_that_was_answered_so_is_not_pooled(site: Site, more: bytes) -> None:
    site.behind.script = NtlmApp(more=more)
    alice = await site.signed_in()
    before, wire = site.behind.connections, await site.connect()
    for _ in range(3):
        assert (await asked(wire, alice, b"/page"))[0] == 200
    assert site.behind.connections == before + 3 or site.behind.connections == before + 2  # the walk may have left one


async def test_y2_the_connection_dies_with_its_client(site: Site) -> None:
    app = site.behind.script = NtlmApp()
    alice, wire = await site.signed_in(), await site.connect()
    assert (await signs_in(wire, alice, "alice"))[0] == 200
    await wire.close()
    (signed_in,) = app.users
    assert isinstance(signed_in, asyncio.StreamWriter)
    async with asyncio.timeout(PATIENCE / 5):  # sooner than an idle connection is given up
        await signed_in.wait_closed()


async def test_y2_the_connection_dies_with_its_session(site: Site) -> None:
    app = site.behind.script = NtlmApp()
    browser = await site.entered()
    line = f"Cookie: {'; '.join(f'{name}={value}' for name, value in browser.jar('https://hr.example.com').items())}\r\n".encode()
    wire = await site.connect()
    assert (await signs_in(wire, line, "alice"))[0] == 200
    reply = await browser.post("https://hr.example.com/.gateway/sign-out")
    assert reply.status < 400
    (signed_in,) = app.users
    assert isinstance(signed_in, asyncio.StreamWriter)
    async with asyncio.timeout(PATIENCE / 5):
        await signed_in.wait_closed()


async def test_y2_another_session_on_the_same_connection_ends_it(site: Site) -> None:
    site.behind.script = NtlmApp()
    alice, bob, wire = await site.signed_in(), await site.signed_in(BOB), await site.connect()
    assert (await signs_in(wire, alice, "alice"))[0] == 200
    assert (await asked(wire, bob, b"/page"))[1] == b"nobody bob@example.com"
    assert (await asked(wire, alice, b"/page"))[1] == b"nobody alice@example.com"


async def test_y2_a_websocket_takes_the_connection_of_its_user(site: Site) -> None:
    app, seen = NtlmApp(), list[str]()
    alice, bob, wire = await site.signed_in(), await site.signed_in(BOB), await site.connect()

    async def script(visit: Visit) -> None:
        if visit.value(b"upgrade") is None:
            return await app(visit)
        seen.append(app.users.get(visit.writer, "nobody"))
        await visit.say(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    site.behind.script = script
    shake = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    shake += b"Origin: https://hr.example.com\r\n"
    assert (await signs_in(wire, alice, "alice"))[0] == 200
    assert (await asked(await site.connect(), bob, b"/socket", shake))[0] == 403
    assert (await asked(wire, alice, b"/socket", shake))[0] == 403
    assert seen == ["nobody", "alice"]
