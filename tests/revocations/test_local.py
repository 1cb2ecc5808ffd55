"""Revocations of one process are in force at once, stay for their time, and are told to whoever listens."""

from collections.abc import Callable

import pytest

from gateway.core.session import Fingerprint
from gateway.revocations import LocalRevocations, Revocation, Revocations

ONE, OTHER = Fingerprint(b"1" * 16), Fingerprint(b"2" * 16)


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def memory(time: Callable[[], float], seconds: float = 60.0, largest: int = 100) -> LocalRevocations:
    made = LocalRevocations(time, seconds, largest)
    as_interface: Revocations = made
    assert as_interface.ready
    return made


async def test_c7_what_was_revoked_is_revoked_and_nothing_else() -> None:
    revocations = memory(Time())
    await revocations.publish(Revocation((ONE,), "102abc", "00u1"))
    assert revocations.has_cookie((OTHER, ONE)) and not revocations.has_cookie((OTHER,)) and not revocations.has_cookie(())
    assert revocations.has_session("102abc") and not revocations.has_session("00u1")
    assert revocations.user_since("00u1") == 100.0 and revocations.user_since("102abc") is None


async def test_a_revocation_lasts_its_time_from_when_it_was_last_heard() -> None:
    time = Time()
    revocations = memory(time)
    await revocations.publish(Revocation((ONE, OTHER), "102abc", "00u1"))
    time.now = 150.0
    await revocations.publish(Revocation((ONE,), None, "00u1"))
    time.now = 159.9
    assert revocations.has_cookie((OTHER,)) and revocations.has_session("102abc") and revocations.user_since("00u1") == 150.0
    time.now = 160.0
    assert revocations.has_cookie((ONE,)) and not revocations.has_cookie((OTHER,)) and not revocations.has_session("102abc")
    time.now = 210.0
    assert not revocations.has_cookie((ONE,)) and revocations.user_since("00u1") is None


async def test_looking_up_keeps_nothing_and_a_new_one_clears_what_is_over() -> None:
    time = Time()
    revocations = memory(time, largest=2)
    await revocations.publish(Revocation((ONE, OTHER)))
    time.now = 160.0
    await revocations.publish(Revocation((Fingerprint(b"3" * 16),)))
    assert revocations.forgotten == 0


@pytest.mark.parametrize("kind", ["cookie", "session", "user"])
async def test_the_bound_pushes_out_the_oldest_and_counts_it(kind: str) -> None:
    revocations = memory(Time(), largest=2)
    for number in (b"1", b"2", b"1", b"3"):
        text = number.decode()
        await revocations.publish(
            Revocation(
                (Fingerprint(number),) if kind == "cookie" else (),
                text if kind == "session" else None,
                text if kind == "user" else None,
            )
        )

    def is_known(number: bytes) -> bool:
        text = number.decode()
        return revocations.has_cookie((Fingerprint(number),)) or revocations.has_session(text) or revocations.user_since(text) is not None

    assert [number for number in (b"1", b"2", b"3") if is_known(number)] == [b"1", b"3"]
    assert revocations.forgotten == 1


async def test_listeners_hear_each_revocation_after_it_is_in_force_until_they_leave() -> None:
    revocations = memory(Time())
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


async def test_cookies_that_anybody_can_think_up_push_out_no_real_revocation() -> None:
    revocations = memory(Time(), largest=3)
    await revocations.publish(Revocation((ONE, OTHER), unseen=(OTHER,)))
    invented = tuple(Fingerprint(b"%016d" % number) for number in range(50))
    await revocations.publish(Revocation(invented, unseen=invented))
    assert revocations.has_cookie((ONE,)) and not revocations.has_cookie((OTHER,))
    assert revocations.has_cookie(invented[-1:]) and not revocations.has_cookie(invented[:1])
    assert revocations.forgotten == 48
