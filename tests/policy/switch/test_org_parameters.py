"""How a query and a body are taken apart: in every way that some server does it, and no further."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.session import SessionToken
from gateway.policy.switch.org_parameters import MOST_PARAMETERS, MOST_VALUES, NOTHING, Parameters, folded_names, jwt_claims
from tests.policy.switch.sent_to_org import FORM, JSON, head


def taken(text: str, is_authorize: bool = False) -> Parameters:
    found = Parameters(frozenset({"sessiontoken", "token"}), is_authorize)
    found.take_pairs(text)
    return found


def posted(body: str, kind: bytes = FORM) -> Parameters:
    found = Parameters(frozenset({"sessiontoken"}), is_authorize=False)
    found.take_body(head("/", "POST", (b"Content-Type", kind)), body.encode())
    return found


def values(found: Parameters) -> list[tuple[str, str]]:
    return [(name, token.value) for name, token in found.tokens]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("token=a&sessionToken=b&token=a", [("token", "a"), ("sessiontoken", "b"), ("token", "a")]),
        ("token=a;token=b", [("token", "a;token=b"), ("token", "a"), ("token", "b")]),
        ("x;token=a+%2B", [("token", "a +")]),
        ("token=a=b", [("token", "a=b")]),
        ("token;token=&=&;", []),
        ("a=token=b&a=%26token=b", []),
    ],
)
def test_parameters_are_split_at_both_separators(text: str, tokens: list[tuple[str, str]]) -> None:
    assert values(taken(text)) == tokens


@pytest.mark.parametrize("nothing", [*sorted(NOTHING), "Undefined", "NULL"])
def test_nothing_is_no_token_and_its_name_was_seen(nothing: str) -> None:
    found = taken(f"token={nothing}&request_uri={nothing}", is_authorize=True)
    assert (found.tokens, found.request_uris, found.has_token_name, found.doubt) == ([], [], True, None)
    assert values(taken(f"token={nothing}x")) == [("token", f"{nothing}x")]


def test_parameters_of_an_authorize_request_count_there_alone() -> None:
    text = "client_id=a&prompt=none&request_uri=b&id_token_hint=c&request=d"
    there, elsewhere = taken(text, is_authorize=True), taken(text)
    assert (there.client_ids, there.prompts, there.request_uris, there.hints, there.doubt) == (
        ["a"],
        ["none"],
        ["b"],
        ["c"],
        "request_object",
    )
    assert (elsewhere.client_ids, elsewhere.prompts, elsewhere.request_uris, elsewhere.hints, elsewhere.doubt) == ([], [], [], ["c"], None)


def test_as_many_parameters_as_nobody_sends_are_doubt() -> None:
    assert taken("a&" * MOST_PARAMETERS + "token=x").tokens == [("token", SessionToken("x"))]
    assert taken("a;" * MOST_PARAMETERS + "&token=x").doubt == "too_many_parameters"


def test_more_tokens_than_anybody_sends_are_doubt() -> None:
    many = [f"token={number}" for number in range(MOST_VALUES + 1)]
    assert taken("&".join(many[:-1])).doubt is None
    assert (len(taken("&".join(many)).tokens), taken("&".join(many)).doubt) == (MOST_VALUES, "too_many_parameters")


@given(
    st.lists(st.lists(st.sampled_from(["%26", "&", "%2526", "%", "%C3", "%A9", "é", "+", " ", "a", "Token", "%54", "\x00"])).map("".join))
)
def test_names_that_are_decoded_together_read_as_each_by_itself(raws: list[str]) -> None:
    assert folded_names(raws) == [folded_names((raw,))[0] for raw in raws]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("", ""),
        ("sessionToken", "sessiontoken"),
        ("%2573ession+Token", "sessiontoken"),
        ("%25252574oken", "%74oken"),
        ("to%00ken", "token"),
        ("a&%26%2526b", "a!!!b"),
    ],
)
def test_a_name_is_decoded_three_times(raw: str, name: str) -> None:
    assert folded_names((raw,)) == [name]


@given(st.text(), st.integers(0, 3))
def test_encoding_hides_no_name(text: str, times: int) -> None:
    name = "".join(letter for letter in text if letter.isalnum())
    encoded = name
    for _ in range(times):
        encoded = quote(encoded, safe="")
    assert folded_names((encoded,)) == [name.casefold()]


@pytest.mark.parametrize(
    ("body", "kind", "doubt"),
    [
        ('{"sessionToken": {"value": "x"}}', JSON, "hidden_token"),
        ('{"sessionToken": [{}]}', JSON, "hidden_token"),
        ('["session_token"]', JSON, "hidden_token"),
        ('{"a": {"b": null}}', JSON, None),
        ('{"a": "?sessionToken=x"}', JSON, None),
        ("{", JSON, "strange_json"),
        ("{", b"text/plain", None),
        ("{sessionToken", b"text/plain", "strange_json"),
        ('{"session_token": 1}', b"text/plain", "hidden_token"),
        ("{}", FORM, None),
        ("session_token=x", FORM, "hidden_token"),
        ("a=session_token&b=%3FsessionToken%3Dx", FORM, None),
        ("a", b"multipart/form-data", "unreadable_body"),
    ],
)
def test_a_body_that_might_hide_a_token_is_doubt(body: str, kind: bytes, doubt: str | None) -> None:
    found = posted(body, kind)
    assert (found.tokens, found.doubt) == ([], doubt)


@pytest.mark.parametrize(
    ("body", "kind", "tokens"),
    [
        ('{"sessionToken": ["a", 5, true, null], "session_token": 1}', JSON, ["a", "5", "True"]),
        ('{"a": "&sessionToken=b"}', b"text/plain", ['b"}']),
        ("session_token=x&sessionToken=b", FORM, ["b"]),
    ],
)
def test_a_body_with_a_token_needs_no_doubt(body: str, kind: bytes, tokens: list[str]) -> None:
    found = posted(body, kind)
    assert ([value for _, value in values(found)], found.doubt) == (tokens, None)


@given(st.binary(max_size=60))
def test_the_claims_of_a_signed_token_come_back(claims: bytes) -> None:
    assert jwt_claims(f"e30.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.x") == claims


@pytest.mark.parametrize("text", ["", ".", "a.b.c.d.e", "e30.a.x", "a"])
def test_what_is_no_signed_token_has_no_claims(text: str) -> None:
    assert jwt_claims(text) is None


def test_a_request_object_in_a_request_object_is_read() -> None:
    inner = {"sessionToken": "x"}
    for _ in range(3):
        payload = base64.urlsafe_b64encode(json.dumps(inner).encode()).decode().rstrip("=")
        inner = {"request": f"e30.{payload}.sig"}
    assert values(taken(f"request={inner['request']}", is_authorize=True)) == [("sessiontoken", "x")]
