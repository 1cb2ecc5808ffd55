"""Reading a request's body whole, where a decision needs it.

Owns the bounds in size and time, and the room that all bodies share, which the listener lends to each request. Must never return a part of
a body.
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

    413 over ``largest_bytes``, 408 after 20 seconds, 400 where it breaks off, 503 (say ``LATER`` with it) where the bodies that are held
    already leave no room. A request without a room of the listener has one to itself.
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
    """Read and forget the body, up to so many bytes and for at most 20 seconds: browsers read no answer before they have sent it whole.

    One that its client only announced is not asked for.
    """
    if request.body is None or not request.body.is_asked:
        return
    read = 0
    with suppress(TimeoutError, UploadBroken):
        async with asyncio.timeout(BODY_SECONDS):
            while read <= most_bytes and (piece := await request.body.piece()):
                read += len(piece)
