"""Where the body of a request ends among the bytes of its connection.

Owns the count of a body whose length is known, and the reading of one in chunks. Must never hand a byte behind its end to it.
Rules from: RFC 9112 §6, §7.1.
"""

from gateway.edge.body import Body
from gateway.errors import UploadBroken
from gateway.policy.http.chunks import Chunks
from gateway.policy.http.messages import Malformed


class Intake:
    """One body on its way in.

    ``is_over``: nothing more of it comes; ``is_broken``: it was none, and nobody knows where the next request begins.
    """

    __slots__ = ("_chunks", "_left", "body", "is_broken", "is_over")

    def __init__(self, body: Body, largest_trailers: int) -> None:
        """``largest_trailers``: bytes of trailers and of chunk extensions, together."""
        self.body = body
        self.is_over = self.is_broken = False
        self._left = body.length or 0
        self._chunks = Chunks(largest_trailers) if body.length is None else None

    def take(self, data: bytes) -> bytes:
        """Hand on what belongs to the body; the rest."""
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
            self.body.arrived(b"".join(pieces))  # a client may send a chunk for every byte: nobody behind us needs as many
        if isinstance(rest, Malformed):
            self.is_broken = True
            self.body.failed(UploadBroken(rest.reason))
            return b""
        if chunks.is_whole:
            self.body.ended()
        return rest
