"""Passes, tickets and notes come back from their packed form as they were; anything odd is no note."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.passes import (
    LONGEST_KEPT,
    Confirmation,
    OpenedPass,
    Pass,
    Passes,
    Pending,
    Sealer,
    SignedOut,
    Start,
    Ticket,
    nonce_hash,
)
from gateway.policy.session.session import Marks, SessionCookie
from tests.policy.session.keys import NEW, OLD, counting

HOST = "hr.example.com:443"
Note = Pass | Start | Ticket | Pending | Confirmation | SignedOut

texts = st.text(max_size=20)
seconds = st.floats(allow_nan=False, allow_infinity=False)
cookies = st.lists(st.builds(SessionCookie, st.sampled_from([b"sid", b"idx"]), st.binary(max_size=30)), max_size=3).map(tuple)
notes = st.one_of(
    st.builds(Pass, cookies, texts, texts, seconds, texts, texts),
    st.builds(Start, texts, texts, texts, seconds, texts),
    st.builds(Ticket, texts, texts, texts, cookies, texts, texts, texts, seconds, texts, texts),
    st.builds(Pending, cookies),
    st.builds(Confirmation, texts, texts, texts, st.binary(max_size=30), st.lists(st.binary(max_size=16), max_size=3).map(tuple), seconds),
    st.builds(SignedOut, cookies, texts, texts, texts, seconds),
)
CLASSES: tuple[type[Note], ...] = (Pass, Start, Ticket, Pending, Confirmation, SignedOut)
ALICE = Pass((SessionCookie(b"sid", b"102alice\xff"), SessionCookie(b"idx", b'e"y;J')), "00u1", "102abc", 1.5)


@given(notes)
def test_every_note_comes_back_as_it_was(note: Note) -> None:
    assert type(note).unpacked(note.packed()) == note


@given(st.binary(max_size=40))
def test_bytes_that_are_no_note_are_nothing(payload: bytes) -> None:
    assert [kind for kind in CLASSES if kind.unpacked(payload) is not None] == []


odd_values: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.just([["sid"]]),
    st.just([["sid", 1]]),
    st.just([["xid", "1"]]),
    st.just({}),
)


@given(notes, st.data())
def test_a_note_with_a_field_of_another_kind_is_nothing_or_still_well_formed(note: Note, data: st.DataObject) -> None:
    values = json.loads(note.packed())
    values[data.draw(st.integers(0, len(values) - 1))] = data.draw(odd_values)
    read = type(note).unpacked(json.dumps(values).encode())
    assert read is None or json.loads(read.packed()) == values


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"[1]",
        b'[1,[],"u","s",1]',
        b'[1,[],"u","s",1,"",""]',
        b'[2,[],"u","s",1]',
        b'[2,[],"u","s","",""]',
        b'[2,[],"u","s",1,"","",2]',
        b'[2,[],"u","s",NaN,"",""]',
        b'[2,[],"u","s",Infinity,"",""]',
        b'[2,[],"u","s",true,"",""]',
        b'[2,[],"u",null,1,"",""]',
        b'[2,{},"u","s",1,"",""]',
        b'[2,["sid"],"u","s",1,"",""]',
        b'[2,[["sid",1]],"u","s",1,"",""]',
        b'[2,[["sid","\\u0100"]],"u","s",1,"",""]',
        b'[2,[["\\u0100","x"]],"u","s",1,"",""]',
        b'[2,[[["sid"],"x"]],"u","s",1,"",""]',
        b"[" * 100_000,
        b'[2,[],"u","s",1,"",""]\xff',
    ],
)
def test_an_odd_pass_is_no_pass(payload: bytes) -> None:
    assert Pass.unpacked(payload) is None


def test_a_whole_number_of_seconds_is_a_time_too() -> None:
    assert Pass.unpacked(b'[2,[],"u","s",1,"",""]') == Pass((), "u", "s", 1.0)


def test_no_cookie_shows_in_a_repr() -> None:
    assert "alice" not in repr(ALICE) and 'e"y' not in repr(Pending(ALICE.cookies))


@pytest.mark.parametrize("most", [2, 10])
def test_a_pass_opens_at_its_host_alone_however_often(most: int) -> None:
    passes = Passes(Sealer((NEW,), counting()), most)
    text = passes.seal(HOST, ALICE)
    for _ in range(3):
        assert passes.open(HOST, text) == passes.open(HOST, text.encode()) == OpenedPass(ALICE, stale=False)
        assert passes.open("wiki.example.com:443", text) is None
        assert passes.open(HOST, text[:-1]) is None


def test_c15_a_pass_under_an_older_key_is_stale_and_dies_with_it() -> None:
    text = Passes(Sealer((OLD,), counting())).seal(HOST, ALICE)
    rotated = Passes(Sealer((NEW, OLD), counting()))
    assert [rotated.open(HOST, text) for _ in range(2)] == [OpenedPass(ALICE, stale=True)] * 2
    assert Passes(Sealer((NEW,), counting())).open(HOST, text) is None


def test_a_pass_that_was_opened_is_kept_open() -> None:
    passes = Passes(Sealer((NEW,), counting()))
    text = passes.seal(HOST, ALICE)
    assert passes.open(HOST, text) is passes.open(HOST, text)


def test_a_pass_of_unusual_length_is_opened_anew_each_time() -> None:
    passes = Passes(Sealer((NEW,), counting()))
    incompressible = b"".join(sha256(b"%d" % number).hexdigest().encode() for number in range(200))
    long = Pass((SessionCookie(b"idx", incompressible),), "00u1", "102abc", 1.5)
    text = passes.seal(HOST, long)
    assert len(text) > LONGEST_KEPT
    opened = [passes.open(HOST, text) for _ in range(2)]
    assert opened == [OpenedPass(long, stale=False)] * 2 and opened[0] is not opened[1]


def test_what_was_sealed_as_a_pass_but_holds_none_is_none() -> None:
    sealer = Sealer((NEW,), counting())
    assert Passes(sealer).open(HOST, sealer.seal("pass", HOST, b"[]")) is None


def test_what_is_noted_at_a_pass_stays_with_it_and_no_longer() -> None:
    passes = Passes(Sealer((NEW,), counting()), most=2)
    texts = [passes.seal(HOST, Pass((), str(number), "s", 0.0)) for number in range(3)]
    kept = passes.open(HOST, texts[0])
    assert kept is not None and kept.marks is None
    kept.marks = Marks(shown="noted")
    passes.open(HOST, texts[1])
    assert passes.open(HOST, texts[0]) is kept  # used, so the other goes first
    passes.open(HOST, texts[2])
    again = passes.open(HOST, texts[0])
    assert again is kept and again.marks == Marks(shown="noted")
    passes.open(HOST, texts[1]), passes.open(HOST, texts[2])
    anew = passes.open(HOST, texts[0])
    assert anew == kept and anew is not None and anew.marks is None


def test_passes_that_were_not_used_lately_are_not_kept_but_open_again() -> None:
    passes = Passes(Sealer((NEW,), counting()), most=2)
    sealed = [passes.seal(HOST, Pass((), str(number), "s", 0.0)) for number in range(5)]
    first = [passes.open(HOST, text) for text in sealed]
    again = [passes.open(HOST, text) for text in sealed]
    assert first == again
    assert first[0] is not again[0]


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_nonce_is_told_by_its_hash_and_not_shown_by_it(one: str, other: str) -> None:
    assert (nonce_hash(one) == nonce_hash(other)) == (one == other)
    assert len(nonce_hash(one)) == 22 and nonce_hash(one).isascii()
