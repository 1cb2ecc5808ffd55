"""The session cookies of one request and its answer: an app gets its user's, another user's end at the next navigation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.bound_cookies import BoundCookies
from gateway.policy.http.cookie_stamps import MARK, NOBODY
from gateway.policy.http.cookies import PASS_NAME, not_the_apps
from gateway.policy.http.messages import Authority, Fields, RequestHead
from tests.policy.http.stamped_cookies import ALICES, HR, NAMES, kept

BOBS = kept(b"JSESSIONID=b1", HR.of("00u-bob"))
UNBOUND = b"JSESSIONID=x1"
NO_PAGE: Fields = ((b"Sec-Fetch-Mode", b"cors"),)


def head(fields: Fields = ()) -> RequestHead:
    return RequestHead("GET", "/app/page", Authority("hr.example.com", 443), fields, True, "192.0.2.1", "192.0.2.1")


def bound(user_id: str = "00u-alice", fields: Fields = (), *, has_session: bool = True) -> BoundCookies:
    return BoundCookies(NAMES, HR, head(fields), user_id, has_session=has_session)


def removed(fields: Fields) -> list[bytes]:
    """The names of the cookies that these lines remove."""
    return [value.partition(b"=")[0] for name, value in fields if name == b"Set-Cookie" and b"Max-Age=0" in value]


def test_a_line_without_a_session_stays_as_it_is() -> None:
    cookies = bound()
    line = b"theme=dark; a=1"
    assert cookies.value(line) is line
    assert not cookies.left_out and not cookies.read.is_bound
    assert cookies.is_same_again


def test_an_app_gets_the_session_of_its_user_and_no_other() -> None:
    cookies = bound()
    assert cookies.value(b"theme=dark; " + ALICES) == b"theme=dark; JSESSIONID=a1"
    assert not cookies.left_out and cookies.read.is_bound and cookies.is_same_again
    assert cookies.value(BOBS) is None
    assert cookies.value(UNBOUND) is None
    assert [one.scope is None for one in cookies.left_out] == [False, True]
    assert not cookies.is_same_again


def test_where_only_the_pass_names_the_user_no_bytes_are_used_again() -> None:
    cookies = bound(has_session=False)
    cookies.value(ALICES)
    assert not cookies.is_same_again
    untouched = bound(has_session=False)
    assert untouched.is_same_again
    untouched.value(b"theme=dark")
    assert untouched.read.user is untouched.user and untouched.is_same_again


def test_what_was_read_for_one_user_is_not_known_for_another() -> None:
    alices, bobs = bound(), bound("00u-bob")
    alices.value(ALICES)
    assert not bobs.knows(alices.read) and not bobs.left_out
    assert bound().knows(alices.read)
    assert not alices.knows(None) and not alices.left_out


def test_a_line_whose_cookies_were_all_seen_is_not_read_again() -> None:
    cookies = bound()
    line = b"theme=dark; " + ALICES
    first = cookies.value(line)
    again = bound()
    assert again.known(line, not_the_apps) == first
    assert again.read.is_bound and not again.left_out
    assert again.known(b"JSESSIONID=" + b"n" * 20, not_the_apps) is None
    held = PASS_NAME + b"=sealed"
    assert again.known(held + b"; " + ALICES, not_the_apps) is None
    again.note_pass(held + b"; theme=dark")
    assert again.known(held + b"; " + ALICES, not_the_apps) == b"JSESSIONID=a1"


def test_what_was_left_out_before_is_still_left_out_behind_a_known_line() -> None:
    cookies = bound()
    cookies.value(ALICES)
    cookies.knows(None)
    cookies.value(BOBS)
    assert cookies.known(ALICES, not_the_apps) == b"JSESSIONID=a1"
    assert [one.name for one in cookies.left_out] == [b"JSESSIONID"]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (b"theme=dark", b"Cookie: theme=dark\r\n"),
        (ALICES, b"Cookie: JSESSIONID=a1\r\n"),
        (BOBS, b""),
    ],
)
def test_a_whole_line_as_the_app_gets_it(value: bytes, sent: bytes) -> None:
    assert bound().text(b"Cookie: " + value + b"\r\n") == sent


def test_all_fields_are_read_anew() -> None:
    cookies = bound()
    cookies.value(BOBS)
    fields = ((b"Accept", b"*/*"), (b"cookie", ALICES), (b"Cookie", BOBS))
    assert cookies.fields(fields) == ((b"Accept", b"*/*"), (b"cookie", b"JSESSIONID=a1"))
    assert len(cookies.left_out) == 1


def test_an_answer_stamps_what_the_app_sets() -> None:
    cookies = bound()
    plain = ((b"Content-Type", b"text/html"), (b"X-Ten-Long", b"1"))
    assert cookies.answer(plain) is plain
    answered = cookies.answer((*plain, (b"Set-Cookie", b"JSESSIONID=a2; Path=/"), (b"set-cookie", b"theme=dark")))
    assert answered[:2] == plain and answered[3] == (b"set-cookie", b"theme=dark")
    assert MARK in answered[2][1] and cookies.value(answered[2][1].partition(b";")[0]) == b"JSESSIONID=a2"


@pytest.mark.parametrize(
    ("user_id", "fields", "ends"),
    [
        ("00u-alice", (), [b"JSESSIONID", b"PHPSESSID"]),
        ("00u-alice", ((b"Sec-Fetch-Mode", b"navigate"),), [b"JSESSIONID", b"PHPSESSID"]),
        ("00u-alice", NO_PAGE, []),
        (NOBODY, (), [b"PHPSESSID"]),
    ],
    ids=["an old browser", "a navigation", "a script", "nobody"],
)
def test_only_an_answer_to_a_navigation_removes_what_was_left_out(user_id: str, fields: Fields, ends: list[bytes]) -> None:
    """Without a user, another user's session is not removed: nobody came after that user. A cookie without a stamp is."""
    cookies = bound(user_id, fields)
    cookies.value(BOBS + b"; PHPSESSID=x1")
    assert sorted(set(removed(cookies.answer(())))) == ends


@given(
    st.lists(st.sampled_from([ALICES, BOBS, UNBOUND, b"theme=dark", b"remember=x"]), max_size=6), st.sampled_from(["00u-alice", "00u-bob"])
)
def test_no_order_of_lines_gives_an_app_another_users_session(lines: list[bytes], user_id: str) -> None:
    cookies = bound(user_id)
    for line in lines:
        known = cookies.known(line, not_the_apps)
        sent = known if known is not None else cookies.value(line)
        own, others = (b"a1", b"b1") if user_id == "00u-alice" else (b"b1", b"a1")
        assert sent is None or (others not in sent and b"x1" not in sent and (own in sent or sent == line))
