"""A sealed text comes back from the cookies it was spread over, whole or not at all."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.cookies import PASS_NAME, PENDING_NAME, expired, parts_of, set_cookie_name, set_cookie_value
from gateway.policy.http.messages import Fields
from gateway.policy.session.split_cookies import LARGEST_PART, expired_lines, joined, set_lines

texts = st.builds(
    lambda letter, length: (letter * length)[:length],
    st.text(alphabet="abcXYZ019-_", min_size=1, max_size=7),
    st.one_of(st.integers(1, 50), st.integers(LARGEST_PART - 2, 3 * LARGEST_PART)),
)


def kept(lines: Fields) -> dict[bytes, bytes]:
    """What a browser keeps of these lines."""
    jar = {set_cookie_name(value): value for _, value in lines}
    return {name: set_cookie_value(value) for name, value in jar.items() if b"Max-Age=0" not in value}


def cookie_line(jar: dict[bytes, bytes]) -> bytes:
    return b"; ".join(name + b"=" + value for name, value in jar.items())


@given(texts, st.sampled_from([PASS_NAME, PENDING_NAME]), st.sampled_from([b"", b"a=1; ", b"__Host-gateway-owner=x; "]))
def test_what_was_set_is_read_again_and_no_cookie_is_too_large(text: str, name: bytes, before: bytes) -> None:
    lines = set_lines(name, text, ())
    assert lines is not None
    jar = kept(lines)
    assert all(len(part) + len(value) <= 4096 for part, value in jar.items())
    assert joined([before + cookie_line(jar)], name) == text.encode()
    assert joined([cookie_line({part: value}) for part, value in jar.items()], name) == text.encode()


@given(texts, texts)
def test_a_shorter_text_expires_what_a_longer_one_left(first: str, second: str) -> None:
    before = set_lines(PASS_NAME, first, ())
    assert before is not None
    jar = kept(before)
    after = set_lines(PASS_NAME, second, ((b"Cookie", cookie_line(jar)),))
    assert after is not None
    gone = {set_cookie_name(value) for _, value in after if b"Max-Age=0" in value}
    assert {**jar, **kept(after)}.keys() - gone == kept(after).keys()
    assert gone <= jar.keys(), "nothing is expired that is not there"


@given(texts, st.data())
def test_parts_that_are_not_all_there_are_nothing(text: str, data: st.DataObject) -> None:
    lines = set_lines(PASS_NAME, text, ())
    assert lines is not None
    jar = kept(lines)
    lost = data.draw(st.sampled_from(sorted(jar)))
    rest = {name: value for name, value in jar.items() if name != lost}
    assert joined([cookie_line(rest)], PASS_NAME) is None
    assert joined([cookie_line(jar), cookie_line({lost: jar[lost]})], PASS_NAME) is None, "repeated"


def test_a_text_that_three_cookies_cannot_hold_is_not_set() -> None:
    assert set_lines(PASS_NAME, "a" * (3 * LARGEST_PART + 1), ()) is None


@pytest.mark.parametrize("value", [b"1~a", b"4~a", b"9~a", b"~~a", b"\xff~a", b"2~a"])
def test_an_odd_number_of_parts_is_nothing(value: bytes) -> None:
    assert joined([b"__Host-gateway=" + value], PASS_NAME) is None


def test_a_text_in_one_cookie_is_as_it_always_was() -> None:
    text = secrets.token_urlsafe(300)
    assert set_lines(PASS_NAME, text, ()) == (
        (b"Set-Cookie", b"__Host-gateway=" + text.encode() + b"; Path=/; Secure; HttpOnly; SameSite=Lax"),
    )
    assert joined([b"a=1", b"__Host-gateway=" + text.encode()], PASS_NAME) == text.encode()
    assert joined([], PASS_NAME) is None


def test_all_parts_that_were_presented_expire_together() -> None:
    assert expired_lines(PASS_NAME, ()) == (expired(PASS_NAME),)
    presented = ((b"Cookie", b"; ".join(name + b"=1" for name in parts_of(PASS_NAME))),)
    assert expired_lines(PASS_NAME, presented) == tuple(expired(name) for name in parts_of(PASS_NAME))
