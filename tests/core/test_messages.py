"""Messages: what two parsers could read in two ways is refused before anything of it is believed."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.messages import Answer, Authority, Fields, Malformed, Received, RequestHead, admit_head, parse_authority

HOST: Fields = ((b"Host", b"hr.example.com"),)
GOOD = Received("GET", "/", (1, 1), HOST, True, "10.0.0.1", "203.0.113.7")

NOT_PLAIN = ".|..|a..b|a.b..|user@a|a/|a:|a:b|a:0|a:65536|a:999999|a:80:80|a:+80|a?x|-a|a-|a_b|[::1|::1|a%2eb|http://a"


def refused(received: Received, limit: int = 65536) -> tuple[int, str] | None:
    found = admit_head(received, limit)
    return (found.status, found.reason) if isinstance(found, Malformed) else None


def test_a_plain_request_is_admitted_as_it_came() -> None:
    received = replace(
        GOOD, target="/a%2Fb?x=%7E&y=+&z", fields=((b"HOST", b"HR.example.com"), (b"A", b"1"), (b"a", b"2\t\xff"), (b"B", b""))
    )
    head = admit_head(received, 65536)
    assert isinstance(head, RequestHead)
    assert (head.method, head.target, head.path, head.query) == ("GET", "/a%2Fb?x=%7E&y=+&z", "/a%2Fb", "x=%7E&y=+&z")
    assert (head.authority, head.secure, head.peer, head.client) == (Authority("hr.example.com", 443), True, "10.0.0.1", "203.0.113.7")
    assert head.fields == received.fields
    assert (head.values(b"a"), head.value(b"a"), head.value(b"b"), head.value(b"c")) == ((b"1", b"2\t\xff"), None, b"", None)


def test_a_target_without_a_query_has_an_empty_one() -> None:
    head = admit_head(replace(GOOD, target="/x"), 65536)
    assert isinstance(head, RequestHead)
    assert (head.path, head.query) == ("/x", "")


@pytest.mark.parametrize("version", [(0, 9), (1, 2), (1, 32), (2, 0), (3, 0)])
def test_only_two_versions_are_spoken(version: tuple[int, int]) -> None:
    assert refused(replace(GOOD, version=version)) == (505, "version")
    assert refused(replace(GOOD, version=(1, 0))) is None


@pytest.mark.parametrize("method", ["", "G ET", "GET\n", 'G=":<>(e),[T];?"', "G\u00cbT", "\udcff"])
def test_a_method_is_a_token(method: str) -> None:
    assert refused(replace(GOOD, method=method)) == (400, "method")


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT"])
def test_methods_that_turn_connections_are_refused(method: str) -> None:
    assert refused(replace(GOOD, method=method)) == (405, "method_refused")


@pytest.mark.parametrize("name", [b"", b"X-Auth-User ", b" X", b"X:", b"X\x00", b"X\xc3", b"X Y", b"(X)", b"X\n"])
def test_a_field_name_is_a_token(name: bytes) -> None:
    assert refused(replace(GOOD, fields=(*HOST, (name, b"1")))) == (400, "field")


@pytest.mark.parametrize("byte", [0, 7, 8, 10, 11, 13, 31, 127])
def test_a_field_value_holds_no_control(byte: int) -> None:
    assert refused(replace(GOOD, fields=(*HOST, (b"X", b"a" + bytes((byte,)) + b"b")))) == (400, "field")


@pytest.mark.parametrize(
    "target",
    ["", "*", "a", "http://hr.example.com/", "hr:443", "/a b", "/a#b", "/?a#b", "/a\\b", "/\n", "/\x00", "/\u00e9", "/a?\x7f", "/a\r\n"],
)
def test_a_target_is_a_path_and_a_query(target: str) -> None:
    assert refused(replace(GOOD, target=target)) == (400, "target")


def test_fields_are_bounded_together() -> None:
    fields = (*HOST, (b"X", b"a" * 100))
    size = sum(len(name) + len(value) + 4 for name, value in fields)
    assert refused(replace(GOOD, fields=fields), size) is None
    assert refused(replace(GOOD, fields=fields), size - 1) == (431, "fields_too_large")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ((), "host_missing"),
        (HOST + HOST, "host_repeated"),
        (((b"Host", b"a"), (b"HOST", b"b")), "host_repeated"),
        (((b"Host", b""),), "host"),
        (((b"Host", b"a@b"),), "host"),
    ],
)
def test_there_is_exactly_one_plain_host(fields: Fields, reason: str) -> None:
    assert refused(replace(GOOD, fields=fields)) == (400, reason)


@pytest.mark.parametrize(
    ("text", "secure", "authority"),
    [
        ("APP.example.:443", True, Authority("app.example", 443)),
        ("app.example", True, Authority("app.example", 443)),
        ("app.example", False, Authority("app.example", 80)),
        ("app.example:8080", True, Authority("app.example", 8080)),
        ("app.example:1", True, Authority("app.example", 1)),
        ("[::1]:8080", False, Authority("[::1]", 8080)),
        ("a", False, Authority("a", 80)),
        ("127.0.0.1:65535", False, Authority("127.0.0.1", 65535)),
    ],
)
def test_an_authority_is_read_once_and_the_same_way(text: str, secure: bool, authority: Authority) -> None:
    assert parse_authority(text, secure) == authority
    assert parse_authority(str(authority), secure) == authority


@pytest.mark.parametrize("text", [*NOT_PLAIN.split("|"), "", " a", "a, b", "a b", "\u0430.example", "a\n", "a:80\n", "a:\u0661", "\u212a"])
def test_an_authority_that_is_not_plain_is_none(text: str) -> None:
    assert parse_authority(text, True) is None


@given(st.text(max_size=30), st.booleans())
def test_every_authority_is_lower_case_ascii_without_a_trailing_dot(text: str, secure: bool) -> None:
    found = parse_authority(text, secure)
    if found is not None:
        assert re.fullmatch(r"[a-z0-9.:\[\]-]+", found.host)
        assert not found.host.endswith(".")
        assert 0 < found.port < 65536


@given(st.text(max_size=20).map(lambda text: "/" + text), st.lists(st.tuples(st.binary(max_size=5), st.binary(max_size=5)), max_size=3))
def test_what_is_admitted_holds_no_line_end_blank_or_control(target: str, fields: list[tuple[bytes, bytes]]) -> None:
    head = admit_head(replace(GOOD, target=target, fields=(*HOST, *fields)), 65536)
    if isinstance(head, RequestHead):
        assert re.fullmatch(r"[\x21-\x7e]+", head.target)
        assert "#" not in head.target
        assert "\\" not in head.path
        assert not any(set(name) & set(b"\r\n :\x00\t") or set(value) & set(b"\r\n\x00") for name, value in head.fields)


def test_an_answer_grows_at_its_end() -> None:
    answer = Answer(200, ((b"A", b"1"),), b"x")
    assert answer.plus((b"B", b"2"), (b"A", b"3")) == Answer(200, ((b"A", b"1"), (b"B", b"2"), (b"A", b"3")), b"x")
    assert answer.plus() == answer
