"""T18: requests are read the same way, however they are cut into packets."""

import asyncio
import random

import pytest

from tests.attacks.strict import HERE, strict

GET = b"GET /get?a=1 HTTP/1.1\r\n" + HERE + b"\r\n"
FORM = b"POST /form HTTP/1.1\r\n" + HERE + b"Content-Length: 7\r\n\r\nGET / H"
CHUNKED = b"PUT /chunked HTTP/1.1\r\n" + HERE + b"Transfer-Encoding: chunked\r\n\r\n3\r\nGGE\r\n4;x=1\r\nT /c\r\n0\r\nX-T: 1\r\n\r\n"
LINES = {GET: b"GET /get?a=1 HTTP/1.1", FORM: b"POST /form HTTP/1.1", CHUNKED: b"PUT /chunked HTTP/1.1"}
PAIRS = [(first, second) for first in LINES for second in LINES]


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_t18_two_requests_cut_at_every_place_are_two_requests(first: bytes, second: bytes) -> None:
    async with strict() as tried:
        wire, sent = await tried.site.connect(), first + second
        for cut in range(1, len(sent)):
            tried.whole.clear()
            await wire.say(sent[:cut])
            await asyncio.sleep(0)
            await wire.say(sent[cut:])
            for _ in range(2):
                assert (await wire.head()).startswith(b"HTTP/1.1 200 ") and await wire.exactly(5) == b"hello"
            assert tried.whole == [LINES[first], LINES[second]]


@pytest.mark.parametrize("seed", range(20))
async def test_t18_many_requests_in_packets_of_any_size_are_those_requests(seed: int) -> None:
    chance = random.Random(seed)
    requests = [chance.choice([*LINES]) for _ in range(30)]
    sent = b"".join(requests)
    async with strict() as tried:
        wire = await tried.site.connect()
        asking = asyncio.create_task(_in_packets(wire.writer, sent, chance))
        for _ in requests:
            assert (await wire.head()).startswith(b"HTTP/1.1 200 ") and await wire.exactly(5) == b"hello"
        await asking
        assert tried.whole == [LINES[request] for request in requests]


async def _in_packets(writer: asyncio.StreamWriter, sent: bytes, chance: random.Random) -> None:
    at = 0
    while at < len(sent):
        size = chance.choice((1, 2, 3, 7, 40, 200, 2000))
        writer.write(sent[at : at + size])
        await writer.drain()
        at += size
        await asyncio.sleep(0)
