"""A ticket is taken once, at its host, in its browser, in time; every other way there is a reason."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.handoff import Accepted, Refused, accept
from gateway.core.passes import Pass, Ticket, nonce_hash
from gateway.core.session import SessionCookie

HR, WIKI = "hr.example.com:443", "wiki.example.com:443"
COOKIES = (SessionCookie(b"sid", b"102alice"),)
TICKET = Ticket("t1", HR, nonce_hash("nonce"), COOKIES, "00u1", "102abc", "/where?x=1", 1030.0)


def test_a_ticket_becomes_a_pass_and_the_way_back() -> None:
    assert accept(TICKET, HR, "nonce", 1010.0, False) == Accepted(Pass(COOKIES, "00u1", "102abc", 1010.0), "/where?x=1")


@pytest.mark.parametrize(
    ("ticket", "host", "nonce", "now", "is_used", "reason"),
    [
        (None, HR, "nonce", 1010.0, False, "no_ticket"),
        (TICKET, WIKI, "nonce", 1010.0, False, "other_host"),
        (TICKET, HR, "nonce", 1030.1, False, "expired"),
        (TICKET, HR, None, 1010.0, False, "no_nonce"),
        (TICKET, HR, "nonce2", 1010.0, False, "other_browser"),
        (TICKET, HR, "", 1010.0, False, "other_browser"),
        (replace(TICKET, nonce_hash="\ud800"), HR, "nonce", 1010.0, False, "other_browser"),
        (TICKET, HR, "nonce", 1010.0, True, "used"),
        (TICKET, HR, "other", 1010.0, True, "other_browser"),
    ],
)
def test_every_other_ticket_is_refused(ticket: Ticket | None, host: str, nonce: str | None, now: float, is_used: bool, reason: str) -> None:
    refused = accept(ticket, host, nonce, now, is_used)
    assert isinstance(refused, Refused) and refused.reason == reason


def test_the_last_second_counts() -> None:
    assert isinstance(accept(TICKET, HR, "nonce", 1030.0, False), Accepted)


@given(
    st.sampled_from([None, TICKET]), st.sampled_from([HR, WIKI]), st.sampled_from([None, "nonce", "x"]), st.floats(0, 2000), st.booleans()
)
def test_a_pass_comes_of_nothing_but_its_own_browser_host_and_time(
    ticket: Ticket | None, host: str, nonce: str | None, now: float, is_used: bool
) -> None:
    right = ticket is not None and host == HR and nonce == "nonce" and now <= 1030.0 and not is_used
    assert isinstance(accept(ticket, host, nonce, now, is_used), Accepted) == right
