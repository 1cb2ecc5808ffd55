"""The older sessions of a browser: which cookies are one session, which of them end, and the record afterwards."""

from datetime import UTC, datetime

import pytest

from gateway.policy.session.browser_record import BrowserRecord, RecordState
from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown
from gateway.policy.switch.new_session import Deliver, DeliveryReason
from gateway.policy.switch.older_sessions import (
    OlderSessions,
    as_finding,
    compared,
    is_from_before,
    older_expiries,
    older_sessions,
    recorded,
)

END = datetime(2030, 1, 1, tzinfo=UTC)
ALICE, BOB = (Session(f"session of {user}", user, f"{user}@example.com", END) for user in ("alice", "bob"))
GONE, LOST, FACTOR = NoSession("not_found"), Unknown("status_500"), NoSession("mfa_pending")
SID, IDX, NEW = SessionCookie(b"sid", b"1"), SessionCookie(b"idx", b"2"), SessionCookie(b"sid", b"3")


def test_cookies_of_a_known_user_are_one_session_and_others_are_one_each() -> None:
    assert older_sessions((((SID, IDX), "alice"),)).groups == (((SID, IDX), "alice"),)
    for unknown in (None, ""):
        assert older_sessions((((SID, IDX), unknown),)).groups == (((SID,), None), ((IDX,), None))
    assert older_sessions((((), "alice"), ((), None))).groups == ()


def test_new_cookies_revoked_ones_and_those_named_before_are_no_older_session() -> None:
    known = (((SID, NEW), "alice"), ((SID, IDX), None))
    assert older_sessions(known, (NEW,)).groups == (((SID,), "alice"), ((IDX,), None))
    assert older_sessions(known, (NEW,), lambda cookie: cookie == SID).groups == (((IDX,), None),)


def test_all_older_sessions_have_a_user_only_if_all_are_known_to_be_the_same() -> None:
    assert OlderSessions((((SID,), "alice"), ((IDX,), "alice"))).user_id == "alice"
    assert OlderSessions((((SID,), "alice"), ((IDX,), None))).user_id is None
    assert OlderSessions(()).user_id is None


def test_a_cookie_of_the_new_user_does_not_end() -> None:
    older = OlderSessions((((SID,), None), ((SID, IDX), None)), same=(IDX,))
    assert (older.cookies, older.to_end) == ((SID, IDX), (SID,))


def test_a_known_user_stands_for_an_answer_of_okta() -> None:
    assert as_finding("bob", BOB) is BOB
    assert as_finding("alice", BOB).user_id == "alice"


@pytest.mark.parametrize(
    ("findings", "is_renewed", "user", "same"),
    [
        ([BOB, BOB], False, "bob", (SID, IDX)),
        ([BOB, ALICE], False, "alice", (SID,)),
        ([BOB, FACTOR], False, "not bob", (SID,)),
        ([LOST, FACTOR], False, "not bob", ()),
        ([BOB, FACTOR], True, "bob", (SID,)),
        ([BOB, GONE], False, "bob", (SID,)),
        ([ALICE, LOST], True, "alice", ()),
    ],
)
def test_another_users_session_decides(findings: list[Finding], is_renewed: bool, user: str, same: tuple[SessionCookie, ...]) -> None:
    older, finding = compared(OlderSessions((((SID,), None), ((IDX,), None))), BOB, findings, is_renewed)
    assert isinstance(finding, Session)
    assert (finding.user_id, older.same) == (user, same)


@pytest.mark.parametrize(
    ("findings", "expected"), [([LOST, BOB], LOST), ([GONE, LOST], LOST), ([GONE, GONE], GONE), ([], NoSession("no_cookie"))]
)
def test_without_another_user_an_unclear_answer_decides(findings: list[Finding], expected: Finding) -> None:
    groups = ((((SID,), None), ((IDX,), None)))[: len(findings)]
    assert compared(OlderSessions(groups), BOB, findings, False)[1] == expected


def test_a_request_is_from_before_if_it_presents_only_cookies_from_before_an_undecided_session() -> None:
    undecided = BrowserRecord((NEW,), state=RecordState.UNDECIDED)
    assert is_from_before((SID,), undecided)
    assert not is_from_before((SID, NEW), undecided)
    assert not is_from_before((), undecided)
    assert not is_from_before((SID,), BrowserRecord((NEW,)))


@pytest.mark.parametrize(
    ("why", "session", "expected"),
    [
        (DeliveryReason.FIRST, None, BrowserRecord((NEW,))),
        (DeliveryReason.FIRST, BOB, BrowserRecord((NEW,), "bob")),
        (DeliveryReason.SAME_USER, BOB, BrowserRecord((NEW, IDX), "bob")),
        (DeliveryReason.SAME_USER, None, BrowserRecord((NEW, IDX), "alice")),
        (DeliveryReason.OTHER_USER, BOB, BrowserRecord((NEW, IDX), "bob")),
        (DeliveryReason.NOBODY_YET, None, BrowserRecord((NEW,), "", RecordState.NOBODY_YET, (SID, IDX), "alice")),
        (DeliveryReason.UNDECIDED, BOB, BrowserRecord((NEW,), "", RecordState.UNDECIDED, (SID, IDX), "alice")),
    ],
)
def test_the_record_after_each_decision(why: DeliveryReason, session: Session | None, expected: BrowserRecord) -> None:
    older = OlderSessions((((SID, IDX), "alice"),), same=(IDX,))
    assert recorded(Deliver(why, session), (NEW,), older, (SID, IDX), BrowserRecord((SID,), "alice")) == expected


def test_a_session_without_a_known_user_is_recorded_without_one() -> None:
    older = OlderSessions((((SID,), None),))
    assert recorded(Deliver(DeliveryReason.SAME_USER), (NEW,), older, (), BrowserRecord()).user_id == ""
    for why in (DeliveryReason.NOBODY_YET, DeliveryReason.UNDECIDED):
        assert recorded(Deliver(why), (NEW,), older, (), BrowserRecord()).before_user_id == ""


def test_what_the_browser_was_given_since_the_request_stays_in_its_record() -> None:
    record = BrowserRecord((SID, SessionCookie(b"idx", b"since")), "alice")
    after = recorded(Deliver(DeliveryReason.SAME_USER, ALICE), (NEW,), OlderSessions(()), (SID,), record)
    assert after.cookies == (NEW, SessionCookie(b"idx", b"since"))


def test_older_cookies_expire_under_every_name_that_nothing_newer_uses() -> None:
    lines = older_expiries(((b"Set-Cookie", b"sid=3"),), (SID, IDX), (NEW,), "login.example.com")
    assert [value.split(b";")[0] for _, value in lines] == [b"idx=", b"idx=", b"sid="]
    assert [b"Domain=example.com" in value for _, value in lines] == [False, True, True]
    assert [value.split(b";")[0] for _, value in older_expiries((), (), (NEW,), "example.com")] == [b"idx="]
