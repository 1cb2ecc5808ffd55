"""Messages: what two parsers could read in two ways is refused before anything of it is believed."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import (
    MOST_COOKIES,
    Answer,
    Authority,
    FieldLine,
    FieldLines,
    Fields,
    HeadLimits,
    Malformed,
    Received,
    RequestHead,
    by_name,
    parse_authority,
)
from tests.policy.received import ArrivingRequest, admit_head

HOST: Fields = ((b"Host", b"hr.example.com"),)
GOOD = ArrivingRequest("GET", "/", (1, 1), HOST, True, "10.0.0.1", "203.0.113.7")

NOT_PLAIN = ".|..|a..b|a.b..|user@a|a/|a:|a:b|a:0|a:65536|a:999999|a:80:80|a:+80|a?x|-a|a-|a_b|[::1|::1|a%2eb|http://a"


LIMITS = HeadLimits()


def refused(received: ArrivingRequest, limits: HeadLimits = LIMITS) -> tuple[int, str] | None:
    found = admit_head(received, limits)
    return (found.status, found.reason) if isinstance(found, Malformed) else None


def test_a_plain_request_is_admitted_as_it_came() -> None:
    received = replace(
        GOOD, target="/a%2Fb?x=%7E&y=+&z", fields=((b"HOST", b"HR.example.com"), (b"A", b"1"), (b"a", b"2\t\xff"), (b"B", b""))
    )
    head = admit_head(received, LIMITS)
    assert isinstance(head, RequestHead)
    assert (head.method, head.target, head.path, head.query) == ("GET", "/a%2Fb?x=%7E&y=+&z", "/a%2Fb", "x=%7E&y=+&z")
    assert (head.authority, head.secure, head.peer, head.client) == (Authority("hr.example.com", 443), True, "10.0.0.1", "203.0.113.7")
    assert head.fields == received.fields
    assert (head.values(b"a"), head.value(b"a"), head.value(b"b"), head.value(b"c")) == ((b"1", b"2\t\xff"), None, b"", None)


def test_a_target_without_a_query_has_an_empty_one() -> None:
    head = admit_head(replace(GOOD, target="/x"), LIMITS)
    assert isinstance(head, RequestHead)
    assert (head.path, head.query) == ("/x", "")


names = st.sampled_from([b"A", b"a", b"Host", b"COOKIE", b"Cookie", b"x y", b""])


@given(
    st.lists(st.tuples(names, st.binary(max_size=3)), max_size=8).map(tuple), st.sampled_from([b"a", b"cookie", b"host", b"x y", b"b", b""])
)
def test_values_are_those_of_the_fields_of_that_name_whatever_was_read_before(fields: Fields, name: bytes) -> None:
    head = RequestHead("GET", "/", Authority("h", 80), HOST + HOST, True, "", "")
    found = tuple(value for key, value in fields if key.lower() == name)
    changed = head.replaced(fields=fields)
    assert changed.values(name) == found
    assert changed.value(name) == (found[0] if len(found) == 1 else None)
    assert changed == RequestHead("GET", "/", Authority("h", 80), fields, True, "", "")


@given(st.lists(st.binary(max_size=4), max_size=4))
def test_values_are_refused_together_where_one_of_them_would_be(values: list[bytes]) -> None:
    found = refused(replace(GOOD, fields=(*HOST, *((b"X", value) for value in values))))
    assert found == ((400, "field") if any(re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value) for value in values) else None)


@pytest.mark.parametrize("version", [(0, 9), (1, 2), (1, 32), (2, 0), (3, 0)])
def test_only_two_versions_are_spoken(version: tuple[int, int]) -> None:
    assert refused(replace(GOOD, version=version)) == (505, "version")
    assert refused(replace(GOOD, version=(1, 0))) is None


@pytest.mark.parametrize("method", ["", "G ET", "GET\n", 'G=":<>(e),[T];?"', "G\u00cbT", "\udcff"])
def test_a_method_is_a_token(method: str) -> None:
    assert refused(replace(GOOD, method=method)) == (400, "method")


@pytest.mark.parametrize("method", ["get", "FOO", "PROPFIND", "M-SEARCH", "HEAD"])
def test_p19_any_other_method_is_somebody_elses_to_judge(method: str) -> None:
    assert refused(replace(GOOD, method=method)) is None


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "trace", "Connect"])
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
    assert refused(replace(GOOD, fields=fields), HeadLimits(fields_bytes=size)) is None
    assert refused(replace(GOOD, fields=fields), HeadLimits(fields_bytes=size - 1)) == (431, "fields_too_large")


def test_cookies_are_counted_over_all_lines() -> None:
    lines = ((b"Cookie", b"a;" * (MOST_COOKIES // 2)), (b"cookie", b"b;" * (MOST_COOKIES // 2 - 1)))
    assert refused(replace(GOOD, fields=(*HOST, *lines))) is None
    assert refused(replace(GOOD, fields=(*HOST, *lines, (b"COOKIE", b"c; d")))) == (431, "too_many_cookies")
    assert refused(replace(GOOD, fields=(*HOST, (b"A", b";" * MOST_COOKIES)))) is None


def test_fields_are_counted() -> None:
    fields = (*HOST, (b"A", b""), (b"A", b""))
    assert refused(replace(GOOD, fields=fields), HeadLimits(most_fields=3)) is None
    assert refused(replace(GOOD, fields=fields), HeadLimits(most_fields=2)) == (431, "too_many_fields")


def test_the_first_line_is_bounded_whole() -> None:
    line = len("GET /abc HTTP/1.1")
    assert refused(replace(GOOD, target="/abc"), HeadLimits(line_bytes=line)) is None
    for limits in (HeadLimits(line_bytes=line - 1), HeadLimits(line_bytes=line - 1, longest_line_bytes=line)):
        assert refused(replace(GOOD, target="/abc"), limits) == (414, "request_line_too_long")


@pytest.mark.parametrize("name", [b"Content-Type", b"USER-AGENT", b"Content-Range", b"Max-Forwards", b"content-location"])
def test_a_field_that_says_one_thing_says_it_once(name: bytes) -> None:
    assert refused(replace(GOOD, fields=(*HOST, (name, b"1")))) is None
    assert refused(replace(GOOD, fields=(*HOST, (name, b"1"), (name.lower(), b"1")))) == (400, "field_repeated")


LENGTH, CHUNKED = b"Content-Length", (b"Transfer-Encoding", b"chunked")


@pytest.mark.parametrize(
    ("version", "fields", "found"),
    [
        ((1, 1), (CHUNKED,), None),
        ((1, 1), ((b"TRANSFER-ENCODING", b"Chunked"),), None),
        ((1, 1), ((LENGTH, b"0"),), None),
        ((1, 0), ((LENGTH, b"3"),), None),
        ((1, 1), ((LENGTH, b"9223372036854775807"),), None),
        ((1, 1), ((LENGTH, b"9223372036854775808"),), (413, "content_length")),
        ((1, 1), ((LENGTH, b"1" * 5000),), (413, "content_length")),
        ((1, 0), (CHUNKED,), (400, "framing")),
        ((1, 1), (CHUNKED, CHUNKED), (400, "framing")),
        ((1, 1), (CHUNKED, (b"Transfer_Encoding", b"gzip")), (400, "framing_alias")),
        ((1, 0), ((LENGTH, b"7"), (b"CONTENT_LENGTH", b"8")), (400, "framing_alias")),
        ((1, 1), ((LENGTH, b"7"), (b"transfer.encoding", b"x")), (400, "framing_alias")),
        ((1, 1), ((b"Content_Length", b"7"),), None),
        ((1, 1), (CHUNKED, (LENGTH, b"5")), (400, "framing")),
        ((1, 1), ((b"content-length", b"5"), (b"transfer-encoding", b"identity")), (400, "framing")),
        ((1, 1), ((b"Transfer-Encoding", b"gzip, chunked"),), (501, "transfer_coding")),
        ((1, 1), ((b"Transfer-Encoding", b"identity"),), (501, "transfer_coding")),
        ((1, 1), ((b"Transfer-Encoding", b""),), (501, "transfer_coding")),
        *(
            ((1, 1), ((LENGTH, value),), (400, "content_length"))
            for value in (b"", b"003", b"00", b"+5", b"-1", b"5, 5", b"0x5", b"1_0", b"5 5", b"\xb2")
        ),
        ((1, 1), ((LENGTH, b"5"), (b"content-LENGTH", b"5")), (400, "content_length")),
    ],
)
def test_a_message_says_plainly_where_it_ends(version: tuple[int, int], fields: Fields, found: tuple[int, str] | None) -> None:
    assert refused(replace(GOOD, version=version, fields=HOST + fields)) == found


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
    head = admit_head(replace(GOOD, target=target, fields=(*HOST, *fields)), LIMITS)
    if isinstance(head, RequestHead):
        assert re.fullmatch(r"[\x21-\x7e]+", head.target)
        assert "#" not in head.target
        assert "\\" not in head.path
        assert not any(set(name) & set(b"\r\n :\x00\t") or set(value) & set(b"\r\n\x00") for name, value in head.fields)


def test_an_answer_grows_at_its_end() -> None:
    answer = Answer(200, ((b"A", b"1"),), b"x")
    assert answer.plus((b"B", b"2"), (b"A", b"3")) == Answer(200, ((b"A", b"1"), (b"B", b"2"), (b"A", b"3")), b"x")
    assert answer.plus() == answer


def test_a_head_of_lines_says_what_one_of_pairs_says_and_shows_no_secret() -> None:
    lines = [FieldLine(name, value) for name, value in ((b"Host", b"h"), (b"Cookie", b"sid=secret"))]
    pairs, named = FieldLines(lines).pairs(), by_name([line.name for line in lines], [line.value for line in lines])
    of_lines = RequestHead("GET", "/?token=secret", Authority("h", 80), FieldLines(lines), True, "10.0.0.1", "192.0.2.1", named)
    assert of_lines == RequestHead("GET", "/?token=secret", Authority("h", 80), pairs, True, "10.0.0.1", "192.0.2.1")
    assert of_lines.fields is of_lines.fields and "secret" not in repr(of_lines) and of_lines != "GET"
    assert (
        Received("GET", "/", FieldLines(lines), named, "10.0.0.1").fields == Received("GET", "/", pairs, named, "10.0.0.1").fields == pairs
    )
