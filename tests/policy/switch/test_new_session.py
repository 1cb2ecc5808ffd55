"""Sessions that begin without a token: the table of answers, and what holds for every order of them."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown
from gateway.policy.switch.new_session import (
    AskNew,
    AskOld,
    CloseCarried,
    CloseOld,
    Deliver,
    DeliveryReason,
    Event,
    NamedNew,
    NamedOld,
    OldClosed,
    Withhold,
    begin,
    names_same_session,
    session_name,
    step,
)

OLD, NEW = SessionCookie(b"sid", b"old"), SessionCookie(b"sid", b"new")
END = datetime(2030, 1, 1, tzinfo=UTC)


def session(user: str) -> Session:
    return Session(f"session of {user}", user, f"{user}@example.com", END)


def idx(header: object, rest: bytes = b".x.y.z") -> SessionCookie:
    return SessionCookie(b"idx", base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=") + rest)


ALICE, BOB = session("alice"), session("bob")
GONE, LOST = NoSession("not_found"), Unknown("status_500")
CASES: list[tuple[str | None, list[Event], Deliver | Withhold]] = [
    ("alice", [NamedNew(ALICE)], Deliver(DeliveryReason.SAME_USER, ALICE)),
    ("alice", [NamedNew(BOB), OldClosed(True)], Deliver(DeliveryReason.OTHER_USER, BOB)),
    ("alice", [NamedNew(BOB), OldClosed(False, "still_alive")], Withhold("still_alive")),
    ("alice", [NamedNew(BOB), OldClosed(False)], Withhold("close_unproven")),
    ("alice", [NamedNew(GONE)], Deliver(DeliveryReason.NOBODY_YET)),
    ("alice", [NamedNew(NoSession("mfa_pending"))], Deliver(DeliveryReason.NOBODY_YET)),
    ("alice", [NamedNew(LOST)], Deliver(DeliveryReason.UNDECIDED)),
    (None, [NamedNew(ALICE), NamedOld(ALICE)], Deliver(DeliveryReason.SAME_USER, ALICE)),
    (None, [NamedNew(BOB), NamedOld(GONE)], Deliver(DeliveryReason.OTHER_USER, BOB)),
    (None, [NamedNew(BOB), NamedOld(NoSession("mfa_pending")), OldClosed(True)], Deliver(DeliveryReason.OTHER_USER, BOB)),
    (None, [NamedNew(BOB), NamedOld(NoSession("mfa_pending")), OldClosed(False)], Withhold("close_unproven")),
    (None, [NamedNew(BOB), NamedOld(LOST)], Deliver(DeliveryReason.UNDECIDED, BOB)),
    (None, [NamedNew(BOB), NamedOld(ALICE), OldClosed(True)], Deliver(DeliveryReason.OTHER_USER, BOB)),
]


@pytest.mark.parametrize(("old_user", "events", "final"), CASES)
def test_what_becomes_of_an_answer(old_user: str | None, events: list[Event], final: Deliver | Withhold) -> None:
    state, command = begin((NEW,), (OLD,), old_user)
    for event in events:
        state, command = step(state, event)
    assert command == final and state.expected is None


def test_a_browser_without_a_session_is_not_asked_about() -> None:
    assert begin((NEW,), (), None)[1] == Deliver(DeliveryReason.FIRST)


def test_what_an_empty_browser_carries_is_closed_first() -> None:
    state, command = begin((NEW,), (), None, carries=True)
    assert command == CloseCarried()
    assert step(state, OldClosed(False, "close_500"))[1] == Withhold("close_500")
    assert step(state, OldClosed(False))[1] == Withhold("close_unproven")
    assert step(state, OldClosed(True))[1] == Deliver(DeliveryReason.FIRST)


def test_what_is_carried_is_closed_with_a_session_that_is_gone_already() -> None:
    state, _ = begin((NEW,), (OLD,), None, carries=True)
    state, _ = step(state, NamedNew(BOB))
    state, command = step(state, NamedOld(GONE))
    assert command == CloseOld()
    assert step(state, OldClosed(True))[1] == Deliver(DeliveryReason.OTHER_USER, BOB)


def test_the_same_user_does_not_wait_for_what_is_carried() -> None:
    state, _ = begin((NEW,), (OLD,), "alice", carries=True)
    assert step(state, NamedNew(ALICE))[1] == Deliver(DeliveryReason.SAME_USER, ALICE)


def test_a_renewed_cookie_of_the_same_session_counts_as_the_same_user_while_okta_is_silent() -> None:
    header = {"alg": "dir", "xsid": "one"}
    state, _ = begin((idx(header, b".new"),), (idx(header, b".old"), OLD), "alice")
    assert step(state, NamedNew(LOST))[1] == Deliver(DeliveryReason.SAME_USER)
    state, _ = step(begin((idx(header, b".new"),), (idx(header, b".old"), OLD), None)[0], NamedNew(ALICE))
    assert step(state, NamedOld(NoSession("mfa_pending")))[1] == Deliver(DeliveryReason.SAME_USER, ALICE)
    state, _ = begin((idx({"xsid": "two"}),), (idx(header),), "alice")
    assert step(state, NamedNew(LOST))[1] == Deliver(DeliveryReason.UNDECIDED)


@pytest.mark.parametrize(
    "others",
    [
        (idx({"xsid": "two"}),),
        (SessionCookie(b"idx", b"eyJ0"),),
        (SessionCookie(b"sid", b"1"), SessionCookie(b"sid", b"2")),
        (SessionCookie(b"sid", b"1"), idx({"xsid": "two"})),
    ],
)
def test_a_renewed_cookie_says_nothing_of_other_sessions_beside_its_own(others: tuple[SessionCookie, ...]) -> None:
    new, own = (idx({"xsid": "one"}),), (SessionCookie(b"sid", b"1"), idx({"xsid": "one", "alg": "dir"}))
    state, _ = begin(new, own, None)
    assert step(state, NamedNew(Unknown("timed_out")))[1] == Deliver(DeliveryReason.SAME_USER)
    state, _ = begin(new, (*own, *others), None)
    assert step(state, NamedNew(Unknown("timed_out")))[1] == Deliver(DeliveryReason.UNDECIDED)


@pytest.mark.parametrize(
    "cookie",
    [
        SessionCookie(b"sid", idx({"xsid": "one"}).value),
        SessionCookie(b"idx", b"no-dot"),
        SessionCookie(b"idx", b"!!.x"),
        SessionCookie(b"idx", b"e.x"),
        SessionCookie(b"idx", b"\xff.x"),
        SessionCookie(b"idx", b"A" * 4096 + b".x"),
        idx([1]),
        idx({"xsid": 1}),
        idx({"xsid": ""}),
        idx({}),
    ],
)
def test_what_names_no_session(cookie: SessionCookie) -> None:
    assert session_name(cookie) is None
    assert not names_same_session((cookie,), (cookie,))


FINDINGS: st.SearchStrategy[Finding] = st.sampled_from((ALICE, BOB, GONE, NoSession("mfa_pending"), LOST))


@given(st.sampled_from((None, "alice", "bob")), FINDINGS, FINDINGS, st.booleans())
def test_the_promises_hold_for_every_order_of_answers(old_user: str | None, new: Finding, old: Finding, proven: bool) -> None:
    state, command = begin((NEW,), (OLD,), old_user)
    was_closed = False
    while not isinstance(command, Deliver | Withhold):
        if isinstance(command, AskNew):
            state, command = step(state, NamedNew(new))
        elif isinstance(command, AskOld):
            state, command = step(state, NamedOld(old))
        else:
            was_closed = True
            state, command = step(state, OldClosed(proven))
    known = old_user or (old.user_id if isinstance(old, Session) else None)
    is_same = isinstance(new, Session) and new.user_id == known
    assert not (was_closed and is_same), "the same user's session is never closed"
    if isinstance(command, Withhold):
        assert was_closed and not proven
    elif command.why is DeliveryReason.OTHER_USER:
        assert (was_closed and proven) or old == GONE
    else:
        assert not was_closed
    if not isinstance(new, Session):
        assert not was_closed, "nothing is closed before Okta names somebody"


def test_an_event_out_of_turn_is_a_bug() -> None:
    state, command = begin((NEW,), (OLD,), "alice")
    assert isinstance(command, AskNew)
    with pytest.raises(ValueError, match="OldClosed does not answer AskNew"):
        step(state, OldClosed(True))
    state, command = step(state, NamedNew(BOB))
    assert isinstance(command, CloseOld)
    state, _ = step(state, OldClosed(True))
    with pytest.raises(ValueError, match="does not answer NoneType"):
        step(state, OldClosed(True))
