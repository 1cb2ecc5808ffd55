"""What is remembered of a browser: every record comes back as it was, and nothing else is taken for one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.browser_record import LONGEST_CLIENT_ID, MOST_BEFORE, MOST_CLIENTS, BrowserRecord, RecordState
from gateway.policy.session.session import SessionCookie

COOKIES = st.lists(st.builds(SessionCookie, st.sampled_from((b"sid", b"idx")), st.binary(max_size=40)), max_size=4).map(tuple)
RECORDS = st.builds(
    BrowserRecord,
    COOKIES,
    st.text(max_size=20),
    st.sampled_from(RecordState),
    COOKIES,
    st.text(max_size=20),
    st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=3).map(tuple),
)
SID, IDX = SessionCookie(b"sid", b"1"), SessionCookie(b"idx", b"2")


@given(RECORDS)
def test_a_record_comes_back_as_it_was(record: BrowserRecord) -> None:
    assert BrowserRecord.unpacked(record.packed()) == record


@given(st.binary(max_size=60))
def test_other_bytes_are_no_record(payload: bytes) -> None:
    assert BrowserRecord.unpacked(payload) is None


@pytest.mark.parametrize(
    "changed",
    [
        {0: 2},
        {1: [["DT", "x"]]},
        {1: [["sid"]]},
        {1: [[1, "x"]]},
        {1: None},
        {1: [["sid", "\u20ac"]]},
        {2: 7},
        {3: "unheard"},
        {4: [["sid", 3]]},
        {5: None},
        {6: [["a"]]},
        {6: [[1, "b"]]},
    ],
)
def test_a_record_with_one_odd_part_is_none(changed: dict[int, object]) -> None:
    parts = json.loads(BrowserRecord((SID,), "u").packed())
    for place, value in changed.items():
        parts[place] = value
    assert BrowserRecord.unpacked(json.dumps(parts).encode()) is None


def test_what_follows_a_new_session() -> None:
    record = BrowserRecord((SID,), "alice").used("app", "alice")
    waiting = record.waits((IDX,), RecordState.UNDECIDED, (SID,), "alice")
    assert waiting.all_cookies == (IDX, SID) and waiting.before_user_id == "alice"
    settled = waiting.given((IDX,), "bob")
    assert settled.all_cookies == (IDX,) and settled.state is RecordState.SETTLED
    assert settled.user_of_client("app") == "alice" and settled.user_of_client("other") is None


def test_clients_are_bounded_and_the_latest_user_counts() -> None:
    record = BrowserRecord()
    for number in range(2 * MOST_CLIENTS):
        record = record.used(f"client-{number}", "alice")
    record = record.used("client-31", "bob").used("", "bob").used("x" * (LONGEST_CLIENT_ID + 1), "bob")
    assert len(record.clients) == MOST_CLIENTS
    assert record.user_of_client("client-31") == "bob" and record.user_of_client("client-0") is None


@given(RECORDS, COOKIES)
def test_what_is_not_proven_gone_stays_in_the_record(record: BrowserRecord, cookies: tuple[SessionCookie, ...]) -> None:
    kept = record.with_unproven(cookies)
    assert set(kept.all_cookies) == {*record.all_cookies, *cookies}
    assert kept.cookies == record.cookies and kept.user_id == record.user_id
    assert kept == record or not kept.before_user_id, "they may be several users'"


def test_only_the_latest_are_kept() -> None:
    many = tuple(SessionCookie(b"sid", b"%d" % number) for number in range(40))
    assert BrowserRecord((SID,)).with_unproven(many).before == many[-MOST_BEFORE:]
