"""Revocations of every engine: what one publishes the others hear, with its age, in order, and nothing is missed."""

import asyncio
from pathlib import Path

from gateway.policy.session.session import Fingerprint
from gateway.revocations import REMEMBERED_SECONDS, Moved, Remembered, Revocation, Rotation
from gateway.shared_state import Bounds
from gateway.shared_state.published import MOVED_SECONDS
from tests.shared_state.engines import Engine, StateClock, together, until

ONE, OTHER, THIRD = (Fingerprint(bytes([number]) * 16) for number in (1, 2, 3))


async def test_what_one_publishes_all_others_hear_at_their_next_poll_and_it_does_not(
    engine: Engine, tmp_path: Path, times: StateClock
) -> None:
    async with together(engine, tmp_path, times) as states:
        heard: list[list[Remembered]] = [[], [], []]
        for state, mine in zip(states, heard, strict=True):
            await state.follow(mine.append)
        await states[0].publish(Revocation((ONE,), "102abc"))
        await states[1].publish(Revocation((OTHER,)))
        one, other = Remembered(Revocation((ONE,), "102abc"), 0.0), Remembered(Revocation((OTHER,)), 0.0)
        await until(lambda: heard == [[other], [one], [one, other]], *states)
        for state in states:
            state.poll()
        assert heard == [[other], [one], [one, other]]


async def test_whoever_begins_hears_everything_that_is_kept_oldest_first_with_its_age(
    engine: Engine, tmp_path: Path, times: StateClock
) -> None:
    rotation, moved = Rotation((ONE,), (OTHER,), "00u1"), Moved((ONE,), "00u1", "browser")
    async with together(engine, tmp_path, times) as (one, other, _):
        await one.publish(Revocation((ONE,), "102abc", "00u1", everybody=True))
        times.passes(5.0)
        await other.publish(Revocation((THIRD,), unseen=(THIRD,)))
        times.passes(1.0)
        await one.publish(Revocation(rotation=rotation))
        await one.publish(Revocation(held=(OTHER,)))
        times.passes(1.0)
        await one.publish(Revocation(moved=moved))
        heard: list[Remembered] = []
        await other.follow(heard.append)
        assert heard == [
            Remembered(Revocation((ONE,), "102abc", "00u1", everybody=True), 7.0),
            Remembered(Revocation((THIRD,), unseen=(THIRD,)), 2.0),
            Remembered(Revocation(rotation=rotation), 1.0),
            Remembered(Revocation(held=(OTHER,)), 1.0),
            Remembered(Revocation(moved=moved), 0.0),
        ]
        times.passes(MOVED_SECONDS)
        heard.clear()
        await other.follow(heard.append)
        assert [age for _, age in heard] == [7.0 + MOVED_SECONDS, 2.0 + MOVED_SECONDS, 1.0 + MOVED_SECONDS, 1.0 + MOVED_SECONDS]


async def test_one_published_again_is_young_again_and_one_that_is_over_is_gone(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with together(engine, tmp_path, times) as (one, other, _):
        await one.publish(Revocation((ONE,)))
        await one.publish(Revocation((OTHER,)))
        times.passes(REMEMBERED_SECONDS - 10)
        await other.publish(Revocation((ONE,)))
        times.passes(10.0)
        heard: list[Remembered] = []
        await one.follow(heard.append)
        assert heard == [Remembered(Revocation((ONE,)), 10.0)]


async def test_held_and_released_stay_in_their_order(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with together(engine, tmp_path, times) as (one, other, _):
        held, released = Revocation(held=(ONE,)), Revocation(released=(ONE,))
        for revocation in (held, released, held, released, held):
            await one.publish(revocation)
        heard: list[Remembered] = []
        await other.follow(heard.append)
        assert [revocation for revocation, _ in heard] == [released, held]


async def test_who_hears_may_look_again_and_misses_nothing(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with together(engine, tmp_path, times) as (one, other, _):
        heard: list[Revocation] = []

        def hear(remembered: Remembered) -> None:
            heard.append(remembered.revocation)
            other.poll()

        await other.follow(hear)
        published = [Revocation((Fingerprint(b"%016d" % number),)) for number in range(50)]
        for revocation in published:
            await one.publish(revocation)
        await until(lambda: heard == published, other)


async def test_what_strangers_can_invent_pushes_out_nothing_else(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with together(engine, tmp_path, times, {"revoked.unseen": Bounds(3, 1000)}) as (one, other, _):
        await one.publish(Revocation((ONE,), "102abc", "00u1"))
        for number in range(10):
            invented = Fingerprint(b"%016d" % number)
            await one.publish(Revocation((invented,), unseen=(invented,)))
        heard: list[Revocation] = []
        await other.follow(lambda remembered: heard.append(remembered.revocation))
        assert len(heard) == 4 and heard[0] == Revocation((ONE,), "102abc", "00u1")
        assert not any(revocation.forgotten for revocation in heard)
        assert one.forgotten == 7


async def test_what_the_bound_pushes_out_is_known_by_its_age_to_all(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with together(engine, tmp_path, times, {"revoked.known": Bounds(2, 1000)}) as (one, other, third):
        heard: list[list[Remembered]] = [[], [], []]
        await one.follow(heard[0].append)
        await other.follow(heard[1].append)
        for number in range(4):
            await one.publish(Revocation(user_id=f"00u{number}"))
            times.passes(1.0)
        await until(lambda: {"00u3", None} <= {revocation.user_id for revocation, _ in heard[1]}, one, other)
        await third.follow(heard[2].append)
        assert [age for revocation, age in heard[0] if revocation.forgotten] == [2.0, 2.0]
        assert [age for revocation, age in heard[1] if revocation.forgotten][-1] in (2.0, 3.0)
        assert sorted(heard[2], key=lambda one: -one.age_seconds) == [
            Remembered(Revocation(forgotten=True), 3.0),
            Remembered(Revocation(user_id="00u2"), 2.0),
            Remembered(Revocation(user_id="00u3"), 1.0),
        ]


async def test_an_engine_is_ready_and_says_whether_others_may_use_it(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with together(engine, tmp_path, times) as (one, *_):
        await one.follow(lambda heard: None)
        assert one.ready and one.is_shared is (engine != "memory")


async def test_whoever_never_polls_hears_it_too(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with together(engine, tmp_path, times) as (one, other, _):
        arrived = asyncio.Event()
        await other.follow(lambda remembered: arrived.set())
        await one.publish(Revocation((ONE,)))
        async with asyncio.timeout(5):
            await arrived.wait()


async def test_whoever_gets_a_lease_has_heard_what_was_published_before(engine: Engine, tmp_path: Path, times: StateClock) -> None:
    async with together(engine, tmp_path, times) as (one, other, _):
        heard: list[Remembered] = []
        await one.follow(lambda _: None)
        await other.follow(heard.append)
        for number in range(50):
            mark = Fingerprint(number.to_bytes(16, "big"))
            await one.publish(Revocation((mark,)))
            lease = await other.lease([b"browser"], b"%d" % number, 10.0)
            assert lease is not None
            other.poll()
            assert heard[-1].revocation.fingerprints == (mark,) and len(heard) == number + 1
            await other.release(lease)
