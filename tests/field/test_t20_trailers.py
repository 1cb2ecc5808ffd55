"""T20: trailers count against the limits of fields, also without a session, and before the gateway waits for anything."""

import asyncio

from tests.attacks.strict import HERE, strict

HEAD = b"POST /x HTTP/1.1\r\n" + HERE + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"


async def test_t20_990_trailers_of_65_000_bytes_are_refused_at_once() -> None:
    async with strict() as tried:
        wire, line = await tried.site.connect(), b"X: " + b"x" * 65_000 + b"\r\n"
        wire.writer.write(HEAD)
        sent = 0
        for _ in range(990):
            if wire.writer.transport.is_closing() or wire.writer.transport.get_write_buffer_size() > 4_000_000:
                break
            wire.writer.write(line)
            sent += len(line)
            await asyncio.sleep(0)
        assert (await wire.rest()).startswith(b"HTTP/1.1 400 ") and tried.whole == []


async def test_t20_a_trailer_that_does_not_end_is_refused_at_once() -> None:
    async with strict() as tried:
        wire = await tried.site.connect()
        await wire.say(HEAD + b"X: " + b"x" * 70_000)
        assert (await wire.rest()).startswith(b"HTTP/1.1 400 ") and tried.whole == []
