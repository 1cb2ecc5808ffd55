"""Requests that programs send to real servers, each sent with and without the gateway; the app's answer is the same. Checks just that."""

import io
from http.client import HTTPResponse
from typing import Any, NamedTuple

from tests.field.real_apps.arrangement import Arrangement

_BODY = b"x" * 70_000
_CHUNKS = b"11170\r\n" + _BODY + b"\r\n0\r\n"


class Odd(NamedTuple):
    """``target``: in which {} is the page, or what takes uploads."""

    method: str = "GET"
    fields: bytes = b""
    body: bytes = b""
    target: str = "{}"


ODD_REQUESTS = {
    "head": Odd("HEAD"),
    "what it can do": Odd("OPTIONS"),
    "a part": Odd(fields=b"Range: bytes=3-9\r\n"),
    "a part that is none": Odd(fields=b"Range: bytes=9-3\r\n"),
    "a compressed page": Odd(fields=b"Accept-Encoding: gzip\r\n"),
    "only if changed since": Odd(fields=b"If-Modified-Since: Sun, 29 Nov 2099 20:00:00 GMT\r\n"),
    "trailers wanted": Odd(fields=b"TE: trailers, deflate\r\n"),
    "a body in a GET": Odd(fields=b"Content-Length: 5\r\n", body=b"hello"),
    "an upload": Odd("POST", b"Content-Length: 70000\r\nContent-Type: text/plain\r\n", _BODY),
    "an upload that waits": Odd("POST", b"Content-Length: 70000\r\nContent-Type: text/plain\r\nExpect: 100-continue\r\n", _BODY),
    "an upload of nothing": Odd("POST", b"Content-Length: 0\r\n"),
    "an upload in chunks": Odd("POST", b"Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n", _CHUNKS + b"\r\n"),
    "a field of 7,000 bytes": Odd(fields=b"X-Long: " + b"a" * 7000 + b"\r\n"),
    "an odd query": Odd(target="{}?a=%2F&b=%zz&c[]=1|2&d='x'"),
    "a parameter of the path": Odd(target="{};a=1"),
    "a dead end in the path": Odd(target="/x/..{}"),
}


async def answered_alike(arrangement: Arrangement, cookies: bytes, page: str, uploads: str) -> None:
    """Send each; AssertionError with all those whose status or content differs. ``cookies``: the Cookie line for the gateway."""
    different = {}
    for name, odd in ODD_REQUESTS.items():
        target = odd.target.format(uploads if odd.method == "POST" else page)
        head = f"{odd.method} {target} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n".encode() + odd.fields
        through = _read(await arrangement.raw(head + cookies + b"\r\n" + odd.body), odd.method)
        if through[0] == 502 and b"hung_up" in through[2]:
            # RFC 9112 §9.5: a server may close an idle connection just as a request comes. An upload is not sent again by the gateway.
            through = _read(await arrangement.raw(head + cookies + b"\r\n" + odd.body), odd.method)
        directly = _read(await arrangement.of_the_app_itself(head + b"\r\n" + odd.body), odd.method)
        if through != directly:
            different[name] = through, directly
    assert different == {}, different


class _Received:
    """As much of a socket as the standard library reads an answer from."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._raw)


def _read(raw: bytes, method: str) -> tuple[int, str | None, bytes]:
    """Status, coding and content of the final answer."""
    received: Any = _Received(raw)
    answer = HTTPResponse(received, method=method)
    answer.begin()
    return answer.status, answer.getheader("Content-Encoding"), answer.read()
