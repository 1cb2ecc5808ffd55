"""Finds the end of a request's body in the bytes of its connection.

Owns the count of a body with a Content-Length, and the reading of a chunked one. Must never pass a byte after the end to the body:
it belongs to the next request. Rules from: RFC 9112 §6, §7.1.
"""

from gateway.edge.body import Body
from gateway.errors import UploadBroken
from gateway.policy.http.chunks import Chunks
from gateway.policy.http.messages import Malformed


class Intake:
    """One body that is being received.

    ``is_over``: no more of it will come. ``is_broken``: its chunks are malformed, so the start of the next request is unknown.
    """

    __slots__ = ("_chunks", "_left", "body", "is_broken", "is_over")

    def __init__(self, body: Body, largest_trailers: int) -> None:
        """``largest_trailers``: the limit for trailers and chunk extensions together, in bytes."""
        self.body = body
        self.is_over = self.is_broken = False
        self._left = body.length or 0
        self._chunks = Chunks(largest_trailers) if body.length is None else None

    def take(self, data: bytes) -> bytes:
        """Pass bytes of the body on; returns the bytes after its end."""
        if self._chunks is not None:
            return self._take_chunks(self._chunks, data)
        if len(data) < self._left:
            self._left -= len(data)
            self.body.arrived(data)
            return b""
        self.is_over = True
        if self._left:
            self.body.arrived(data[: self._left])
        self.body.ended()
        return data[self._left :]

    def _take_chunks(self, chunks: Chunks, data: bytes) -> bytes:
        pieces: list[bytes] = []
        rest = chunks.feed(data, pieces)
        self.is_over = chunks.is_whole or isinstance(rest, Malformed)
        if pieces:
            self.body.arrived(b"".join(pieces))  # joined: a client may send one chunk per byte, which would cost every reader
        if isinstance(rest, Malformed):
            self.is_broken = True
            self.body.failed(UploadBroken(rest.reason))
            return b""
        if chunks.is_whole:
            self.body.ended()
        return rest
