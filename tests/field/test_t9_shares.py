"""Row T9: one address with many unfinished uploads does not keep other users from signing in."""

import asyncio

import pytest

from tests.harness.browser import LOGIN
from tests.harness.site import NAVIGATE, Site, deployed

FLOOD = 110
PROXIED = 'trusted_proxies = ["127.0.0.1/32"]'


async def uploads(site: Site, host: bytes, length: int, count: int, address: bytes = b"192.0.2.66") -> None:
    """So many uploads from one address that do not end."""
    for _ in range(count):
        wire = await site.connect()
        head = b"POST /slow HTTP/1.1\r\nHost: " + host + b"\r\nX-Forwarded-For: " + address + b"\r\n"
        await wire.say(head + b"Content-Length: %d\r\n\r\nx" % length)


@pytest.mark.parametrize("length", [9_999, 10_000_000])
async def test_t9_unfinished_uploads_of_one_address_leave_the_sign_in_to_others(length: int) -> None:
    async with deployed(listen=PROXIED) as site:
        await uploads(site, b"login.example.com", length, FLOOD)
        for number in range(10):
            reply = await site.ask("/login/login.htm", NAVIGATE + b"X-Forwarded-For: 198.51.100.%d\r\n" % number, origin=LOGIN)
            assert reply.status == 200


async def test_t9_uploads_of_one_ipv6_network_are_those_of_one_client() -> None:
    async with deployed(listen=PROXIED) as site:
        for number in range(FLOOD):
            await uploads(site, b"login.example.com", 10_000_000, 1, b"2001:db8::%x" % number)
        replies = [
            site.ask("/login/login.htm", NAVIGATE + b"X-Forwarded-For: 2001:db8:0:%x::1\r\n" % n, origin=LOGIN) for n in range(1, 11)
        ]
        assert [reply.status for reply in await asyncio.gather(*replies)] == [200] * 10
