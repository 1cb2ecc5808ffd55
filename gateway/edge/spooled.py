"""Stores chunked uploads until they are whole, for app servers that cannot read a body without a Content-Length.

    chunks ─▶ in memory, up to 64 KiB ─▶ in a file without a name ─▶ whole: sent with its length, piece by piece

Owns the stored bytes and three limits: for one upload, for one client, and for all uploads of an app.
Must never leave a file that another process could open, or that stays on the disk, however this process ends. Must never keep anything
after the request is over, or after its client has left.
Rules from: RFC 9112 §6.3; https://github.com/benoitc/gunicorn/issues/2947; open(2) on ``O_TMPFILE``.
"""

import asyncio
import os
import tempfile
from typing import IO, Final

from gateway.edge.body import Body
from gateway.errors import UploadBroken, UploadTooSlow
from gateway.policy.http.body_budget import BodyBudget, BodyRoom
from gateway.policy.http.messages import Malformed

MEMORY_BYTES: Final = 64 * 1024
PIECE_BYTES: Final = 256 * 1024
ALL_UPLOADS: Final = 16
"""All stored uploads of an app may together take 16 times ``largest_bytes``; those of one client an eighth of that, which is two times."""


class UploadSpool:
    """The storage for the uploads of one app. ``largest_bytes``: the limit for one upload."""

    __slots__ = ("budget", "largest_bytes")

    def __init__(self, largest_bytes: int) -> None:
        """An empty storage."""
        self.largest_bytes = largest_bytes
        self.budget = BodyBudget(ALL_UPLOADS * largest_bytes)

    def whole(self, body: Body, client: str) -> "KeptUpload":
        """Store one upload; use the result with ``async with``. ``client``: the client's address."""
        return KeptUpload(body, BodyRoom(self.budget, client), self.largest_bytes)


class KeptUpload:
    """One stored upload. ``async with`` gives the whole body, or a ``Malformed`` that says why it is refused; it is deleted at the end.

    413: too large. 503: the limits for stored uploads are reached, or the disk cannot be written. 408: too slow. 400: broken off.
    Entering raises ``ConnectionError`` if the client leaves.
    """

    __slots__ = ("_body", "_kept", "_largest_bytes", "_room")

    def __init__(self, body: Body, room: BodyRoom, largest_bytes: int) -> None:
        """Nothing is read yet."""
        self._body = body
        self._room = room
        self._largest_bytes = largest_bytes
        self._kept: IO[bytes] = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115 - closed by ``_let_go``

    async def __aenter__(self) -> "SpooledBody | Malformed":
        """Read the upload to its end."""
        try:
            return await self._whole()
        except BaseException:
            self._let_go()
            raise

    async def __aexit__(self, *raised: object) -> None:
        """Delete the stored bytes."""
        self._let_go()

    def _let_go(self) -> None:
        self._kept.close()
        self._room.release()

    async def _whole(self) -> "SpooledBody | Malformed":
        size = 0
        try:
            while piece := await self._body.piece():
                size += len(piece)
                if size > self._largest_bytes:
                    return Malformed(413, "body_too_large")
                if not self._room.holds(size):
                    return Malformed(503, "uploads_full")
                if size <= MEMORY_BYTES:
                    self._kept.write(piece)
                else:
                    await asyncio.to_thread(self._kept.write, piece)
            await asyncio.to_thread(self._kept.seek, 0, os.SEEK_SET)  # what is left in a buffer is written here
        except UploadTooSlow:
            return Malformed(408, "body_too_slow")
        except UploadBroken:
            return Malformed(400, "body")
        except ConnectionError:
            raise
        except OSError:  # no room on the disk, no folder for temporary files
            return Malformed(503, "upload_not_kept")
        return SpooledBody(self._body, self._kept, size)


class SpooledBody(Body):
    """A whole body that is read from the file in which it was stored."""

    __slots__ = ("_kept", "_unread")

    def __init__(self, body: Body, kept: IO[bytes], length: int) -> None:
        """``body``: the original body. ``kept``: the file, positioned at the start. ``length``: in bytes."""
        super().__init__(body.sender, length)
        self._kept = kept
        self._unread = length
        self.is_whole = self.is_asked = True

    async def piece(self) -> bytes:
        """The next bytes; empty at the end of the body."""
        found = await asyncio.to_thread(self._kept.read, PIECE_BYTES)
        self._unread -= len(found)
        return found

    def at_hand(self) -> bytes | None:
        """The whole body if it is in memory, else None."""
        if self._unread > MEMORY_BYTES:
            return None
        self._unread = 0
        return self._kept.read()
