"""The door that leads to another worker: the keeper, which alone answers the login host and the gateway's own paths.

Owns the way there, and what is said when the keeper is away. Must never decide anything about the request, or send it twice: a redemption
goes out at most once. Rules from: DESIGN sections 4 and 7.
"""

from aiohttp import web

from gateway.clock import Clock
from gateway.core.messages import Fields, RequestHead
from gateway.core.navigation import Kind, is_document, kind_of
from gateway.core.relaying import relayed
from gateway.core.routing import App
from gateway.doors.answers import json_answer, to_response
from gateway.doors.notes import REASON, VERDICT
from gateway.doors.own_requests import page
from gateway.errors import OutsideFailed
from gateway.pages import BadRequest
from gateway.proxy.http import HttpProxy
from gateway.proxy.pins import Asker

RETRY_SECONDS = 2


class Relay:
    """Stands where the login door stands in the keeper, and where the own paths of the app hosts do."""

    def __init__(self, keeper: HttpProxy, clock: Clock) -> None:
        """``keeper``: the connections to the keeper, and to nothing else."""
        self._keeper = keeper
        self._clock = clock

    async def handle(self, request: web.BaseRequest, head: RequestHead, app: App | None = None) -> web.StreamResponse:
        """The keeper's answer, streamed; 503 where it gives none."""
        request[VERDICT] = "relayed"
        try:
            response = await self._keeper.forward(request, head.method, head.target, relayed(head), _as_they_are, Asker.of(head))
        except OutsideFailed as error:
            request[VERDICT], request[REASON] = "unavailable", f"keeper_{error.reason}"
            return self._away(request, head)
        return response

    def _away(self, request: web.BaseRequest, head: RequestHead) -> web.StreamResponse:
        retry = (b"Retry-After", b"%d" % RETRY_SECONDS)
        if kind_of(head) is not Kind.WEBSOCKET and is_document(head):
            answer = page(BadRequest(503, "worker_away"), self._clock).plus(retry)
        else:
            answer = json_answer(503, {"error": "unavailable", "reason": "worker_away"}, retry)
        return to_response(answer, closes=request.body_exists and not request.content.is_eof())


def _as_they_are(_: int, fields: Fields) -> Fields:
    return fields
