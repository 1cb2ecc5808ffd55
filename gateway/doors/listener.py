"""The outermost door: every request to the public address passes here, first and last.

    bytes ─▶ translate ─▶ admit_head ─▶ host known? ─▶ login door | app door ─▶ one line in the log
               │ 400 405 431 505          │ 421, own assets  │ anything unexpected: 500, or a broken connection

Owns the choice of the door, the refusals that need no door, the access log, and the last ``except Exception`` of the gateway. Must
never look at a cookie or a session, choose a host by anything but the Host field and the configuration, or swallow a cancellation.
Rules from: RFC 9110 §7.4 (421), §15.5.22; ATTACKS H10, P18 to P22, F6, F10, C11, D10, F17.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from aiohttp import web

from gateway.clock import Clock
from gateway.core.messages import Fields, Malformed, Received, RequestHead, admit_head
from gateway.core.routing import App, LoginHost, RouteTable
from gateway.doors.answers import json_answer, page_answer, to_response
from gateway.doors.notes import noted
from gateway.doors.own_pages import asset_outcome
from gateway.doors.own_paths import answered
from gateway.log import Log
from gateway.metrics import Metrics
from gateway.pages import ASSET_NAMES, ASSET_PREFIX, BadRequest, render
from gateway.proxy.translate import Networks, request_head

CLIENT_LEFT = 499
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ALLOW = (b"Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
_COUNTED_REASONS = frozenset({"legacy_session_id"})
_ASSETS = frozenset(ASSET_PREFIX + name for name in ASSET_NAMES)
Notes = dict[str, object]


class Door(Protocol):
    """What stands behind a host. It leaves its words for the log in the request (``doors.notes``)."""

    async def handle(self, request: web.BaseRequest, head: RequestHead) -> web.StreamResponse:
        """The whole answer; where it streams, it has written it before it returns."""


@dataclass(frozen=True, slots=True)
class Believed:
    """What the configuration believes of a message: whose forwarding fields, and how many bytes of fields."""

    trusted_proxies: Networks
    largest_fields_bytes: int


@dataclass(frozen=True, slots=True)
class Witness:
    """Who is told of each request: the log, the metrics, and the clock that both rely on."""

    log: Log
    metrics: Metrics
    clock: Clock


class Listener:
    """Hands each request to its door and writes one line about it."""

    def __init__(self, table: RouteTable, login: Door, app: Door, believed: Believed, witness: Witness) -> None:
        """``login`` and ``app``: the doors behind the login host and behind every app host."""
        self._table = table
        self._login = login
        self._app = app
        self._believed = believed
        self._witness = witness

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request; the server calls this and nothing else."""
        began = self._witness.clock.monotonic()
        self._witness.metrics.began()
        notes: Notes = {"door": "none", "status": CLIENT_LEFT}
        try:
            response = await self._answer(request, notes)
            notes["status"] = response.status
            return response
        finally:
            notes |= noted(request)
            self._testify(notes, self._witness.clock.monotonic() - began)

    def unparsable(self, request: web.BaseRequest, malformed: Malformed) -> web.StreamResponse:
        """The refusal of bytes that the parser could not read as a request; nothing of them is repeated in it or in the log."""
        peer = request.transport.get_extra_info("peername") if request.transport is not None else None
        self._witness.metrics.began()
        notes: Notes = {"door": "none", "verdict": "refused", "reason": malformed.reason, "status": malformed.status}
        self._testify(notes | ({"peer": str(peer[0])} if isinstance(peer, tuple) else {}), 0.0)
        # The parser's own stand-in for a request claims HTTP/1.0, where nothing would say that the connection ends.
        return refusal(malformed, (), (b"Connection", b"close"))

    def _testify(self, notes: Notes, seconds: float) -> None:
        status = notes["status"]
        verdict, door = str(notes.get("verdict", "")), str(notes["door"])
        self._witness.metrics.answered(door, verdict, status if isinstance(status, int) else 0, seconds)
        if notes.get("reason") in _COUNTED_REASONS:
            self._witness.metrics.happened(str(notes["reason"]))
        told = {name: value for name, value in notes.items() if value != ""}
        self._witness.log.tell("request", {**told, "milliseconds": seconds * 1000})

    async def _answer(self, request: web.BaseRequest, notes: Notes) -> web.StreamResponse:
        try:
            received = request_head(request, self._believed.trusted_proxies, secure=True)
            notes |= _who(received)
            admitted = self._admitted(received)
            if isinstance(admitted, Malformed):
                notes |= {"verdict": "refused", "reason": admitted.reason}
                return refusal(admitted, received.fields)
            head, host = admitted
            if host is None:
                return self._at_no_host(request, head, notes)
            return await self._through(request, head, host, notes)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - the outermost door: whatever was not foreseen ends here, in a page and a line of the log
            notes |= {"verdict": "failed", "status": 500}
            self._witness.log.failure("request_failed", error, notes)
            return self._failed(request, error)

    def _admitted(self, received: Received, secure: bool = True) -> tuple[RequestHead, App | LoginHost | None] | Malformed:
        """The head and its host, None for one that is not ours.

        The scheme is that of the host's public address, never a field's word (F6, F10): a name without a port is looked for under both.
        """
        head = admit_head(replace(received, secure=secure), self._believed.largest_fields_bytes)
        if isinstance(head, Malformed):
            return head
        host = self._table.host(head.authority)
        if host is None:
            return self._admitted(received, secure=False) if secure else (head, None)
        return replace(head, secure=host.origin.startswith("https://")), host

    def _at_no_host(self, request: web.BaseRequest, head: RequestHead, notes: Notes) -> web.StreamResponse:
        """421, and the files that this very page loads: they are the same for everybody and tell nothing."""
        if head.path in _ASSETS and head.method in ("GET", "HEAD"):
            return answered(request, head, asset_outcome(head, self._witness.clock))
        unknown = Malformed(421, "unknown_host")
        notes |= {"verdict": "refused", "reason": unknown.reason}
        return refusal(unknown, head.fields)

    async def _through(self, request: web.BaseRequest, head: RequestHead, host: App | LoginHost, notes: Notes) -> web.StreamResponse:
        match host:
            case LoginHost():
                notes["door"] = "login"
                return await self._login.handle(request, head)
            case App():
                notes |= {"door": "app", "app": host.name}
                return await self._app.handle(request, head)

    def _failed(self, request: web.BaseRequest, error: Exception) -> web.StreamResponse:
        if request.writer.output_size > 0:
            # Half an answer is out: a clean end would make it look whole (S16).
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionAbortedError("the answer broke off") from error
        return refusal(Malformed(500, "internal"), tuple(request.raw_headers))


def _who(received: Received) -> Mapping[str, object]:
    method = received.method if received.method in _METHODS else "other"
    return {"method": method, "peer": received.peer, "client": received.client}


def refusal(malformed: Malformed, fields: Fields, *more: tuple[bytes, bytes]) -> web.StreamResponse:
    """A page for those who read HTML, JSON for the rest; the connection ends, because nobody reads what else is on it."""
    extra = (*more, _ALLOW) if malformed.status == 405 else more
    if any(name.lower() == b"accept" and b"text/html" in value.lower() for name, value in fields):
        answer = page_answer(render(BadRequest(malformed.status, malformed.reason)), *extra)
    else:
        answer = json_answer(malformed.status, {"error": malformed.reason}, *extra)
    return to_response(answer, closes=True)
