"""First lines that need no parser are those that ``read_head`` takes, and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.first_line import parted
from gateway.core.messages import HeadLimits, Malformed, read_head

HOST = ((b"Host", b"hr.example.com"),)


@given(
    st.sampled_from(["GET", "HEAD", "POST", "get", "G", ""]),
    st.text(st.characters(max_codepoint=0x2FF), max_size=12).map(lambda text: "/" + text),
    st.binary(max_size=20),
)
def test_what_is_parted_is_what_a_head_may_be(method: str, target: str, rest: bytes) -> None:
    sent = f"{method} {target} HTTP/1.1\r\n".encode("utf-8", "surrogatepass") + rest
    line = parted(sent)
    read = read_head(method, target, (1, 1), HOST, HeadLimits())
    if method in ("GET", "HEAD") and not isinstance(read, Malformed):
        assert line == (method, target, b"\r\n" + rest)
    elif line is not None:  # a target with a line end in it is another target, and has another rest
        assert line[1] != target and not isinstance(read_head(line[0], line[1], (1, 1), HOST, HeadLimits()), Malformed)


@pytest.mark.parametrize(
    "sent",
    [
        *(b"", b"GET / HTTP/1.1\n", b"GET / HTTP/1.0\r\n", b"GET / HTTP/1.1 \r\n", b"GET  / HTTP/1.1\r\n", b" GET / HTTP/1.1\r\n"),
        *(b"\r\nGET / HTTP/1.1\r\n", b"GET * HTTP/1.1\r\n", b"GET http://x/ HTTP/1.1\r\n", b"GET /a#b HTTP/1.1\r\n"),
        *(
            b"GET /a\\b HTTP/1.1\r\n",
            b"GET /a\x00 HTTP/1.1\r\n",
            b"GET /\xff HTTP/1.1\r\n",
            b"POST / HTTP/1.1\r\n",
            b"GET /\tx HTTP/1.1\r\n",
        ),
    ],
)
def test_anything_odd_is_left_to_the_parser(sent: bytes) -> None:
    assert parted(sent + b"Host: x\r\n\r\n") is None
