"""A revocation as bytes: every one survives the way, older and newer releases read each other, and nothing else is one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.session import Fingerprint
from gateway.revocations import Revocation, Rotation
from gateway.shared_state.serialization import LARGEST_BYTES, BadSerialization, deserialized, serialized
from tests.shared_state.drawn_revocations import REVOCATIONS, TEXTS


@given(REVOCATIONS)
def test_every_revocation_survives_the_way(revocation: Revocation) -> None:
    assert deserialized(serialized(revocation)) == revocation


def test_what_is_not_said_takes_no_room() -> None:
    assert serialized(Revocation()) == b'{"v":1}'
    assert serialized(Revocation((Fingerprint(b"\x01\xff"),), user_id="00u1")) == b'{"v":1,"cookies":["01ff"],"user":"00u1"}'


def test_what_a_later_release_adds_is_ignored() -> None:
    later = b'{"v":1,"user":"00u1","since":17,"kin":{"olds":["01"],"news":["02"],"more":[]}}'
    assert deserialized(later) == Revocation(user_id="00u1", rotation=Rotation((Fingerprint(b"\x01"),), (Fingerprint(b"\x02"),)))


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"v":2,"user":"00u1"}',
        b'{"v":true}',
        b'{"v":"1"}',
        b'{"v":1,"cookies":"00"}',
        b'{"v":1,"cookies":["0"]}',
        b'{"v":1,"cookies":["0G"]}',
        b'{"v":1,"cookies":[""]}',
        b'{"v":1,"cookies":[1]}',
        b'{"v":1,"session":1}',
        b'{"v":1,"user":["00u1"]}',
        b'{"v":1,"everybody":1}',
        b'{"v":1,"began_before":"1"}',
        b'{"v":1,"began_before":true}',
        b'{"v":1,"began_before":1e400}',
        b'{"v":1,"began_before":NaN}',
        b'{"v":1,"began_before":-1}',
        b'{"v":1,"moved":[]}',
        b'{"v":1,"kin":"all"}',
        b'{"v":1,"kin":{"olds":{}}}',
        b'{"v":1} {"v":1}',
        '{"v":1,"user":"é"}'.encode(),
        b"[" * 100_000,
    ],
    ids=lambda said: said[:48].decode("ascii", "replace"),
)
def test_whatever_is_not_exactly_a_revocation_is_none(said: bytes) -> None:
    with pytest.raises(BadSerialization):
        deserialized(said)


@given(
    st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from(["v", "cookies", "session", "moved", "kin", "everybody", "unknown"]),
        st.none() | st.booleans() | st.integers() | TEXTS | st.lists(TEXTS) | st.dictionaries(TEXTS, TEXTS),
    ).map(lambda said: json.dumps(said).encode())
)
def test_nothing_that_is_said_breaks_the_reading(said: bytes) -> None:
    try:
        revocation = deserialized(said)
    except BadSerialization:
        return
    assert deserialized(serialized(revocation)) == revocation


def test_one_that_is_too_large_is_neither_written_nor_read() -> None:
    large = Revocation(user_id="x" * LARGEST_BYTES)
    with pytest.raises(BadSerialization):
        serialized(large)
    with pytest.raises(BadSerialization):
        deserialized(b'{"v":1,"user":"' + b"x" * LARGEST_BYTES + b'"}')
