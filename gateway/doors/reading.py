"""Reads a whole request body, where a decision needs it.

Owns the limits of size and time. The memory for all such bodies is limited too; the listener gives each request its part. Must never
return a part of a body.
"""

import asyncio
from contextlib import suppress

from gateway.edge.request import Request
from gateway.errors import UploadBroken, UploadTooSlow
from gateway.policy.http.body_budget import BodyBudget, BodyRoom
from gateway.policy.http.messages import Malformed

BODY_SECONDS = 20.0
LATER = (b"Retry-After", b"1")


async def whole_body(request: Request, largest_bytes: int) -> bytes | Malformed:
    """The whole body, or why it is refused.

    413 over ``largest_bytes``, 408 after 20 seconds, 400 where it breaks off, 503 (send ``LATER`` with it) where the bodies in memory
    leave no room. A request to which the listener gave no room has a budget of its own.
    """
    if request.body is None:
        return b""
    room = request.room or BodyRoom(BodyBudget(), "")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while piece := await request.body.piece():
                if len(body) + len(piece) > largest_bytes:
                    return Malformed(413, "body_too_large")
                if not room.holds(len(body) + len(piece)):
                    room.release()
                    return Malformed(503, "bodies_full")
                body += piece
    except (TimeoutError, UploadTooSlow):
        return Malformed(408, "body_too_slow")
    except UploadBroken:
        return Malformed(400, "body")
    return bytes(body)


async def drained(request: Request, most_bytes: int) -> None:
    """Read and drop the body, up to ``most_bytes`` and for at most 20 seconds: a browser sends the whole body before it reads the answer.

    A body that waits for ``100 Continue`` is not asked for.
    """
    if request.body is None or not request.body.is_asked:
        return
    read = 0
    with suppress(TimeoutError, UploadBroken):
        async with asyncio.timeout(BODY_SECONDS):
            while read <= most_bytes and (piece := await request.body.piece()):
                read += len(piece)
