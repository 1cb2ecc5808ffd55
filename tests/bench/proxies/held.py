"""Many connections at once that do nothing: what they cost a contestant in memory.

They come from many addresses of loopback, as from many clients: a limit for one client is not what is measured.
"""

import base64
import os
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench.proxies.app_request import END, AppRequest
from tests.bench.proxies.processes import ROUTES_SECONDS, Program, pause

CLIENTS = 200
SETTLE_SECONDS = 1.0
SAID = b"hello"


@dataclass(frozen=True, slots=True)
class Held:
    """Megabytes of the whole contestant with so many connections open, and kilobytes for each of them."""

    count: int
    megabytes: float
    kilobytes_each: float


def held(program: Program, port: int, count: int, greet: Callable[[socket.socket], None]) -> Held:
    """Open so many connections, greet on each, wait for quiet, and look."""
    with ExitStack() as opened:
        _first(opened, port, greet)
        pause(SETTLE_SECONDS)
        before = program.resident_bytes()
        for number in range(1, count):
            greet(_opened(opened, port, number))
        pause(SETTLE_SECONDS)
        after = program.resident_bytes()
    return Held(count, after / 1e6, (after - before) / 1e3 / (count - 1))


def _first(opened: ExitStack, port: int, greet: Callable[[socket.socket], None]) -> None:
    """Some servers listen before they know their routes: the first connection is tried until it is answered."""
    deadline = time.monotonic() + ROUTES_SECONDS
    while True:
        try:
            greet(_opened(opened, port, 0))
        except ConnectionError:
            if time.monotonic() > deadline:
                raise
            pause(0.1)
        else:
            return


def _opened(opened: ExitStack, port: int, number: int) -> socket.socket:
    source = (f"127.0.1.{number % CLIENTS + 1}", 0)
    return opened.enter_context(socket.create_connection(("127.0.0.1", port), 10, source))


def asks_once(asked: AppRequest) -> Callable[[socket.socket], None]:
    """A request and its answer; then the connection idles."""

    def greet(connection: socket.socket) -> None:
        connection.sendall(asked.message())
        _until(connection, END, b"HTTP/1.1 200 ")

    return greet


def opens_websocket(asked: AppRequest) -> Callable[[socket.socket], None]:
    """The handshake, one message there and back; then the socket stays open (RFC 6455 §4.1, §5.2)."""
    key, mask = base64.b64encode(os.urandom(16)).decode(), os.urandom(4)
    more = (
        *(("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Origin", "https://hr.example.com")),
        *(("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", key)),
    )
    frame = bytes((0x81, 0x80 | len(SAID))) + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(SAID))
    echoed = bytes((0x81, len(SAID))) + SAID

    def greet(connection: socket.socket) -> None:
        connection.sendall(asked.message("GET", "/socket", *more))
        _until(connection, b"\r\n\r\n", b"HTTP/1.1 101 ")
        connection.sendall(frame)
        _until(connection, echoed)

    return greet


def _until(connection: socket.socket, end: bytes, start: bytes = b"") -> None:
    """Read up to ``end``; ConnectionError as soon as what comes does not begin with ``start``."""
    received = b""
    while not received.endswith(end) or len(received) < len(start):
        piece = connection.recv(65536)
        received += piece
        if not piece or received[: len(start)] != start[: len(received)]:
            raise ConnectionError(f"not the answer: {received[:200]!r}")
