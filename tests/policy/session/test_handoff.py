"""A ticket is taken at its host, in its browser, in time; every other way there is a reason."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.handoff import Accepted, TicketRefused, accept
from gateway.policy.session.passes import Pass, Ticket, nonce_hash
from gateway.policy.session.session import SessionCookie

HR, WIKI = "hr.example.com:443", "wiki.example.com:443"
COOKIES = (SessionCookie(b"sid", b"102alice"),)
TICKET = Ticket("t1", HR, nonce_hash("nonce"), COOKIES, "00u1", "102abc", "/where?x=1", 1030.0)


def test_a_ticket_becomes_a_pass_and_the_way_back() -> None:
    assert accept(TICKET, HR, "nonce", 1010.0) == Accepted(Pass(COOKIES, "00u1", "102abc", 1010.0), "/where?x=1")


@pytest.mark.parametrize(
    ("ticket", "host", "nonce", "now", "reason"),
    [
        (None, HR, "nonce", 1010.0, "no_ticket"),
        (TICKET, WIKI, "nonce", 1010.0, "other_host"),
        (TICKET, HR, "nonce", 1030.1, "expired"),
        (TICKET, HR, None, 1010.0, "no_nonce"),
        (TICKET, HR, "nonce2", 1010.0, "other_browser"),
        (TICKET, HR, "", 1010.0, "other_browser"),
        (replace(TICKET, nonce_hash="\ud800"), HR, "nonce", 1010.0, "other_browser"),
    ],
)
def test_every_other_ticket_is_refused(ticket: Ticket | None, host: str, nonce: str | None, now: float, reason: str) -> None:
    refused = accept(ticket, host, nonce, now)
    assert isinstance(refused, TicketRefused) and refused.reason == reason


def test_the_last_second_counts() -> None:
    assert isinstance(accept(TICKET, HR, "nonce", 1030.0), Accepted)


@given(st.sampled_from([None, TICKET]), st.sampled_from([HR, WIKI]), st.sampled_from([None, "nonce", "x"]), st.floats(0, 2000))
def test_a_pass_comes_of_nothing_but_its_own_browser_host_and_time(ticket: Ticket | None, host: str, nonce: str | None, now: float) -> None:
    right = ticket is not None and host == HR and nonce == "nonce" and now <= 1030.0
    assert isinstance(accept(ticket, host, nonce, now), Accepted) == right
