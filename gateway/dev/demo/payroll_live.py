"""The live parts of the legacy application: a WebSocket that sends the time and echoes, and an event stream.

Owns: the open connections; it closes them when the application stops. Must never keep one open after its client has left.
"""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime

from aiohttp import WSCloseCode, WSMsgType, web

MESSAGE_LIMIT_BYTES = 1024 * 1024


class Live:
    """All open WebSockets and event streams. Each ticks once per `tick_seconds`, the first time at once."""

    def __init__(self, tick_seconds: float) -> None:
        self._tick_seconds = tick_seconds
        self._sockets: set[web.WebSocketResponse] = set()
        self._stopping = asyncio.Event()

    async def stop(self, _app: web.Application) -> None:
        """End every stream and socket (for aiohttp's `on_shutdown`)."""
        self._stopping.set()
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"payroll stops")

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        """Send `{"tick", "at", "user"}`, and echo each message: text as `{"echo"}`, bytes unchanged."""
        socket = web.WebSocketResponse(max_msg_size=MESSAGE_LIMIT_BYTES)
        await socket.prepare(request)
        self._sockets.add(socket)
        ticking = asyncio.create_task(self._tick(socket, request.headers.get("Remote-User")), name="payroll-clock")
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await socket.send_json({"echo": message.data})
                elif message.type is WSMsgType.BINARY:
                    await socket.send_bytes(message.data)
        finally:
            self._sockets.discard(socket)
            ticking.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await ticking
        return socket

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Answer with a `text/event-stream` of `{"tick", "at", "user"}`."""
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        tick = 0
        with suppress(ConnectionError):  # the client left
            await stream.prepare(request)
            while not self._stopping.is_set():
                tick += 1
                event_text = json.dumps(_event(tick, request.headers.get("Remote-User")))
                await stream.write(f"id: {tick}\ndata: {event_text}\n\n".encode())
                await self._pause()
        return stream

    async def _tick(self, socket: web.WebSocketResponse, user: str | None) -> None:
        tick = 0
        while not socket.closed:
            tick += 1
            await socket.send_json(_event(tick, user))
            await self._pause()

    async def _pause(self) -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), self._tick_seconds)


def _event(tick: int, user: str | None) -> dict[str, object]:
    return {"tick": tick, "at": datetime.now(UTC).isoformat(timespec="seconds"), "user": user}
