"""An app without a bottom: `GET /long/N` is N bytes of zeros, a POST is read to its end and forgotten. Started with its port.

Plain blocking sockets, and bytes that the kernel throws away unread (MSG_TRUNC, tcp(7)), so that the app is never the slow part.
"""

import re
import socket
import sys
import threading

PIECE = 1 << 20
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def head_of(connection: socket.socket) -> tuple[bytes, int]:
    """A message's head, and how many bytes of the body came with it; an empty head where the other side is done."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(PIECE)
        if not piece:
            return b"", 0
        received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, len(rest)


def length_of(head: bytes) -> int:
    """What Content-Length says, else 0."""
    stated = LENGTH.search(head)
    return int(stated[1]) if stated else 0


def forget(connection: socket.socket, count: int) -> None:
    """Read so many bytes without looking at them."""
    unread = bytearray(PIECE)
    while count > 0:
        received = connection.recv_into(unread, min(count, PIECE), socket.MSG_TRUNC)
        if not received:
            raise ConnectionError(f"{count} bytes were still to come")
        count -= received


def pour(connection: socket.socket, count: int) -> None:
    """Send so many zeros."""
    zeros = memoryview(bytes(PIECE))
    while count > 0:
        connection.sendall(zeros[:count])
        count -= min(count, PIECE)


def _serve(connection: socket.socket) -> None:
    with connection:
        while (received := head_of(connection))[0]:
            head, already = received
            forget(connection, length_of(head) - already)
            wanted = int(head.split(b" ", 2)[1].rpartition(b"/")[2]) if head.startswith(b"GET") else 0
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % wanted)
            pour(connection, wanted)


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128) as listening:
        while True:
            threading.Thread(target=_serve, args=(listening.accept()[0],), daemon=True).start()
