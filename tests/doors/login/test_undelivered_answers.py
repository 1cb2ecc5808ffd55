"""Answers whose client left: who may fetch them, and whose sessions are ended at once. ``journeys/test_left_answers.py`` lets time pass."""

import secrets

import pytest

from gateway.clock import Clock
from gateway.doors.login.undelivered_answers import LARGEST_UNDELIVERED_BYTES, UNDELIVERED_SECONDS, UndeliveredAnswers
from gateway.okta import BrowserFields
from gateway.policy.http.messages import Answer
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Fingerprinter, SessionCookie, SessionToken
from gateway.shared_state import MemoryState
from tests.harness.clock import ScriptedClock
from tests.journeys.shared_memory import SharedMemory

CLIENT = b"neighbour"
ANSWER = Answer(302, ((b"Set-Cookie", b"sid=new"), (b"X-Odd", b"\xff")), b"\xfe")
BROWSER = BrowserFields(b"Agent/1 \xe9", b"de", b"device", "192.0.2.1")
SEALER = Sealer((b"s" * 32,), secrets.token_bytes)
TOKENS = tuple(Fingerprinter(b"k" * 32, "https://org.example").of_token(SessionToken(text)) for text in ("20111x", "20111y"))
NEW = (SessionCookie(b"sid", b"new"),)


class AnswersAndEnds(UndeliveredAnswers):
    """They note which sessions they end, and for which browser."""

    def __init__(self, state: MemoryState) -> None:
        self.ended: list[tuple[tuple[SessionCookie, ...], BrowserFields]] = []
        super().__init__(state, SEALER, lambda cookies, browser: self.ended.append((cookies, browser)))


async def test_an_answer_is_still_there_when_its_session_has_to_be_ended() -> None:
    times = ScriptedClock(0.0)
    undelivered = AnswersAndEnds(MemoryState(times.clock))
    await undelivered.keep(TOKENS, CLIENT, ANSWER, BROWSER)
    times.passed = UNDELIVERED_SECONDS + 0.1
    assert await undelivered.take(TOKENS, CLIENT) == ANSWER
    assert await undelivered.take(TOKENS, CLIENT) is None
    await undelivered.aclose()
    assert undelivered.ended == []


async def test_an_answer_is_for_the_client_that_left() -> None:
    undelivered = AnswersAndEnds(MemoryState(Clock()))
    await undelivered.keep(TOKENS[:1], CLIENT, ANSWER, BROWSER)
    assert await undelivered.take(TOKENS, b"somebody") is None
    assert await undelivered.take(TOKENS, CLIENT) == ANSWER
    await undelivered.aclose()


@pytest.mark.parametrize("body", [b"x" * (LARGEST_UNDELIVERED_BYTES + 1), b"\xff" * LARGEST_UNDELIVERED_BYTES])
async def test_the_session_of_an_answer_that_is_too_large_to_keep_is_ended(body: bytes) -> None:
    """A byte outside ASCII takes six bytes in a record."""
    undelivered = AnswersAndEnds(MemoryState(Clock()))
    await undelivered.keep(TOKENS, CLIENT, Answer(200, ANSWER.fields, body), BROWSER)
    assert await undelivered.take(TOKENS, CLIENT) is None
    await undelivered.aclose()
    assert undelivered.ended == [(NEW, BROWSER)]


async def test_the_session_of_an_answer_that_the_state_does_not_keep_is_ended() -> None:
    clock = Clock()
    state = SharedMemory(clock, MemoryState(clock), 0.0, 0.0)
    state.is_cut = True
    undelivered = AnswersAndEnds(state)
    await undelivered.keep(TOKENS, CLIENT, ANSWER, BROWSER)
    await undelivered.aclose()
    assert undelivered.ended == [(NEW, BROWSER)]


@pytest.mark.parametrize("begins", ["sid=new", "DT=new"])
async def test_an_answer_without_a_session_ends_none(begins: str) -> None:
    undelivered = AnswersAndEnds(MemoryState(Clock()))
    large = Answer(200, ((b"Set-Cookie", begins.encode()),), b"x" * (LARGEST_UNDELIVERED_BYTES + 1))
    await undelivered.keep(TOKENS, CLIENT, large, BROWSER)
    await undelivered.aclose()
    assert [cookies for cookies, _ in undelivered.ended] == ([NEW] if begins == "sid=new" else [])


async def test_a_request_without_a_token_gets_nobodys_answer() -> None:
    """Its client's signature alone names a whole office."""
    undelivered = AnswersAndEnds(MemoryState(Clock()))
    await undelivered.keep((), CLIENT, ANSWER, BROWSER)
    assert await undelivered.take((), CLIENT) is None
    await undelivered.aclose()
    assert undelivered.ended == [(NEW, BROWSER)]
