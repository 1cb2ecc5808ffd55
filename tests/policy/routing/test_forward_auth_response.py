"""What a front proxy is told: every identity field every time, within what nginx reads, and statuses that it knows."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import Authority, RequestHead
from gateway.policy.routing.forward_auth_response import (
    LARGEST_IDENTITY_BYTES,
    ForwardAuthResponse,
    bytes_of_names,
    kept_for,
    redirect_status,
    terse,
    terse_sign_in,
)
from gateway.policy.session.identity import IDENTITY_ATTRIBUTES
from gateway.policy.session.session import Session

ALICE = Session("s1", "00u1", "alice@example.com", datetime(2030, 1, 2, tzinfo=UTC), ("pwd",))
TOLD = ForwardAuthResponse(((b"Remote-User", "login"), (b"Remote-User-Id", "user_id")))
NAVIGATE = ((b"Accept", b"text/html"), (b"Sec-Fetch-Mode", b"navigate"), (b"Sec-Fetch-Dest", b"document"))
FETCH = ((b"Accept", b"text/html"), (b"Sec-Fetch-Mode", b"cors"), (b"Sec-Fetch-Dest", b"empty"))


def asking(method: str, fields: tuple[tuple[bytes, bytes], ...]) -> RequestHead:
    return RequestHead(method, "/x", Authority("hr.example.com", 443), fields, True, "10.0.0.1", "192.0.2.7")


def test_a_user_is_told_by_every_name_of_the_table() -> None:
    assert TOLD.fields(ALICE) == ((b"Remote-User", b"alice@example.com"), (b"Remote-User-Id", b"00u1"), (b"X-Gateway-Omitted", b""))


def test_nobody_is_told_by_every_name_too_a9() -> None:
    assert TOLD.fields(None) == ((b"Remote-User", b""), (b"Remote-User-Id", b""), (b"X-Gateway-Omitted", b""))
    assert ForwardAuthResponse(()).fields(ALICE) == ((b"X-Gateway-Omitted", b""),)


def test_what_does_not_fit_is_empty_and_named_a6() -> None:
    room = LARGEST_IDENTITY_BYTES - bytes_of_names([b"Remote-User", b"Remote-User-Id"])
    long = replace(ALICE, login="x" * (room - 4))
    assert TOLD.fields(long)[2] == (b"X-Gateway-Omitted", b"")
    longer = replace(ALICE, login="x" * (room + 1))
    assert TOLD.fields(longer) == ((b"Remote-User", b""), (b"Remote-User-Id", b"00u1"), (b"X-Gateway-Omitted", b"Remote-User"))
    both = replace(longer, user_id="y" * (room + 1))
    assert TOLD.fields(both)[2] == (b"X-Gateway-Omitted", b"Remote-User, Remote-User-Id")


@given(
    st.lists(
        st.tuples(st.from_regex(rb"[A-Za-z-]{1,30}\Z"), st.sampled_from(IDENTITY_ATTRIBUTES)), max_size=20, unique_by=lambda row: row[0]
    ),
    st.text(max_size=600),
    st.lists(st.text(max_size=400), max_size=4),
)
def test_the_lines_never_outgrow_their_room_and_no_name_is_missing(table: list[tuple[bytes, str]], login: str, amr: list[str]) -> None:
    lines = ForwardAuthResponse(tuple(table)).fields(replace(ALICE, login=login, amr=tuple(amr)))
    assert [name for name, _ in lines] == [*(name for name, _ in table), b"X-Gateway-Omitted"]
    assert sum(len(name) + len(value) + 4 for name, value in lines) <= LARGEST_IDENTITY_BYTES
    omitted = lines[-1][1].split(b", ") if lines[-1][1] else []
    assert all(value == b"" for name, value in lines if name in omitted)


@pytest.mark.parametrize(
    ("method", "fields", "status"),
    [
        ("GET", NAVIGATE, 302),
        ("HEAD", NAVIGATE, 302),
        ("POST", NAVIGATE, 303),
        ("DELETE", ((b"Accept", b"text/html"),), 303),
        ("GET", FETCH, None),
        ("POST", FETCH, None),
        ("POST", ((b"Accept", b"application/json"),), None),
        ("POST", ((b"Accept", b"text/html"), (b"X-Requested-With", b"XMLHttpRequest")), None),
        ("POST", (*NAVIGATE, (b"Sec-Purpose", b"prefetch")), None),
        ("GET", (*NAVIGATE, (b"Connection", b"upgrade"), (b"Upgrade", b"websocket")), None),
    ],
)
def test_only_a_top_level_navigation_is_redirected_a3_l18(method: str, fields: tuple[tuple[bytes, bytes], ...], status: int | None) -> None:
    assert redirect_status(asking(method, fields)) == status


def test_a_terse_proxy_is_told_where_and_whether_a_browser_goes_to_sign_in_a2() -> None:
    url = "https://hr.example.com/.gateway/sign-in?to=%2Fx"
    always = (
        (b"Cache-Control", b"no-store"),
        (b"WWW-Authenticate", b"Session"),
        (b"X-Gateway-Reason", b"no_session"),
        (b"X-Gateway-Sign-In", url.encode()),
    )
    script, navigation = (terse_sign_in(asking("GET", fields), url) for fields in (FETCH, NAVIGATE))
    assert (script.status, script.fields, script.body) == (401, always, b"")
    assert navigation.fields == (*always, (b"X-Gateway-Redirect", b"302"))


def test_a_terse_refusal_is_a_403_with_its_reason() -> None:
    refusal = terse("unavailable", (b"Retry-After", b"2"))
    assert (refusal.status, refusal.body) == (403, b"")
    assert refusal.fields == ((b"Cache-Control", b"no-store"), (b"X-Gateway-Reason", b"unavailable"), (b"Retry-After", b"2"))


def test_nothing_is_kept_unless_for_a_whole_second_k15() -> None:
    assert kept_for(0) == kept_for(-1) == ((b"Cache-Control", b"no-store"),)
    assert kept_for(7) == ((b"Cache-Control", b"private, max-age=7"), (b"Vary", b"Cookie, Authorization"))
