"""T12 and T21: a client that keeps many connections or unfinished bodies open does not block other clients."""

import asyncio

import pytest

from gateway.edge.rules import ClientRules
from tests.harness.browser import ALICE
from tests.harness.polling import moment
from tests.harness.site import FETCH, deployed
from tests.harness.wire import PATIENCE, Wire

OWN = b"GET /.gateway/session HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n\r\n"
UPLOAD = b"POST /public/x HTTP/1.1\r\nHost: hr.example.com\r\nContent-Length: 100000000\r\n\r\n"


async def _from(address: str, port: int) -> Wire:
    return Wire(*await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)))


async def _asked_from(address: str, port: int) -> bytes:
    wire = await _from(address, port)
    try:
        return await wire.ask(OWN)
    finally:
        await wire.close()


async def test_t12_one_address_cannot_take_all_connections() -> None:
    async with deployed(listen="connections = 40") as site:
        port, held = site.gateway.public_port, []
        for _ in range(60):
            held.append(await _from("127.0.0.7", port))
        other = await _from("127.0.0.8", port)
        assert (await other.ask(OWN)).startswith(b"HTTP/1.1 401 ")
        told = [await wire.rest() for wire in held[-20:]]
        assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in told)
        for wire in (*held, other):
            await wire.close()
        async with asyncio.timeout(PATIENCE):
            while not (await _asked_from("127.0.0.7", port)).startswith(b"HTTP/1.1 401 "):
                await moment(0.02)


async def test_t12_a_front_proxy_that_is_listed_brings_many_clients() -> None:
    async with deployed(listen='connections = 40\ntrusted_proxies = ["127.0.0.7/32"]') as site:
        held = [await _from("127.0.0.7", site.gateway.public_port) for _ in range(39)]
        assert (await held[-1].ask(OWN)).startswith(b"HTTP/1.1 401 ")
        for wire in held:
            await wire.close()


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /a HTTP/1.1\r\nHost: hr"])
async def test_t12_who_says_nothing_is_gone_in_time(sent: bytes) -> None:
    async with deployed(listen='head_timeout = "300ms"') as site:
        wire = await site.connect()
        await wire.say(sent)
        answer = await wire.rest()
        assert answer.startswith(b"HTTP/1.1 408 ") if sent.startswith(b"GET") else answer == b""


async def test_t21_slow_bodies_shut_the_door_for_nobody() -> None:
    """100 uploads that do not go on, from one address, to a public path: others come in, and so does a signed-in user."""
    async with deployed() as site:
        cookie = await site.signed_in(ALICE)
        slow = [await _from("127.0.0.7", site.gateway.public_port) for _ in range(100)]
        for wire in slow:
            await wire.say(UPLOAD + b"x")
        assert (await site.raw(b"GET /a HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n" + FETCH + cookie + b"\r\n")).startswith(
            b"HTTP/1.1 200 "
        )
        for wire in slow:
            await wire.close()


def test_t21_a_body_has_a_least_rate() -> None:
    """``edge.connection``: half a minute, and a second more for each 500 bytes; its own test runs with shorter times."""
    assert ClientRules().body_seconds == 30.0 and ClientRules().least_body_rate == 500
