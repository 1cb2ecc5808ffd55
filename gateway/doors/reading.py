"""Reading a request's body whole, where a decision needs it.

Owns the bounds in size and time. Must never return a part of a body. Rules from: STYLE, "Async": bodies are bounded.
"""

import asyncio

from aiohttp import web

from gateway.core.messages import Malformed

BODY_SECONDS = 20.0


async def whole_body(request: web.BaseRequest, largest_bytes: int) -> bytes | Malformed:
    """The whole body, or why it is refused: 413 over ``largest_bytes``, 408 after 20 seconds, 400 where it breaks off."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > largest_bytes:
                    return Malformed(413, "body_too_large")
    except TimeoutError:
        return Malformed(408, "body_too_slow")
    except web.RequestPayloadError:
        return Malformed(400, "body")
    return bytes(body)
