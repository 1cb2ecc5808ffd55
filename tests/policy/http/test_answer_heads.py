"""Heads of answers: what a strict parser reads is read alike; what is odd and means one thing is read; what could mean two is refused."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.answer_heads import (
    MOST_FIELDS,
    AnswerFault,
    AnswerHead,
    Framing,
    _fields,
    end_of_head,
    may_begin_answer,
    read_answer_head,
)
from gateway.policy.http.bodies import StatusKind
from tests.harness.llhttp import LlhttpReading


def head(*lines: bytes, first: bytes = b"HTTP/1.1 200 OK", end: bytes = b"\r\n") -> bytes:
    return end.join((first, *lines, b"", b""))


def read(text: bytes, is_head: bool = False) -> AnswerHead:
    found = read_answer_head(text, is_head)
    assert isinstance(found, AnswerHead), found
    return found


@pytest.mark.parametrize(
    ("lines", "framing", "length", "keeps"),
    [
        ((b"Content-Length: 5",), Framing.LENGTH, 5, True),
        ((b"content-LENGTH:0005 ", b"Connection: Close"), Framing.LENGTH, 5, False),
        ((b"Transfer-Encoding: Chunked",), Framing.CHUNKED, None, True),
        ((b"Transfer-Encoding: identity",), Framing.CLOSE, None, True),
        ((), Framing.CLOSE, None, True),
        ((b"Content-Length: 5", b"Connection: x, close"), Framing.LENGTH, 5, False),
        ((b"Content-Length: 5", b"Keep-Alive: timeout=5"), Framing.LENGTH, 5, True),
    ],
)
def test_framing(lines: tuple[bytes, ...], framing: Framing, length: int | None, keeps: bool) -> None:
    found = read(head(*lines))
    assert (found.framing, found.length, found.keeps, found.is_odd) == (framing, length, keeps, False)
    assert found.announces_body is (framing is not Framing.CLOSE)


def test_a_length_is_written_anew() -> None:
    assert read(head(b"X: 1", b"Content-Length: 007")).fields == ((b"X", b"1"), (b"Content-Length", b"7"))
    assert read(head(b"Content-Length: 000")).fields == ((b"Content-Length", b"0"),)


@pytest.mark.parametrize(
    ("lines", "keeps"), [((), False), ((b"Connection: Keep-Alive",), True), ((b"Connection: keep-alive, close",), False)]
)
def test_http_1_0_is_kept_where_it_says_so(lines: tuple[bytes, ...], keeps: bool) -> None:
    assert read(head(b"Content-Length: 0", *lines, first=b"HTTP/1.0 200 OK")).keeps is keeps


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (head(b"X: 1", b"Content-Length: 5", end=b"\n"), ((b"X", b"1"), (b"Content-Length", b"5"))),
        (head(b"X-Old(1): 1", b"Content-Length: 5"), ((b"Content-Length", b"5"),)),
        (head(b": 1", b"X\xff: 2", b"A b: 3", b"Y: 1"), ((b"Y", b"1"),)),
        (head(b"X : 1", b"Y\t: 2"), ((b"X", b"1"), (b"Y", b"2"))),
        (head(b"X: 1", b"  2", b"\t 3 ", b"Y:", b" 4"), ((b"X", b"1 2 3"), (b"Y", b"4"))),
        (head(b"X: 1", b"Old(1): a", b" of the dropped one", b"Y: 2", b" 3"), ((b"X", b"1"), (b"Y", b"2 3"))),
        (head(b"Transfer-Encoding: chunked", first=b"HTTP/1.0 200 OK"), ((b"Transfer-Encoding", b"chunked"),)),
    ],
)
def test_what_is_odd_and_means_one_thing_is_read_and_nothing_follows(text: bytes, fields: tuple[tuple[bytes, bytes], ...]) -> None:
    found = read(text)
    assert (found.fields, found.is_odd) == (fields, True)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"HTTP/1.1 200 OK\r\nX: 1\n\n", AnswerFault.LINE_ENDS),
        (b"HTTP/1.1 200 OK\nX: 1\r\n\r\n", AnswerFault.LINE_ENDS),
        (b"HTTP/1.1 200 OK\r\nX: 1\rY: 2\r\n\r\n", AnswerFault.LINE_ENDS),
        (b"HTTP/1.1 200 OK\r\nX: 1\nSet-Cookie: a=b\r\n\r\n", AnswerFault.LINE_ENDS),
        (head(b"X: \x00"), AnswerFault.CONTROL_BYTE),
        (head(b"X(\x01): a"), AnswerFault.CONTROL_BYTE),
        (head(first=b"HTTP/1.1 200 O\x7fK"), AnswerFault.CONTROL_BYTE),
        (head(first=b"HTTP/1.2 200 OK"), AnswerFault.STATUS_LINE),
        (head(first=b"HTTP/1.1  200 OK"), AnswerFault.STATUS_LINE),
        (head(first=b"HTTP/1.1 20 OK"), AnswerFault.STATUS_LINE),
        (head(first=b"HTTP/1.1 200OK"), AnswerFault.STATUS_LINE),
        (head(first=b"HTTP/1.1 600 OK"), AnswerFault.STATUS),
        (head(first=b"HTTP/1.1 099 OK"), AnswerFault.STATUS),
        (head(*[b"X: 1"] * (MOST_FIELDS + 1)), AnswerFault.TOO_MANY_FIELDS),
        (head(b"Status 200"), AnswerFault.NO_COLON),
        (head(b" folded: onto nothing"), AnswerFault.NO_COLON),
        (head(b"Content-Length: 5", b" 6"), AnswerFault.FRAMING_NAME),
        (head(b"Connection: a", b"\tclose"), AnswerFault.FRAMING_NAME),
        (head(b"Content-Length : 5"), AnswerFault.FRAMING_NAME),
        (head(b"Transfer-Encoding(1): chunked"), AnswerFault.FRAMING_NAME),
        (head(b"\xa0Transfer-Encoding: chunked"), AnswerFault.FRAMING_NAME),
        (head(b"Content-Length: 5", b"Content-Length: 5"), AnswerFault.CONTENT_LENGTH),
        (head(b"Content-Length: 5, 5"), AnswerFault.CONTENT_LENGTH),
        (head(b"Content-Length: +5"), AnswerFault.CONTENT_LENGTH),
        (head(b"Content-Length:"), AnswerFault.CONTENT_LENGTH),
        (head(b"Content-Length: " + b"1" * 19), AnswerFault.CONTENT_LENGTH),
        (head(b"Content-Length: 5", b"Transfer-Encoding: chunked"), AnswerFault.TWO_FRAMINGS),
        (head(b"Content-Length: 5", b"Transfer-Encoding: identity"), AnswerFault.TWO_FRAMINGS),
        (head(b"Transfer-Encoding: gzip, chunked"), AnswerFault.TRANSFER_ENCODING),
        (head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), AnswerFault.TRANSFER_ENCODING),
        (head(b"Content-Length: 5", first=b"HTTP/1.1 103 Hints"), AnswerFault.INTERIM_BODY),
        (head(b"Content-Length: x", first=b"HTTP/1.1 100 Go"), AnswerFault.CONTENT_LENGTH),
    ],
)
def test_what_could_mean_two_things_is_refused_by_its_rule(text: bytes, fault: AnswerFault) -> None:
    assert read_answer_head(text, is_head=False) is fault


@pytest.mark.parametrize(
    "lines", [(b"Content-Length: 5", b"Transfer-Encoding: chunked"), (b"Content-Length: x",), (b"Content-Length: 5, 6",)]
)
@pytest.mark.parametrize("first", [b"HTTP/1.1 204 No", b"HTTP/1.1 304 Not", b"HTTP/1.1 205 Reset", b"HTTP/1.1 200 OK"])
def test_doubtful_framing_is_harmless_where_there_is_no_body(lines: tuple[bytes, ...], first: bytes) -> None:
    found = read(head(b"X: 1", *lines, first=first), is_head=b"200" in first)
    assert (found.framing, found.length, found.announces_body, found.keeps, found.is_odd) == (Framing.NONE, None, True, False, True)
    assert b"Content-Length" not in dict(found.fields) and found.fields[0] == (b"X", b"1")


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (b"HTTP/1.1 101 Switching Protocols", StatusKind.SWITCHING),
        (b"HTTP/1.1 103 Early Hints", StatusKind.INTERIM),
        (b"HTTP/1.1 104", StatusKind.UNKNOWN_INTERIM),
        (b"HTTP/1.1 304 ", StatusKind.FINAL),
    ],
)
def test_an_answer_without_a_body(first: bytes, kind: StatusKind) -> None:
    found = read(head(first=first))
    assert (found.kind, found.framing, found.announces_body) == (kind, Framing.NONE, False)


def test_what_a_head_answer_announces_is_kept_as_its_length() -> None:
    found = read(head(b"Content-Length: 5"), is_head=True)
    assert (found.framing, found.length, found.announces_body) == (Framing.NONE, 5, True)


def test_reason_phrases_are_as_they_came() -> None:
    assert read(head(first=b"HTTP/1.1 200 Sch\xf6n, ja")).reason == b"Sch\xf6n, ja"
    assert read(head(first=b"HTTP/1.1 200")).reason == b""


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\n\r\n"])
def test_the_end_of_a_head_is_found_at_every_cut(end: bytes) -> None:
    text = b"HTTP/1.1 200 OK\r\nX: 1" + end
    for cut in range(len(text)):
        assert end_of_head(text[:cut]) == -1
        assert end_of_head(text + b"body", cut) == len(text)


def test_a_beginning_is_judged_by_what_is_there() -> None:
    assert all(may_begin_answer(b"HTTP/1.1 200"[:cut]) for cut in range(12))
    assert not any(map(may_begin_answer, (b"S", b"HTTP/2", b"http/1.1", b"\x15\x03")))


def test_cookies_are_not_remembered() -> None:
    read(head(b"Set-Cookie: sid=secret", b"X-Plain: 1"))
    assert b"Set-Cookie: sid=secret" not in _fields and b"X-Plain: 1" in _fields


NAMES = st.sampled_from(
    [b"X", b"Server", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Set-Cookie", b"X Y", b"X\xff", b"", b"X(1)"]
)
VALUES = st.sampled_from([b"5", b"05", b"", b"chunked", b"close", b"keep-alive", b"a b", b"\xe4", b"5, 5", b"identity", b"\x01"])
LINES = st.tuples(NAMES, st.sampled_from([b": ", b":", b" : ", b""]), VALUES, st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r\n "]))
FIRST = st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404 No\r\n", b"HTTP/1.1 204\r\n", b"HTTP/1.1 200 OK\n", b"HTTP/1.1 099 X\r\n"])


@given(FIRST, st.lists(LINES.map(b"".join), max_size=5))
def test_whatever_llhttp_reads_is_read_alike_or_refused(first: bytes, lines: list[bytes]) -> None:
    text = first + b"".join(lines) + b"\r\n"
    text = text[: end_of_head(text)]
    found = read_answer_head(text, is_head=False)
    if isinstance(found, AnswerFault) or found.is_odd:
        return
    strict = LlhttpReading(httptools.HttpResponseParser, text)
    assert strict.has_head
    is_plain = not any(name.lower() == b"content-length" for name, _ in strict.fields)
    assert strict.status == found.status and (not is_plain or tuple(strict.fields) == found.fields)
    assert strict.keeps is (found.keeps and (found.framing is not Framing.CLOSE or found.status == 204))


@pytest.mark.parametrize(
    "line", [b"WWW-Authenticate: NTLM", b"www-authenticate: Basic", b"Persistent-Auth: true", b"Authentication-Info : x"]
)
def test_fields_that_may_sign_in_to_the_connection_are_looked_at(line: bytes) -> None:
    assert read(head(b"X: 1", line)).may_bind and not read(head(b"X: 1", b"Authorization: NTLM")).may_bind
