"""Every token in a text is found, however deep it stands and however it is encoded; what is no token is not."""

import json
from base64 import urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.session import SessionToken
from gateway.policy.switch.nested_tokens import (
    DEEPEST_NESTING,
    LONGEST_NESTED,
    MOST_NAMES,
    MOST_NESTED,
    MOST_PIECES,
    NestedTokens,
    nested_tokens,
    tokens_in_location,
)

NAMES = ("sessionToken", "onetimetoken", "token", "stateToken", "request_uri")
T = SessionToken("20111sT-q8_L~n.0")


def nested(value: str, depth: int) -> str:
    for _ in range(depth):
        value = quote(value, safe="")
    return value


@pytest.mark.parametrize(
    "text",
    [
        f"sessionToken={T.value}",
        f"a=b&SESSIONTOKEN={T.value}#x",
        f"x;token={T.value};y",
        f"fromURI=%2Fapp%2Fx%3FsessionToken%3D{T.value}",
        f"RelayState={quote(f'https://a.example.com/x?b=c&onetimetoken={T.value}')}&SAMLRequest=abc",
        f"redirectUrl={nested(f'/login/token/redirect?stateToken={T.value}', 3)}",
        f"fromURI=/app?sessionToken={T.value}",
        f"fromURI=%2Fapp%3Fsession%2554oken%3D{T.value}",
        f'next="/x?token={T.value}"',
        f"a=session%00Token={T.value}",
        f"token%3D{nested(T.value.replace('-', '%2D'), 1)}",
        f"fromURI=%2Fapp%3Fto%C2%ADk%E2%80%8Ben%3D{T.value}",
        f"fromURI=%2Fapp%3Fto%E2%84%AAen%3D{T.value}",
        f"fromURI=%2Fapp%C3%A9to%0Aken%3D{T.value}",
        f"token=sessionToken={T.value}",
        f"fromURI=%2Fapp%3F%C5%BFessionToken%3D{T.value}",
    ],
)
def test_a_token_is_found_at_any_depth(text: str) -> None:
    found = nested_tokens(text)
    assert T in found.tokens
    assert found.is_all


@pytest.mark.parametrize(
    "text",
    ["", "a=b", "id_token=x", "access-token=x", "sessionToken", "sessionToken=", "sessionToken=undefined", "token=Null", "token%3D", "%"],
)
def test_what_is_no_token_is_not_found(text: str) -> None:
    assert nested_tokens(text) == NestedTokens((), is_all=True)


def test_a_value_is_read_in_both_ways_and_with_its_padding() -> None:
    assert nested_tokens("token=a+b").tokens == (SessionToken("a+b"), SessionToken("a b"))
    assert nested_tokens("token=YQ==&b").tokens == (SessionToken("YQ=="),)
    assert nested_tokens("token=a=token=b").tokens == (SessionToken("a"), SessionToken("b"))


def test_more_than_64_are_counted_and_not_returned() -> None:
    many = "&".join(f"token={number}" for number in range(MOST_NESTED + 1))
    assert nested_tokens(many) == NestedTokens(tuple(SessionToken(str(number)) for number in range(MOST_NESTED)), is_all=False)
    assert nested_tokens("&".join(f"token={number}" for number in range(MOST_NESTED))).is_all


def test_more_names_than_anybody_sends_are_not_read() -> None:
    assert nested_tokens("&".join(["token=same"] * MOST_NAMES)) == NestedTokens((SessionToken("same"),), is_all=True)
    assert nested_tokens("&".join(["token=same"] * (MOST_NAMES + 1))) == NestedTokens((), is_all=False)
    assert not nested_tokens("&".join(["token=same"] * MOST_NAMES) + "%26request_uri=a").is_all


def test_deeper_than_5_is_said_and_not_read() -> None:
    assert nested_tokens(nested("x?token=a", DEEPEST_NESTING + 1)) == NestedTokens((), is_all=False)
    assert nested_tokens(nested("x?token=a", DEEPEST_NESTING)) == NestedTokens((SessionToken("a"),), is_all=True)


def test_a_long_text_is_decoded_twice_where_little_of_it_is_still_escaped() -> None:
    long = "x" * (2 * LONGEST_NESTED)
    deep = nested("x?token=a", 3)
    assert nested_tokens(f"SAMLRequest={long}%2B&RelayState={deep}") == NestedTokens((SessionToken("a"),), is_all=True)
    assert nested_tokens(f"SAMLRequest={long}%25&RelayState=x") == NestedTokens((), is_all=True)
    assert nested_tokens(f"RelayState={long}{deep}") == NestedTokens((), is_all=False)
    assert nested_tokens("&" * MOST_PIECES + f"{long}&RelayState={deep}") == NestedTokens((), is_all=False)


tokens = st.text("ABCabc019-_.~:", min_size=1).filter(lambda text: text.casefold() not in ("null", "undefined"))
around = st.text("abc/?&;=%+41", max_size=12)


@given(
    st.sampled_from(NAMES),
    st.sampled_from([str, str.upper, str.lower, str.swapcase]),
    tokens,
    st.integers(0, DEEPEST_NESTING - 1),
    st.sampled_from([quote, quote_plus]),
    st.tuples(around, st.sampled_from(["", "&", "?", ";", "#"]), st.sampled_from(["", "&", ";", "#"]), around),
)
def test_nothing_around_a_token_hides_it(
    name: str, spell: object, token: str, depth: int, encode: object, rest: tuple[str, str, str, str]
) -> None:
    assert callable(spell)
    assert callable(encode)
    before, opens, closes, after = rest
    text = f"/x{opens}{spell(name)}={token}{closes and closes + after}" if opens else f"{spell(name)}={token}"
    for _ in range(depth):
        text = f"fromURI={encode(text, safe='')}"
    found = nested_tokens(f"{before}&{text}")
    assert SessionToken(token) in found.tokens
    assert len(found.tokens) <= MOST_NESTED


LOCATIONS = [
    f"/login/sessionCookieRedirect?token={T.value}&redirectUrl=%2F",
    f"https://login.example.com/login/sessionCookieRedirect?%74oken={T.value}",
    f"//login.example.com/app/x?sessionToken={T.value}",
    f"https://login.example.com/login/token/redirect?stateToken={T.value}#top",
    f"token/redirect?stateToken={T.value}",
    f"/oauth2/v1/authorize?client_id=x&request_uri={T.value}",
    f"?sessionToken={T.value}",
    f"/home/x?session%2554oken={T.value}",
    f"/login/login.htm?fromURI={nested(f'/app/x?sessionToken={T.value}', 2)}",
    f"/app/x;sessionToken={T.value}",
    f"/oauth2/v1/authorize?request=e30.{urlsafe_b64encode(json.dumps({'sessionToken': T.value}).encode()).decode().rstrip('=')}.sig",
    "/" + "x" * 5000 + f"/authorize?session+Token={T.value}",
]


@pytest.mark.parametrize("location", LOCATIONS)
def test_what_a_location_would_redeem_is_named(location: str) -> None:
    assert tokens_in_location(location) == (T,)


@pytest.mark.parametrize("location", ["", "/", "https://app.example.com/x?a=b", "/login/login.htm?fromURI=%2Fhome", "/x?sessionToken=null"])
def test_a_location_without_a_token_names_none(location: str) -> None:
    assert tokens_in_location(location) == ()
