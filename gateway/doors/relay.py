"""The door that leads to another worker: the keeper, which alone answers the login host and the gateway's own paths.

Owns the way there, and what is said when the keeper is away. Must never decide anything about the request, or send it twice: a redemption
goes out at most once. A sign-out that has arrived whole reaches the keeper whether its client stays or leaves.
Rules from: DESIGN sections 4 and 7.
"""

import asyncio

from aiohttp import web

from gateway.clock import Clock
from gateway.core.messages import Answer, Fields, Malformed, RequestHead
from gateway.core.navigation import Kind, is_document, kind_of
from gateway.core.relaying import relayed
from gateway.core.routing import App
from gateway.doors.answers import json_answer, to_response
from gateway.doors.notes import REASON, VERDICT
from gateway.doors.own_requests import LARGEST_FORM_BYTES, SIGN_OUT, page, refused
from gateway.doors.reading import whole_body
from gateway.errors import OutsideFailed
from gateway.pages import BadRequest
from gateway.proxy.http import HttpProxy
from gateway.proxy.pins import Asker

RETRY_SECONDS = 2
LARGEST_ANSWER_BYTES = 256 * 1024
"""Bytes of the keeper's answer to a sign-out: a page, or a redirect."""


class Relay:
    """Stands where the login door stands in the keeper, and where the own paths of the app hosts do."""

    def __init__(self, keeper: HttpProxy, clock: Clock) -> None:
        """``keeper``: the connections to the keeper, and to nothing else."""
        self._keeper = keeper
        self._clock = clock
        self._signing_out: set[asyncio.Task[Answer]] = set()

    async def handle(self, request: web.BaseRequest, head: RequestHead, app: App | None = None) -> web.StreamResponse:
        """The keeper's answer, streamed; 503 where it gives none."""
        request[VERDICT] = "relayed"
        try:
            if head.method == "POST" and head.path == SIGN_OUT and not head.values(b"transfer-encoding"):
                return await self._sign_out(request, head)
            response = await self._keeper.forward(request, head.method, head.target, relayed(head), _as_they_are, Asker.of(head))
        except OutsideFailed as error:
            request[VERDICT], request[REASON] = "unavailable", f"keeper_{error.reason}"
            return self._away(request, head)
        return response

    async def aclose(self) -> None:
        """Wait for sign-outs that are on their way."""
        await asyncio.gather(*self._signing_out, return_exceptions=True)

    async def _sign_out(self, request: web.BaseRequest, head: RequestHead) -> web.StreamResponse:
        body = await whole_body(request, LARGEST_FORM_BYTES)
        if isinstance(body, Malformed):
            return to_response(refused(body, self._clock).answer, closes=True)
        asking = asyncio.create_task(self._asked(head, body), name="relaying a sign-out")
        self._signing_out.add(asking)
        asking.add_done_callback(self._told)
        return to_response(await asyncio.shield(asking))

    async def _asked(self, head: RequestHead, body: bytes) -> Answer:
        exchange = await self._keeper.exchange(head.method, head.target, relayed(head), body)
        answered = await exchange.read(LARGEST_ANSWER_BYTES)
        return Answer(exchange.status, tuple(pair for pair in exchange.fields if pair[0].lower() != b"content-length"), answered)

    def _told(self, asking: "asyncio.Task[Answer]") -> None:
        self._signing_out.discard(asking)
        if not asking.cancelled():
            asking.exception()  # the client is told, if it is still there

    def _away(self, request: web.BaseRequest, head: RequestHead) -> web.StreamResponse:
        retry = (b"Retry-After", b"%d" % RETRY_SECONDS)
        if kind_of(head) is not Kind.WEBSOCKET and is_document(head):
            answer = page(BadRequest(503, "worker_away"), self._clock).plus(retry)
        else:
            answer = json_answer(503, {"error": "unavailable", "reason": "worker_away"}, retry)
        return to_response(answer, closes=request.body_exists and not request.content.is_eof())


def _as_they_are(_: int, fields: Fields) -> Fields:
    return fields
