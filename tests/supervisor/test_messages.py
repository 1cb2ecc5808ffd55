"""What supervisor and workers say to each other: every message survives the way, and nothing else is one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.session import Fingerprint
from gateway.revocations import Moved, Remembered, Revocation
from gateway.supervisor.messages import (
    Alone,
    Ask,
    BadMessage,
    Begin,
    Complete,
    Farewell,
    Heard,
    Hello,
    Listening,
    Memory,
    Message,
    Publish,
    Published,
    Reload,
    Revoked,
    Stop,
    Told,
)
from gateway.supervisor.spelling import LARGEST_MESSAGE_BYTES, decoded, encoded

TEXTS = st.text(max_size=40)
NUMBERS = st.integers(0, 2**53 - 1)
PRINTS = st.lists(st.binary(min_size=1, max_size=20).map(Fingerprint), max_size=4).map(tuple)
MOVES = st.builds(Moved, PRINTS, TEXTS, TEXTS)
REVOCATIONS = st.builds(Revocation, PRINTS, st.none() | TEXTS, st.none() | TEXTS, PRINTS, PRINTS, PRINTS, TEXTS, st.none() | MOVES)
ENTRIES = st.lists(st.builds(Remembered, REVOCATIONS, st.floats(0, 1e9)), max_size=4).map(tuple)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(Hello, TEXTS),
    st.builds(Memory, ENTRIES),
    *(st.builds(kind, NUMBERS) for kind in (Complete, Heard, Published)),
    *(st.just(kind()) for kind in (Begin, Listening, Reload, Stop, Alone)),
    st.builds(Publish, NUMBERS, REVOCATIONS),
    st.builds(Revoked, NUMBERS, REVOCATIONS),
    st.builds(Ask, NUMBERS, st.sampled_from(["metrics", "readiness"])),
    st.builds(Told, NUMBERS, TEXTS),
    st.builds(Farewell, TEXTS),
)


@given(MESSAGES)
def test_every_message_survives_the_way(message: Message) -> None:
    assert decoded(encoded(message)) == message


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"stop"',
        b'["stop"',
        b'["stop"] ["stop"]',
        b'["STOP"]',
        b'["stop", 1]',
        b'["unheard", 1]',
        b"[1]",
        b'["hello"]',
        b'["hello", 1]',
        b'["heard"]',
        b'["heard", -1]',
        b'["heard", 1.0]',
        b'["heard", true]',
        b'["heard", "1"]',
        b'["heard", 9007199254740992]',
        b'["heard", 1, 2]',
        b'["told", 1]',
        b'["told", 1, null]',
        b'["ask", 1, "secrets"]',
        b'["publish", 1]',
        b'["publish", 1, []]',
        b'["publish", 1, [["00"], null, null]]',
        b'["publish", 1, [["0"], null, null, []]]',
        b'["publish", 1, [["0G"], null, null, []]]',
        b'["publish", 1, [[""], null, null, []]]',
        b'["publish", 1, [[1], null, null, []]]',
        b'["publish", 1, ["00", null, null, []]]',
        b'["publish", 1, [[], 1, null, []]]',
        b'["publish", 1, [[], null, ["u"], []]]',
        b'["revoked", 1, {"0": []}]',
        b'["memory", 1]',
        b'["memory", [[["00"], null, null, []]]]',
        b'["memory", [[["00"], null, null, []], -1]]',
        b'["memory", [[["00"], null, null, []], "1"]]',
        b'["memory", [[["00"], null, null, []], true]]',
        b'["memory", [[["00"], null, null, []], 1e999]]',
        b'["memory", [[["00"], null, null, []], NaN]]',
        b'["hello", "\xff"]',
        '["hello", "é"]'.encode(),
        b"[" * 100_000,
        b'["heard", ' + b"1" * 5000 + b"]",
    ],
    ids=lambda said: said[:48].decode("ascii", "replace"),
)
def test_whatever_is_not_exactly_a_message_is_none(said: bytes) -> None:
    with pytest.raises(BadMessage):
        decoded(said)


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.booleans() | st.floats() | TEXTS, st.lists, max_leaves=8).map(lambda said: json.dumps(said).encode())
)
def test_nothing_that_is_said_breaks_the_reading(said: bytes) -> None:
    try:
        message = decoded(said)
    except BadMessage:
        return
    assert decoded(encoded(message)) == message


def test_a_message_too_large_to_be_understood_is_not_sent() -> None:
    with pytest.raises(BadMessage):
        encoded(Told(1, "x" * LARGEST_MESSAGE_BYTES))
