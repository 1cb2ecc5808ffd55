"""Uploads of unknown length, kept until they are whole, for servers that read no body without a length.

    chunks ─▶ in memory, to 64 KiB ─▶ in a file without a name ─▶ whole: sent with its length, piece by piece

Owns what is kept, and its bounds: of one upload, of one client, and of all. Must never leave a file that somebody else could open, or that
stays behind however this process ends; nor keep anything once the request is over, or its client has left.
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
"""All uploads of an app together may take so many times what one may; those of one client an eighth of that, which is two."""


class UploadSpool:
    """Where the uploads of one app are kept; ``largest_bytes``: of one."""

    __slots__ = ("budget", "largest_bytes")

    def __init__(self, largest_bytes: int) -> None:
        """Nothing is kept yet."""
        self.largest_bytes = largest_bytes
        self.budget = BodyBudget(ALL_UPLOADS * largest_bytes)

    def whole(self, body: Body, client: str) -> "KeptUpload":
        """One upload, to be kept; ``client``: its believed address."""
        return KeptUpload(body, BodyRoom(self.budget, client), self.largest_bytes)


class KeptUpload:
    """One upload, kept as long as the ``async with`` block lasts, which is given the whole body, or why it is refused.

    413 over the bound, 503 where the uploads that are kept leave no room, or none can be written; 408 and 400 where it comes too slowly or
    breaks off. Entering raises ConnectionError where the client leaves.
    """

    __slots__ = ("_body", "_kept", "_largest_bytes", "_room")

    def __init__(self, body: Body, room: BodyRoom, largest_bytes: int) -> None:
        """Nothing is read yet."""
        self._body = body
        self._room = room
        self._largest_bytes = largest_bytes
        self._kept: IO[bytes] = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115 - closed by ``_let_go``

    async def __aenter__(self) -> "SpooledBody | Malformed":
        """All of it is there."""
        try:
            return await self._whole()
        except BaseException:
            self._let_go()
            raise

    async def __aexit__(self, *raised: object) -> None:
        """Nothing of it is kept any more."""
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
    """A body that is there, from the file in which it was kept."""

    __slots__ = ("_kept", "_unread")

    def __init__(self, body: Body, kept: IO[bytes], length: int) -> None:
        """``body``: as it came; ``kept``: all of it, to be read from where it stands."""
        super().__init__(body.sender, length)
        self._kept = kept
        self._unread = length
        self.is_whole = self.is_asked = True

    async def piece(self) -> bytes:
        """The next bytes; empty at its end."""
        found = await asyncio.to_thread(self._kept.read, PIECE_BYTES)
        self._unread -= len(found)
        return found

    def at_hand(self) -> bytes | None:
        """The whole of it where it is in memory."""
        if self._unread > MEMORY_BYTES:
            return None
        self._unread = 0
        return self._kept.read()
