"""Row T13: bodies that must be read whole before a decision share a limited number of bytes. One client gets an eighth of them."""

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.policy.session.passes import Pass, Passes
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import SessionCookie
from tests.attacks.memory import MEBIBYTE, memory
from tests.harness.browser import ALICE, LOGIN
from tests.harness.gateway import of_one_process
from tests.harness.site import Site, deployed
from tests.harness.wire import PATIENCE, Wire

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
AT_ORG = b"POST /login/sessionCookieRedirect HTTP/1.1\r\nHost: login.example.com\r\n" + FORM
SWITCH = b"POST /.gateway/switch HTTP/1.1\r\nHost: login.example.com\r\nOrigin: https://login.example.com\r\n" + FORM
PIECE = b"x" * 16 * 1024
STRANGER = "127.0.0.9"


@asynccontextmanager
async def _unfinished(site: Site, head: bytes, size: int, count: int, addresses: Sequence[str]) -> AsyncIterator[list[Wire]]:
    """So many forms of which the last byte never comes."""
    wires: list[Wire] = []

    async def begin(number: int) -> None:
        address = addresses[number % len(addresses)], 0
        wire = Wire(*await asyncio.open_connection("127.0.0.1", site.gateway.public_port, local_addr=address))
        wires.append(wire)
        with suppress(ConnectionError):
            await wire.say(head + b"Content-Length: %d\r\n\r\n" % size)
            for _ in range(size // len(PIECE) - 1):
                await wire.say(PIECE)
            await wire.say(PIECE[1:])

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*map(begin, range(count)))
    try:
        yield wires
    finally:
        for wire in wires:
            wire.writer.transport.abort()
        await asyncio.gather(*(wire.close() for wire in wires))


async def _refused(wires: list[Wire], least: int) -> list[bytes]:
    """The heads of the answers, as soon as there are so many."""
    reading = {asyncio.create_task(wire.head()) for wire in wires}
    answered: set[asyncio.Task[bytes]] = set()
    async with asyncio.timeout(PATIENCE):
        while len(answered) < least:
            answered |= (await asyncio.wait(reading - answered, return_when=asyncio.FIRST_COMPLETED))[0]
    for task in reading - answered:
        task.cancel()
    await asyncio.wait(reading)
    return [task.result() for task in answered]


@of_one_process
@pytest.mark.parametrize(("head", "size"), [(AT_ORG, 256 * 1024), (SWITCH, 768 * 1024)], ids=["login", "switch"])
async def test_t13_400_unfinished_forms_take_little_memory_and_a_user_signs_in_meanwhile(head: bytes, size: int) -> None:
    async with deployed() as site:
        await site.entered(ALICE)
        gc.collect()
        before = memory()
        async with _unfinished(site, head, size, 400, [STRANGER]) as wires:
            heads = await _refused(wires, 400 - 8 * MEBIBYTE // (size - 4 * 1024) - 1)
            assert all(head.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: 1\r\n" in head for head in heads)
            grown = memory() - before
            assert grown < 48 * MEBIBYTE  # the clients of this test, which live in the same process, included
            assert await site.signed_in(ALICE)
            reply = await site.ask("/login/sessionCookieRedirect", FORM, origin=LOGIN, method="POST", body=b"y" * 200 * 1024)
            assert reply.status != 503
        assert await _is_taken(site, head, size)  # the room is free again


async def _is_taken(site: Site, head: bytes, size: int, address: str = STRANGER) -> bool:
    """Whether a whole form from there finds room."""
    wire = Wire(*await asyncio.open_connection("127.0.0.1", site.gateway.public_port, local_addr=(address, 0)))
    await wire.say(head + b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
    answer = await wire.head()
    await wire.close()
    return not answer.startswith(b"HTTP/1.1 503 ")


@of_one_process
async def test_t13_where_strangers_fill_everything_a_small_form_still_finds_room() -> None:
    strangers = [f"127.0.1.{number}" for number in range(1, 11)]
    size = 768 * 1024
    async with deployed() as site:
        async with _unfinished(site, SWITCH, size, 200, strangers) as wires:
            await _refused(wires, 200 - 64 * MEBIBYTE // (size - 4 * 1024) - 1)
            assert not await _is_taken(site, SWITCH, size, "127.0.0.5")
            assert await _is_taken(site, AT_ORG, 4 * 1024, "127.0.0.5")
            assert await site.signed_in(ALICE)
        assert await _is_taken(site, SWITCH, size, "127.0.0.5")


async def test_t13_a_pass_longer_than_a_browser_keeps_is_good_and_not_remembered() -> None:
    passes = Passes(Sealer([b"k" * 32], secrets.token_bytes))
    for number in range(100):
        held = Pass((SessionCookie(b"sid", b"%d" % number + b"x" * 40_000),), "user", "session", 0.0)
        text = passes.seal("hr.example.com", held)
        opened = passes.open("hr.example.com", text)
        assert opened is not None and opened.held == held and passes.open("hr.example.com", text) is not opened
    short = passes.seal("hr.example.com", Pass((SessionCookie(b"sid", b"x"),), "user", "session", 0.0))
    assert passes.open("hr.example.com", short) is passes.open("hr.example.com", short)
