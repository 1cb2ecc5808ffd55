"""The gateway's own session is what a proof said, for as long as the proof counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.oidc.own_session import DUE, OwnSession, age_of, cookie_of, found_by, own_of
from gateway.policy.session.cookies import could_be_oktas
from gateway.policy.session.session import OWN_NAME, Session, SessionCookie

OWN = OwnSession("one", "00u1", "alice@example.com", 1000.0, 2000.0, ("pwd", "mfa"))

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.builds(OwnSession, TEXTS, TEXTS, TEXTS, st.floats(0, 1e10), st.floats(0, 1e10), st.lists(TEXTS, max_size=4).map(tuple)))
def test_what_passes_hold_is_the_session_again(own: OwnSession) -> None:
    cookie = cookie_of(own)
    assert own_of(cookie) == own
    assert could_be_oktas(cookie.value)


@pytest.mark.parametrize("value", [b"", b"=", b"AAAA", b"A", b"\xff\xfe", b"WzEsMl0"])
def test_any_other_value_is_no_session(value: bytes) -> None:
    assert own_of(SessionCookie(OWN_NAME, value)) is None


def test_a_cookie_of_the_org_is_none() -> None:
    assert own_of(SessionCookie(b"sid", cookie_of(OWN).value)) is None


def test_a_proof_counts_up_to_its_interval_and_not_longer() -> None:
    found = found_by(OWN, 2299.9, 300.0)
    assert isinstance(found, Session)
    assert (found.id, found.user_id, found.login, found.amr) == ("one", "00u1", "alice@example.com", ("pwd", "mfa"))
    assert found.ends_at == 2300.0
    assert found_by(OWN, 2300.0, 300.0) == DUE


def test_a_proof_of_a_clock_that_is_ahead_counts_from_now_on() -> None:
    found = found_by(OWN, 1990.0, 300.0)
    assert isinstance(found, Session)
    assert found.ends_at == 2290.0
    assert age_of(OWN, 1990.0) == 0.0
    assert age_of(OWN, 2010.0) == 10.0
