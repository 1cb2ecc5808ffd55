"""Redis away, slow, restarted, flushed, full, failed over: nothing hangs, everybody knows, and what was missed is heard."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from pathlib import Path

import pytest

from gateway.errors import StateFailed
from gateway.policy.session.session import Fingerprint
from gateway.revocations import Report, Revocation
from tests.harness.redis_servers import RedisProcess, needs_redis
from tests.shared_state.engines import until
from tests.shared_state.replicas import RedisReplica, replicas, wired

pytestmark = needs_redis

ONE, OTHER, THIRD = (Fingerprint(bytes([number]) * 16) for number in (1, 2, 3))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisProcess]:
    running = RedisProcess(tmp_path / "redis", "save 3600 1")
    yield running
    running.kill()


async def test_what_is_published_is_heard_at_once_and_not_by_its_publisher(server: RedisProcess) -> None:
    async with replicas(server.place) as (one, other):
        await one.state.publish(Revocation((ONE,)))
        await other.until_heard(Revocation((ONE,)))
        await other.state.publish(Revocation((OTHER,)))
        await one.until_heard(Revocation((OTHER,)))
        assert (one.heard, other.heard) == ([Revocation((OTHER,))], [Revocation((ONE,))])


def fails_without_waiting(call: Coroutine[object, None, object]) -> None:
    with pytest.raises(StateFailed):
        call.send(None)


async def test_a_server_that_stands_still_costs_one_deadline_and_is_believed_again_when_everything_was_heard(server: RedisProcess) -> None:
    async with replicas(server.place) as (one, other):
        await one.state.publish(Revocation((ONE,)))
        await other.until_heard(Revocation((ONE,)))
        server.signal(signal.SIGSTOP)
        with pytest.raises(StateFailed, match=r"Redis at 127\.0\.0\.1:\d+: no answer within state\.timeout; check"):
            await one.state.claim("ticket", b"a", 10.0)
        fails_without_waiting(one.state.publish(Revocation((OTHER,))))
        fails_without_waiting(one.state.claim("ticket", b"a", 10.0))
        await other.until_ready(False)
        assert not one.state.ready
        server.signal(signal.SIGCONT)
        await one.until_ready()
        await other.until_heard(Revocation((OTHER,)))
        await other.until_ready()
        assert await one.state.claim("ticket", b"b", 10.0)
        assert one.told[:1] == other.told[:1] == ["state_failed"] and one.told[-1] == "state_works"


async def test_a_report_that_was_not_answered_can_be_made_again_and_the_others_hear_it_in_any_case(server: RedisProcess) -> None:
    async with replicas(server.place) as (one, other):
        report = Report("news", b"one", 60.0, (Revocation((ONE,)), Revocation(user_id="00u1")))
        server.kill()
        with pytest.raises(StateFailed):
            await one.state.report(report)
        server.start()
        await other.until_heard(*report.revocations)
        await one.until_ready()
        assert await one.state.report(report) and not await other.state.report(report)


async def test_what_was_reported_stays_claimed_where_the_revocations_were_lost(server: RedisProcess) -> None:
    async with replicas(server.place) as (one, other):
        assert await one.state.report(Report("news", b"one", 60.0, (Revocation((ONE,)),)))
        await other.until_heard(Revocation((ONE,)))
        assert server.cli("DEL", f"{{{server.place.prefix}}}:log:known") == "1"
        assert await one.state.report(Report("news", b"two", 60.0, (Revocation((OTHER,)),)))
        await other.until_heard(Revocation((OTHER,)))
        assert not await other.state.report(Report("news", b"one", 60.0))


async def test_a_killed_server_is_told_once_and_what_it_lost_is_published_again(server: RedisProcess) -> None:
    async with replicas(server.place) as (one, other):
        await one.state.publish(Revocation((ONE,)))
        await other.until_heard(Revocation((ONE,)))
        server.kill()
        await one.until_ready(False)
        await other.until_ready(False)
        for _ in range(5):
            with pytest.raises(StateFailed, match=r"cannot be reached; check state\.url"):
                await one.state.publish(Revocation((OTHER,)))
        server.start()
        await one.until_ready()
        await other.until_heard(Revocation((OTHER,)))
        async with replicas(server.place, 1) as (late,):
            await late.until_heard(Revocation((ONE,)), Revocation((OTHER,)))
        assert one.told == ["state_failed", "state_works"]


async def test_a_flushed_server_begins_another_epoch_and_gets_the_last_minute_again(server: RedisProcess) -> None:
    async with replicas(server.place) as (one, other):
        before = one.state.epoch
        await one.state.publish(Revocation((ONE,), user_id="00u1"))
        await other.state.publish(Revocation((THIRD,), unseen=(THIRD,)))
        await one.until_heard(Revocation((THIRD,), unseen=(THIRD,)))
        server.cli("FLUSHALL")
        await until(lambda: one.state.epoch != before and one.state.epoch == other.state.epoch)
        await one.state.publish(Revocation((OTHER,)))
        await other.until_heard(Revocation((OTHER,)))
        async with replicas(server.place, 1) as (late,):
            await late.until_heard(Revocation((ONE,), user_id="00u1"), Revocation((OTHER,)), Revocation((THIRD,), unseen=(THIRD,)))
            assert late.state.epoch == one.state.epoch


async def test_a_stream_that_was_evicted_alone_is_noticed(server: RedisProcess) -> None:
    async with replicas(server.place) as (one, other):
        await one.state.publish(Revocation((ONE,)))
        await other.until_heard(Revocation((ONE,)))
        before = one.state.epoch
        server.cli("DEL", "{session-gateway}:log:known")
        await until(lambda: one.state.epoch != before and one.state.epoch == other.state.epoch)
        async with replicas(server.place, 1) as (late,):
            await late.until_heard(Revocation((ONE,)))


async def test_a_full_memory_refuses_and_says_so_and_what_waited_is_written_when_there_is_room(server: RedisProcess) -> None:
    async with replicas(server.place) as (one, other):
        lease = await one.state.lease([b"a"], b"owner", 60.0)
        assert lease is not None
        await one.state.put("record", b"a", b"1", 60.0)
        server.cli("CONFIG", "SET", "maxmemory", "1")
        for call in (one.state.publish(Revocation((ONE,))), one.state.put("record", b"b", b"1", 60.0), one.state.claim("t", b"a", 1.0)):
            with pytest.raises(StateFailed, match="its memory is full; give it more"):
                await call
        assert await one.state.get("record", b"a") == b"1"
        await one.state.delete("record", b"a")
        await one.state.release(lease)
        assert not one.state.ready and other.heard == []
        server.cli("CONFIG", "SET", "maxmemory", "0")
        await other.until_heard(Revocation((ONE,)))
        await one.until_ready()


async def test_a_redis_that_is_away_at_the_start_is_an_error_that_may_be_tried_again(server: RedisProcess) -> None:
    server.kill()
    late = RedisReplica(server.place)
    for _ in range(3):
        with pytest.raises(StateFailed):
            await late.follow()
    assert late.told == ["state_failed"] and not late.state.ready
    server.start()
    await late.follow()
    assert late.told == ["state_failed", "state_works"] and late.state.ready
    await late.state.aclose()


async def test_scripts_that_the_server_forgot_are_sent_again(server: RedisProcess) -> None:
    async with replicas(server.place, 1) as (one,):
        assert await one.state.claim("ticket", b"a", 10.0)
        server.cli("SCRIPT", "FLUSH")
        assert not await one.state.claim("ticket", b"a", 10.0)


async def test_a_caller_that_was_cancelled_leaves_no_answer_for_the_next(server: RedisProcess) -> None:
    async with replicas(server.place, 1) as (one,):
        for number in range(50):
            await one.state.put("record", b"%d" % number, b"%d" % number, 60.0)
        for number in range(0, 50, 2):
            asking = asyncio.create_task(one.state.get("record", b"%d" % number))
            for _ in range(number % 5):
                await asyncio.sleep(0)
            asking.cancel()
            assert await one.state.get("record", b"%d" % (number + 1)) == b"%d" % (number + 1)


async def test_who_was_cut_off_hears_what_it_missed_before_it_is_ready_again(server: RedisProcess) -> None:
    async with wired(server.place) as (wire, through), replicas(server.place, 1) as (one,), replicas(through, 1) as (far,):
        wire.cut()
        await far.until_ready(False)
        missed = [Revocation((Fingerprint(b"%016d" % number),)) for number in range(700)]
        for revocation in missed:
            await one.state.publish(revocation)
        assert far.heard == []
        wire.is_cut = False
        await far.until_ready()
        assert far.heard == missed


async def test_a_slow_wire_fails_by_its_deadline(server: RedisProcess) -> None:
    async with wired(server.place) as (wire, through), replicas(through, 1) as (far,):
        wire.delay_seconds = 120.0
        async with asyncio.timeout(30):
            with pytest.raises(StateFailed, match=r"no answer within state\.timeout"):
                await far.state.claim("ticket", b"a", 10.0)
        wire.delay_seconds = 0.0
        await far.until_claimed(b"a")


async def test_whoever_gets_a_lease_has_heard_what_was_published_before_also_when_its_reader_is_held_back(server: RedisProcess) -> None:
    async with (
        wired(server.place) as (wire, through),
        replicas(server.place, 1, 10.0) as (one,),
        replicas(through, 1, 10.0) as (far,),
    ):
        await one.state.publish(Revocation((THIRD,)))
        await far.until_heard(Revocation((THIRD,)))
        wire.readers_go_on.clear()
        published = [Revocation((Fingerprint(b"%016d" % number),)) for number in range(600)]  # more than one reading takes
        for revocation in published:
            await one.state.publish(revocation)
        assert far.heard == [Revocation((THIRD,))], "its reader is not held back"
        assert await far.state.lease([b"browser"], b"owner", 10.0) is not None
        assert far.heard == [Revocation((THIRD,)), *published]
        wire.readers_go_on.set()
        await one.state.publish(Revocation((ONE,)))
        await far.until_heard(Revocation((ONE,)))
        assert far.heard == [Revocation((THIRD,)), *published, Revocation((ONE,))]  # and nothing twice


async def test_who_may_have_missed_something_gets_no_lease_and_keeps_nobody_else_from_it(server: RedisProcess) -> None:
    async with wired(server.place) as (wire, through), replicas(server.place, 1) as (one,), replicas(through, 1) as (far,):
        await one.state.publish(Revocation((THIRD,)))
        await far.until_heard(Revocation((THIRD,)))
        wire.readers_go_on.clear()
        await far.until_ready(False)
        with pytest.raises(StateFailed):
            await far.state.lease([b"browser"], b"owner", 60.0)
        assert await one.state.lease([b"browser"], b"another", 10.0) is not None
        wire.readers_go_on.set()
        await far.until_ready()
