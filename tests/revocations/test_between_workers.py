"""A revocation in one worker holds in all of them before its publisher goes on; who cannot confirm that is dead before it does."""

import asyncio
from dataclasses import dataclass

import pytest

from gateway import __version__
from gateway.core.session import Fingerprint
from gateway.errors import HungUp
from gateway.revocations import Revocation
from gateway.supervisor.channel import Channel
from gateway.supervisor.hand import Hand
from gateway.supervisor.messages import Begin, Complete, Heard, Hello, Memory, Message, Revoked
from tests.revocations.joined import Joined, Time, joined

ONE, OTHER = Fingerprint(b"1" * 16), Fingerprint(b"2" * 16)


@dataclass
class Silent:
    """A worker that does what tests tell it to, message by message."""

    hand: Hand
    channel: Channel

    @classmethod
    async def among(cls, crew: Joined) -> "Silent":
        """One that has said nothing yet."""
        return cls(*await crew.hand())

    async def next(self) -> Message | None:
        """What the supervisor says next."""
        async with asyncio.timeout(20):
            return await self.channel.receive()

    async def learns(self) -> None:
        """Say hello and confirm everything, as a worker must."""
        self.channel.send(Hello(__version__))
        while not isinstance(message := await self.next(), Complete):
            assert isinstance(message, Memory)
        self.channel.send(Heard(message.number))
        assert await self.next() == Begin()


async def test_it_holds_in_every_other_worker_when_publish_returns() -> None:
    async with joined() as crew:
        lines = [await crew.worker() for _ in range(4)]
        await lines[1].revocations.publish(Revocation((ONE,), "102abc", "00u1"))
        for line in lines:
            assert line.revocations.has_cookie((ONE,)) and line.revocations.has_session("102abc")
            assert line.revocations.user_since("00u1") is not None
        assert crew.killed == []


async def test_it_is_in_force_in_its_own_worker_before_the_first_wait() -> None:
    async with joined() as crew:
        line = await crew.worker()
        publishing = asyncio.create_task(line.revocations.publish(Revocation((ONE,))))
        await asyncio.sleep(0)
        assert line.revocations.has_cookie((ONE,)) and not publishing.done()
        await publishing


async def test_listeners_of_the_other_workers_hear_it_before_publish_returns() -> None:
    async with joined() as crew:
        here, there = await crew.worker(), await crew.worker()
        heard: list[Revocation] = []
        there.revocations.subscribe(heard.append)
        await here.revocations.publish(Revocation((ONE,), unseen=(ONE,)))
        assert heard == [Revocation((ONE,), unseen=(ONE,))]


async def test_workers_may_revoke_at_the_same_time() -> None:
    async with joined() as crew:
        lines = [await crew.worker() for _ in range(3)]
        marks = [Fingerprint(b"%016d" % number) for number in range(60)]
        await asyncio.gather(*(lines[number % 3].revocations.publish(Revocation((mark,))) for number, mark in enumerate(marks)))
        assert all(line.revocations.has_cookie((mark,)) for line in lines for mark in marks)


async def test_publish_waits_for_a_worker_that_has_not_confirmed() -> None:
    async with joined() as crew:
        line, slow = await crew.worker(), await Silent.among(crew)
        await slow.learns()
        publishing = asyncio.create_task(line.revocations.publish(Revocation((ONE,))))
        message = await slow.next()
        assert isinstance(message, Revoked) and message.revocation == Revocation((ONE,)) and not publishing.done()
        slow.channel.send(Heard(message.number))
        await publishing
        assert crew.killed == []
        await slow.channel.aclose()


async def test_a_worker_that_never_confirms_is_killed_and_counts_as_told() -> None:
    async with joined() as crew:
        line, dumb = await crew.worker(), await Silent.among(crew)
        await dumb.learns()
        await line.revocations.publish(Revocation((ONE,)))
        assert crew.killed == [dumb.hand.number]
        await dumb.channel.aclose()


async def test_a_worker_whose_channel_is_gone_is_made_sure_of() -> None:
    async with joined() as crew:
        line, gone = await crew.worker(), await Silent.among(crew)
        await gone.learns()
        publishing = asyncio.create_task(line.revocations.publish(Revocation((ONE,))))
        assert isinstance(await gone.next(), Revoked)
        await gone.channel.aclose()
        await publishing
        assert crew.killed == [gone.hand.number]


async def test_a_worker_that_is_still_learning_keeps_nobody_waiting_and_hears_it_before_it_may_begin() -> None:
    async with joined() as crew:
        line, new = await crew.worker(), await Silent.among(crew)
        await line.revocations.publish(Revocation((ONE,)))
        new.channel.send(Hello(__version__))
        memory, complete = await new.next(), await new.next()
        assert isinstance(memory, Memory) and [entry.revocation for entry in memory.entries] == [Revocation((ONE,))]
        assert isinstance(complete, Complete)
        await line.revocations.publish(Revocation((OTHER,)))
        new.channel.send(Heard(complete.number))
        assert await new.next() == Revoked(0, Revocation((OTHER,)))
        assert await new.next() == Begin()
        await new.channel.aclose()


async def test_a_new_worker_knows_everything_revoked_before_it_however_much_that_is() -> None:
    async with joined(largest=5000) as crew:
        first = await crew.worker(largest=5000)
        marks = tuple(Fingerprint(b"%016d" % number) for number in range(2500))
        await first.revocations.publish(Revocation(marks[:1500], "102abc", "00u1"))
        await first.revocations.publish(Revocation(marks[1500:], unseen=marks[1500:]))
        late = await crew.worker(largest=5000)
        assert all(late.revocations.has_cookie((mark,)) for mark in marks)
        assert late.revocations.has_session("102abc") and late.revocations.user_since("00u1") is not None


async def test_a_new_worker_forgets_what_it_learnt_when_the_others_do() -> None:
    time = Time()
    async with joined(time) as crew:
        first = await crew.worker(time)
        await first.revocations.publish(Revocation((ONE,)))
        time.now += 50.0
        late = await crew.worker(time)
        assert late.revocations.has_cookie((ONE,))
        time.now += 10.0
        assert not first.revocations.has_cookie((ONE,)) and not late.revocations.has_cookie((ONE,))


async def test_the_others_are_told_even_if_the_publisher_dies_meanwhile() -> None:
    async with joined() as crew:
        publisher, slow, last = await crew.worker(), await Silent.among(crew), await crew.worker()
        await slow.learns()
        publishing = asyncio.create_task(publisher.revocations.publish(Revocation((ONE,))))
        message = await slow.next()
        assert isinstance(message, Revoked)
        await crew.ends(0)
        with pytest.raises(HungUp):
            await publishing
        slow.channel.send(Heard(message.number))
        heard = asyncio.Event()
        last.revocations.subscribe(lambda revocation: heard.set())
        if not last.revocations.has_cookie((ONE,)):
            async with asyncio.timeout(20):
                await heard.wait()
        assert crew.spreading.memory.has_cookie((ONE,)) and 1 not in crew.killed
        await slow.channel.aclose()


async def test_without_a_supervisor_publishing_says_that_nobody_was_told() -> None:
    async with joined() as crew:
        line = await crew.worker()
        await crew.ends(0)
        with pytest.raises(HungUp):
            await line.revocations.publish(Revocation((ONE,)))
        assert line.revocations.has_cookie((ONE,))


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ((Hello("0.0"),), "another version"),
        ((Hello(__version__), Hello(__version__)), "out of turn"),
        ((Begin(),), "out of turn"),
        ((Complete(1),), "out of turn"),
        ((Revoked(1, Revocation((ONE,))),), "out of turn"),
    ],
)
async def test_a_worker_that_says_what_it_must_not_is_listened_to_no_longer(said: tuple[Message, ...], fault: str) -> None:
    async with joined() as crew:
        strange = await Silent.among(crew)
        for message in said:
            strange.channel.send(message)
        while await strange.next() is not None:
            pass
        assert crew.faults == {0: fault}
        assert not crew.spreading.memory.has_cookie((ONE,))
        await strange.channel.aclose()


async def test_a_worker_does_not_count_as_listening_before_it_has_confirmed_what_it_learnt() -> None:
    async with joined() as crew:
        hasty = await Silent.among(crew)
        hasty.channel.send(Hello(__version__))
        hasty.channel._writer.write(b"\x00\x00\x00\x0d" + b'["listening"]')
        while await hasty.next() is not None:
            pass
        assert crew.faults == {0: "out of turn"} and not hasty.hand.listening.is_set()
        await hasty.channel.aclose()
