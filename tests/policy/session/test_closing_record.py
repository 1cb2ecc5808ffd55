"""The record of a closing reads as it was written, and nothing else reads as one."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.closing_record import ClosingRecord
from gateway.policy.session.session import SESSION_NAMES, SessionCookie

values = st.binary(min_size=1, max_size=40)
cookies = st.builds(SessionCookie, st.sampled_from(sorted(SESSION_NAMES)), values)
texts = st.text(max_size=20)
records = st.builds(
    ClosingRecord,
    st.lists(cookies, max_size=4).map(tuple),
    st.lists(texts, max_size=4).map(tuple),
    texts,
    values,
    values,
    values,
    texts,
)


@given(records)
def test_a_record_reads_as_it_was_written(record: ClosingRecord) -> None:
    assert ClosingRecord.unpacked(record.packed()) == record


@given(st.one_of(st.binary(max_size=60), st.sampled_from([b"[]", b"[1]", b'[2,[],[],"","","","",""]'])))
def test_anything_else_is_no_record(payload: bytes) -> None:
    assert ClosingRecord.unpacked(payload) is None


def test_the_device_and_the_cookies_are_not_shown() -> None:
    record = ClosingRecord((SessionCookie(b"sid", b"very-secret"),), ("alice",), "1", b"agent", b"en", b"device-secret", "192.0.2.1")
    assert "secret" not in repr(record)
