"""The seal opens what it sealed, for the same purpose, host and ring of keys, and nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.seal import PURPOSES, Opened, Purpose, Sealer
from tests.policy.session.keys import NEW, OLD, counting

HOST = "hr.example.com:443"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def sealer(*keys: bytes) -> Sealer:
    return Sealer(keys or (NEW,), counting())


@given(st.binary(max_size=200), st.sampled_from(PURPOSES), st.text(max_size=30))
def test_what_was_sealed_opens_again(payload: bytes, purpose: Purpose, host: str) -> None:
    ring = sealer()
    text = ring.seal(purpose, host, payload)
    assert ring.open(purpose, host, text) == ring.open(purpose, host, text.encode()) == Opened(payload, stale=False)
    assert set(text) <= set(ALPHABET)


@given(st.binary(max_size=20), st.data())
def test_c6_no_character_can_be_changed_added_or_taken_away(payload: bytes, data: st.DataObject) -> None:
    ring = sealer()
    text = ring.seal("pass", HOST, payload)
    place = data.draw(st.integers(0, len(text) - 1))
    for other in (*ALPHABET, "+", "/", "=", " ", "\n", "é", "\0"):
        changed = text[:place] + other + text[place + 1 :]
        assert changed == text or ring.open("pass", HOST, changed) is None
        assert ring.open("pass", HOST, text[:place] + other + text[place:]) is None
    assert ring.open("pass", HOST, text[:place]) is None
    assert ring.open("pass", HOST, text[:place] + text[place + 1 :]) is None


@pytest.mark.parametrize("payload", [b"", b"1", b"12"])
def test_c6_the_bits_that_base64_does_not_use_are_not_free(payload: bytes) -> None:
    ring = sealer()
    text = ring.seal("pass", HOST, payload)
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    same = [text[:-1] + last for last in ALPHABET if base64.urlsafe_b64decode(text[:-1] + last + "=" * (-len(text) % 4)) == raw]
    assert [spelling for spelling in same if ring.open("pass", HOST, spelling) is not None] == [text]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_what_was_sealed_for_one_purpose_or_host_is_nothing_elsewhere(purpose: Purpose) -> None:
    ring = sealer()
    text = ring.seal(purpose, HOST, b"payload")
    opening = {
        (where, what) for where in PURPOSES for what in (HOST, "wiki.example.com:443", "", HOST + "\0") if ring.open(where, what, text)
    }
    assert opening == {(purpose, HOST)}


def test_c15_an_older_key_still_opens_and_says_so_until_it_is_removed() -> None:
    text = sealer(OLD).seal("pass", HOST, b"payload")
    assert sealer(OLD).open("pass", HOST, text) == Opened(b"payload", stale=False)
    assert sealer(NEW, OLD).open("pass", HOST, text) == Opened(b"payload", stale=True)
    assert sealer(NEW).open("pass", HOST, text) is None


def test_only_the_newest_key_seals() -> None:
    text = sealer(NEW, OLD).seal("pass", HOST, b"payload")
    assert sealer(NEW).open("pass", HOST, text) == Opened(b"payload", stale=False)
    assert sealer(OLD).open("pass", HOST, text) is None


def test_two_keys_with_the_same_id_are_both_tried() -> None:
    """Ids have 4 bytes, so two keys of a ring may share one, as these do."""
    one, other = (25244).to_bytes(32, "big"), (40534).to_bytes(32, "big")
    text = sealer(one).seal("pass", HOST, b"payload")
    assert text[:5] == sealer(other).seal("pass", HOST, b"payload")[:5]
    assert sealer(other, one).open("pass", HOST, text) == Opened(b"payload", stale=True)
    assert sealer(other).open("pass", HOST, text) is None


def test_two_seals_of_the_same_payload_differ() -> None:
    ring = sealer()
    assert ring.seal("pass", HOST, b"payload") != ring.seal("pass", HOST, b"payload")


@pytest.mark.parametrize("text", ["", "A", "AA", "AAA", "AAAA", "A" * 42, "A" * 43, "=", b"\xff", b"", "€"])
def test_what_is_no_sealed_text_opens_as_nothing(text: str | bytes) -> None:
    assert sealer().open("pass", HOST, text) is None


@pytest.mark.parametrize("keys", [(), (b"short",), (NEW, b"x" * 33), (b"",)])
def test_a_ring_without_keys_or_with_a_bad_key_is_a_bug(keys: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="seal key"):
        Sealer(keys, counting())


def test_a_payload_does_not_show_in_a_repr() -> None:
    assert "payload" not in repr(sealer().open("pass", HOST, sealer().seal("pass", HOST, b"payload")))
