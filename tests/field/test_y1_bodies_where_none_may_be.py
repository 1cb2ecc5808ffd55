"""Row Y1: an app sends bytes after an answer that has no body. They must never become the answer to another user's request.

The scripted app holds the late bytes back until the next request arrives on any of its connections, because that is the worst moment. The
bytes are a whole answer. The other app is Python's own ``http.server``, whose HEAD handler is its GET handler.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.harness.app import Visit
from tests.harness.browser import BOB
from tests.harness.site import CONFIGURATION, FETCH, Site, deployed
from tests.harness.wire import Wire

ROUNDS = int(os.environ.get("Y1_ROUNDS", "1000"))
"""How many answers of each kind; each is followed by a request of another user."""

OTHERS = b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n<script>alice</script>  "
LATE = {
    "head_with_length": (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(OTHERS)),
    "head_in_chunks": (b"HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "head_without_framing": (b"HEAD", b"HTTP/1.1 200 OK\r\n\r\n"),
    "204_with_length": (b"GET", b"HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n" % len(OTHERS)),
    "204_in_chunks": (b"GET", b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "204_without_framing": (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "304_with_length": (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: %d\r\n\r\n" % len(OTHERS)),
    "304_without_framing": (b"GET", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "205_with_length": (b"GET", b"HTTP/1.1 205 Reset Content\r\nContent-Length: %d\r\n\r\n" % len(OTHERS)),
    "205_in_chunks": (b"GET", b"HTTP/1.1 205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "205_without_framing": (b"GET", b"HTTP/1.1 205 Reset Content\r\n\r\n"),
    "205_of_length_zero": (b"GET", b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
    "interim_unknown": (b"HEAD", b"HTTP/1.1 104 Upload Resumption Supported\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
}
TOGETHER = {
    "behind_a_length": (b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" + OTHERS),
    "behind_a_length_of_zero": (b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + OTHERS),
    "behind_chunks": (b"GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + OTHERS),
    "behind_head": (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + OTHERS),
    "behind_204": (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n" + OTHERS),
    "behind_304": (b"GET", b"HTTP/1.1 304 Not Modified\r\n\r\n" + OTHERS),
}


class LateApp:
    """Answers ``/late`` with ``answer``, and sends ``late`` on that connection when the next request has come, before it is answered."""

    def __init__(self, answer: bytes, late: bytes) -> None:
        self._answer, self._late = answer, late
        self._owed: list[Visit] = []

    async def __call__(self, visit: Visit) -> None:
        owed, self._owed = self._owed, []
        for other in owed:
            if not other.writer.is_closing():
                other.writer.write(self._late)
        if b" /late " in visit.line:
            visit.writer.write(self._answer)
            if self._late:
                self._owed.append(visit)
        else:
            user = visit.value(b"remote-user") or b"nobody"
            visit.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(user) + user)


def _asked(method: bytes, path: bytes, cookie: bytes) -> bytes:
    return method + b" " + path + b" HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + cookie + b"\r\n"


async def _answer(wire: Wire, method: bytes) -> tuple[bytes, bytes]:
    """Head and body of the next answer; the client's connection must stay in step with its requests."""
    head = await wire.head()
    if method == b"HEAD" or head[9:12] in (b"204", b"304"):
        return head, b""
    if b"\r\nTransfer-Encoding: chunked\r\n" in head:
        return head, (await wire.until(b"0\r\n\r\n"))
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head, await wire.exactly(length)


class Users:
    """Alice asks for what is answered wrongly, bob for his own name, each on a connection that is opened again where it was closed."""

    def __init__(self, site: Site, alice: bytes, bob: bytes) -> None:
        self._site = site
        self._cookies = {b"alice": alice, b"bob": bob}
        self._wires: dict[bytes, Wire] = {}

    async def ask(self, who: bytes, method: bytes, path: bytes) -> tuple[bytes, bytes]:
        wire = self._wires.get(who) or await self._site.connect()
        self._wires[who] = wire
        await wire.say(_asked(method, path, self._cookies[who]))
        head, body = await _answer(wire, method)
        if b"\r\nConnection: close\r\n" in head:
            await self._wires.pop(who).close()
        return head, body


@asynccontextmanager
async def two_users(configuration: str = CONFIGURATION) -> AsyncIterator[tuple[Site, Users]]:
    async with deployed(configuration=configuration) as site:
        alice = await site.signed_in()
        yield site, Users(site, alice, await site.signed_in(BOB))


@pytest.mark.parametrize("kind", [*LATE, *TOGETHER])
async def test_y1_bytes_behind_an_answer_without_a_body_are_never_the_next_answer(kind: str) -> None:
    method, answer = {**LATE, **TOGETHER}[kind]
    async with two_users() as (site, users):
        site.behind.script = LateApp(answer, OTHERS if kind in LATE else b"")
        for _ in range(ROUNDS):
            head, _ = await users.ask(b"alice", method, b"/late")
            assert head.startswith(answer[:12] if kind != "interim_unknown" else b"HTTP/1.1 200"), head
            head, body = await users.ask(b"bob", b"GET", b"/mine")
            assert (head[:12], body) == (b"HTTP/1.1 200", BOB.encode())


class GetForHead(BaseHTTPRequestHandler):
    """As many small servers are written: HEAD is answered by the code of GET."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = OTHERS if self.path == "/late" else self.headers.get("Remote-User", "nobody").encode()
        self.send_response(204 if self.path == "/nothing" else 200)
        if self.path != "/nothing":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(OTHERS if self.path == "/nothing" else body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def http_server() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), GetForHead)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


@pytest.mark.parametrize(("method", "path"), [(b"HEAD", b"/late"), (b"GET", b"/nothing")])
async def test_y1_http_server_whose_head_is_its_get_never_answers_another_user(method: bytes, path: bytes) -> None:
    with http_server() as port:
        configuration = CONFIGURATION.replace('"{upstream}"', f'"http://127.0.0.1:{port}"', 1)
        async with two_users(configuration) as (_, users):
            for _ in range(ROUNDS):
                (head, _), (_, body) = await asyncio.gather(users.ask(b"alice", method, path), users.ask(b"bob", b"GET", b"/mine"))
                assert head.startswith(b"HTTP/1.1 204" if path == b"/nothing" else b"HTTP/1.1 200")
                assert body == BOB.encode()
