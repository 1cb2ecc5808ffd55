"""What every memory of revocations promises, however far a revocation has to travel: one suite for all kinds."""

from collections.abc import Callable

import pytest

from gateway.policy.session.session import Fingerprint
from gateway.revocations import LocalRevocations, Revocation, Revocations, SharedRevocations
from gateway.shared_state import MemoryState
from tests.harness.clock import ScriptedClock

ONE, OTHER = Fingerprint(b"1" * 16), Fingerprint(b"2" * 16)

Make = Callable[..., LocalRevocations | SharedRevocations]


@pytest.fixture
def times() -> ScriptedClock:
    return ScriptedClock(monotonic_start=100.0)


@pytest.fixture(params=["local", "kept"])
def memory(request: pytest.FixtureRequest, times: ScriptedClock) -> Make:
    """`memory(largest)`; it forgets after a minute."""

    def made(largest: int = 100) -> LocalRevocations | SharedRevocations:
        local = LocalRevocations(times.clock.monotonic, 60.0, largest)
        return local if request.param == "local" else SharedRevocations(local, MemoryState(times.clock))

    return made


async def test_c7_what_was_revoked_is_revoked_and_nothing_else(memory: Make) -> None:
    revocations: Revocations = memory()
    assert revocations.ready
    await revocations.publish(Revocation((ONE,), "102abc", "00u1"))
    assert revocations.has_cookie((OTHER, ONE)) and not revocations.has_cookie((OTHER,)) and not revocations.has_cookie(())
    assert revocations.has_session("102abc") and not revocations.has_session("00u1")
    assert revocations.user_since("00u1") == 100.0 and revocations.user_since("102abc") is None


async def test_a_revocation_lasts_its_time_from_when_it_was_last_heard(memory: Make, times: ScriptedClock) -> None:
    revocations = memory()
    await revocations.publish(Revocation((ONE, OTHER), "102abc", "00u1"))
    times.passed = 50.0
    await revocations.publish(Revocation((ONE,), None, "00u1"))
    times.passed = 59.9
    assert revocations.has_cookie((OTHER,)) and revocations.has_session("102abc") and revocations.user_since("00u1") == 150.0
    times.passed = 60.0
    assert revocations.has_cookie((ONE,)) and not revocations.has_cookie((OTHER,)) and not revocations.has_session("102abc")
    times.passed = 110.0
    assert not revocations.has_cookie((ONE,)) and revocations.user_since("00u1") is None


async def test_looking_up_keeps_nothing_and_a_new_one_clears_what_is_over(memory: Make, times: ScriptedClock) -> None:
    revocations = memory(largest=2)
    await revocations.publish(Revocation((ONE, OTHER)))
    times.passed = 60.0
    await revocations.publish(Revocation((Fingerprint(b"3" * 16),)))
    assert revocations.forgotten == 0


@pytest.mark.parametrize("kind", ["cookie", "session", "user"])
async def test_the_bound_pushes_out_the_oldest_and_counts_it(memory: Make, kind: str) -> None:
    revocations = memory(largest=2)
    for number in (b"1", b"2", b"1", b"3"):
        text = number.decode()
        await revocations.publish(
            Revocation(
                (Fingerprint(number),) if kind == "cookie" else (),
                text if kind == "session" else None,
                text if kind == "user" else None,
            )
        )

    def is_known(revocations: Revocations, number: bytes) -> bool:
        text = number.decode()
        return revocations.has_cookie((Fingerprint(number),)) or revocations.has_session(text) or revocations.user_since(text) is not None

    assert [number for number in (b"1", b"2", b"3") if is_known(revocations, number)] == [b"1", b"3"]
    assert revocations.forgotten == 1


@pytest.mark.parametrize("kind", ["cookie", "session", "user"])
async def test_what_the_bound_pushes_out_is_known_by_its_moment_and_told_to_listeners(
    memory: Make, times: ScriptedClock, kind: str
) -> None:
    revocations = memory(largest=2)
    assert revocations.forgotten_since() is None
    heard: list[Revocation] = []
    revocations.subscribe(heard.append)
    for number in (b"1", b"2", b"3", b"4"):
        text = number.decode()
        cookies = (Fingerprint(number),) if kind == "cookie" else ()
        await revocations.publish(Revocation(cookies, text if kind == "session" else None, text if kind == "user" else None))
        times.passes(10.0)
    assert revocations.forgotten_since() == 110.0
    assert [revocation.forgotten for revocation in heard] == [False, False, False, True, False, True]


async def test_nothing_that_is_invented_or_held_outdates_anything(memory: Make) -> None:
    revocations = memory(largest=2)
    for number in range(10):
        invented = Fingerprint(b"%016d" % number)
        await revocations.publish(Revocation((invented,), unseen=(invented,), held=(invented,)))
    assert revocations.forgotten_since() is None


async def test_everybody_is_revoked_since_a_moment(memory: Make, times: ScriptedClock) -> None:
    revocations = memory()
    await revocations.publish(Revocation(everybody=True))
    times.passed = 30.0
    assert revocations.everybody_since() == 100.0 and revocations.forgotten_since() is None
    times.passed = 60.0
    assert revocations.everybody_since() is None


async def test_listeners_hear_each_revocation_after_it_is_in_force_until_they_leave(memory: Make) -> None:
    revocations = memory()
    heard: list[tuple[Revocation, bool]] = []

    def listen(revocation: Revocation) -> None:
        heard.append((revocation, revocations.has_cookie(revocation.fingerprints)))

    unsubscribe, unsubscribe_too = revocations.subscribe(listen), revocations.subscribe(listen)
    await revocations.publish(Revocation((ONE,)))
    assert heard == [(Revocation((ONE,)), True)] * 2
    unsubscribe()
    unsubscribe()
    await revocations.publish(Revocation((OTHER,)))
    assert len(heard) == 3
    unsubscribe_too()
    await revocations.publish(Revocation(user_id="00u1"))
    assert len(heard) == 3


async def test_cookies_that_anybody_can_think_up_push_out_no_real_revocation(memory: Make) -> None:
    revocations = memory(largest=3)
    await revocations.publish(Revocation((ONE, OTHER), unseen=(OTHER,)))
    invented = tuple(Fingerprint(b"%016d" % number) for number in range(50))
    await revocations.publish(Revocation(invented, unseen=invented))
    assert revocations.has_cookie((ONE,)) and not revocations.has_cookie((OTHER,))
    assert revocations.has_cookie(invented[-1:]) and not revocations.has_cookie(invented[:1])
    assert revocations.forgotten == 48
