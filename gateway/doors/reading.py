"""Reading a request's body whole, where a decision needs it.

Owns the bounds in size and time, and the room that all bodies share, which the listener lends to each request. Must never return a part of
a body.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from gateway.core.messages import Malformed
from gateway.policy.http.body_budget import BodyBudget, BodyRoom

BODY_SECONDS = 20.0
LATER = (b"Retry-After", b"1")
_ROOM = web.RequestKey("body_room", BodyRoom)


@contextmanager
def body_room(request: web.BaseRequest, budget: BodyBudget, client: str) -> Iterator[None]:
    """What ``whole_body`` reads of this request is counted for its client until the block ends, when nobody needs it any more."""
    room = request[_ROOM] = BodyRoom(budget, client)
    try:
        yield
    finally:
        room.release()


async def whole_body(request: web.BaseRequest, largest_bytes: int) -> bytes | Malformed:
    """The whole body, or why it is refused.

    413 over ``largest_bytes``, 408 after 20 seconds, 400 where it breaks off, 503 (say ``LATER`` with it) where the bodies that are held
    already leave no room. A request without a room of the listener has one to itself.
    """
    room = request[_ROOM] if _ROOM in request else BodyRoom(BodyBudget(), "")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                if len(body) + len(chunk) > largest_bytes:
                    return Malformed(413, "body_too_large")
                if not room.holds(len(body) + len(chunk)):
                    room.release()
                    return Malformed(503, "bodies_full")
                body += chunk
    except TimeoutError:
        return Malformed(408, "body_too_slow")
    except web.RequestPayloadError:
        return Malformed(400, "body")
    return bytes(body)
