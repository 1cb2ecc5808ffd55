"""Messages on a pair of sockets: whole, in order, and never without bound."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from gateway.supervisor.channel import Channel
from gateway.supervisor.messages import BadMessage, Heard, Hello, Message, Stop, Told
from gateway.supervisor.replies import Replies
from gateway.supervisor.spelling import LARGEST_MESSAGE_BYTES


@pytest.fixture
async def wire() -> AsyncIterator[tuple[Channel, socket.socket]]:
    """One end as a channel, the other as a bare socket."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    channel = await Channel.on(ours)
    yield channel, theirs
    theirs.close()
    await channel.aclose()


async def send(to: socket.socket, said: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(to, said)


async def test_messages_come_whole_and_in_order_however_their_bytes_arrive(wire: tuple[Channel, socket.socket]) -> None:
    channel, theirs = wire
    written = b'\x00\x00\x00\x08["stop"]\x00\x00\x00\x0b["heard",7]'
    receiving = [asyncio.create_task(channel.receive())]
    for byte in written:
        await send(theirs, bytes((byte,)))
        await asyncio.sleep(0)
    assert await receiving[0] == Stop()
    assert await channel.receive() == Heard(7)


async def test_the_other_end_that_goes_is_told_from_one_that_says_nonsense(wire: tuple[Channel, socket.socket]) -> None:
    channel, theirs = wire
    await send(theirs, b"\x00\x00\x00\x04nope")
    with pytest.raises(BadMessage):
        await channel.receive()
    await send(theirs, b'\x00\x00\x00\x08["st')
    theirs.close()
    assert await channel.receive() is None


async def test_a_message_that_would_be_too_large_is_not_waited_for(wire: tuple[Channel, socket.socket]) -> None:
    channel, theirs = wire
    await send(theirs, (LARGEST_MESSAGE_BYTES + 1).to_bytes(4, "big"))
    with pytest.raises(BadMessage):
        await channel.receive()


async def test_an_end_that_does_not_read_is_given_up_and_not_waited_for_without_limit(wire: tuple[Channel, socket.socket]) -> None:
    channel, theirs = wire
    large = Told(1, "x" * (LARGEST_MESSAGE_BYTES // 2))
    with pytest.raises(BadMessage):
        for _ in range(100):
            assert channel.send(large)
    theirs.close()
    await channel.drain()
    await channel.aclose()
    assert not channel.send(Hello("late"))


async def test_what_was_sent_arrives_even_if_the_channel_is_closed_behind_it() -> None:
    ours, theirs = socket.socketpair()
    one, other = await Channel.on(ours), await Channel.on(theirs)
    large = Told(1, "x" * 1_000_000)
    one.send(large)
    closing = asyncio.create_task(one.aclose())
    assert await other.receive() == large
    assert await other.receive() is None
    await closing
    await other.aclose()


async def test_whoever_asks_gets_the_reply_to_that_very_question() -> None:
    replies: Replies[Message] = Replies()
    asked: list[int] = []

    def send(number: int) -> bool:
        asked.append(number)
        return True

    waits = [asyncio.create_task(replies.to(send, 20)) for _ in range(3)]
    await asyncio.sleep(0)
    for number in reversed(asked):
        replies.came(number, Told(number, str(number)))
    assert await asyncio.gather(*waits) == [Told(number, str(number)) for number in asked]
    replies.came(asked[0], Stop())


async def test_nobody_waits_when_the_channel_is_gone() -> None:
    replies: Replies[Message] = Replies()
    waiting = asyncio.create_task(replies.to(lambda number: True, 20))
    await asyncio.sleep(0)
    replies.end()
    assert await waiting is None
    assert await replies.to(lambda number: True, 20) is None
    assert await Replies[Message]().to(lambda number: False, 20) is None


async def test_a_reply_that_does_not_come_in_time_is_waited_for_no_longer() -> None:
    with pytest.raises(TimeoutError):
        await Replies[Message]().to(lambda number: True, 0)
