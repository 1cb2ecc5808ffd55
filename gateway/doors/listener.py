"""Receives every request to the public address: chooses its door, and writes one line of the access log at its end.

    request ─▶ host known? ─▶ login door | app door ─▶ answered ─▶ one line in the log
                 │ 421, own assets   │ anything unexpected: 500, or a broken connection
                 └─▶ /.gateway/auth, whatever the host: sub-request door

Owns the choice of the door, the refusals that need no door, the access log, and the last ``except Exception`` of the gateway. Must never
look at a cookie or a session. Must never choose a host by anything but the Host field and the configuration. Must never swallow a
cancellation. Rules from: RFC 9110 §7.4 (421), §15.5.22.
"""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.doors.access_recorder import AccessRecorder
from gateway.doors.answers import to_response
from gateway.doors.own.pages import asset_outcome
from gateway.doors.own.paths import answered
from gateway.doors.refusals import refusal
from gateway.doors.trusted_proxies import TrustedProxies
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import Listener, Waiting
from gateway.pages import ASSET_NAMES, ASSET_PREFIX
from gateway.policy.http.body_budget import BodyBudget, BodyRoom
from gateway.policy.http.client_limits import ClientLimit
from gateway.policy.http.messages import Answer, Malformed, RequestHead
from gateway.policy.http.request_ids import RequestIds, id_line
from gateway.policy.routing.dialects import is_sub_request
from gateway.policy.routing.routing import App, LoginHost, RouteTable

CLIENT_LEFT: Final = 499
_ASSETS: Final = frozenset(ASSET_PREFIX + name for name in ASSET_NAMES)
_TOO_MANY: Final = Malformed(503, "too_many_requests_of_client")
_LATER: Final = (b"Retry-After", b"1")


class LoginHostDoor(Protocol):
    """The door of the login host. A door leaves its words for the log in the request."""

    async def handle(self, request: Request, head: RequestHead) -> Response:
        """The whole answer. A streamed answer is written completely before this returns."""


class AppDoor(Protocol):
    """The door of the app hosts."""

    def begin(self, request: Request, head: RequestHead, app: App) -> Response | Waiting | None:
        """The answer; a coroutine that makes it; or None where the answer is relayed as it comes (``edge.rules.Listener``)."""


class AuthDoor(Protocol):
    """The door of ``/.gateway/auth``, on every host."""

    def begin(self, request: Request, head: RequestHead) -> Response | Waiting:
        """The reply, or a coroutine that makes it."""

    def unreadable(self, target: str, malformed: Malformed) -> Answer:
        """The refusal of a sub-request whose own head is refused."""


@dataclass(frozen=True, slots=True)
class Doors:
    """One door for the login host, one for all app hosts, and one for front proxies."""

    login: LoginHostDoor
    app: AppDoor
    auth: AuthDoor


class DoorListener(Listener):
    """Hands each request to its door, and writes one log line about it."""

    def __init__(
        self, table: RouteTable, doors: Doors, trusted_proxies: TrustedProxies, access_recorder: AccessRecorder, client_limit: ClientLimit
    ) -> None:
        """``client_limit``: counts the open requests of each client."""
        self._table = table
        self._doors = doors
        self._trusted_proxies = trusted_proxies
        self._access_recorder = access_recorder
        self._client_limit = client_limit
        self._bodies = BodyBudget()
        self._ids = RequestIds(secrets.token_hex(6), tuple(trusted_proxies.trusted_proxies))

    def begin(self, request: Request) -> Response | Waiting | None:
        """The answer; a coroutine that makes it; or None where it is relayed as it comes. Called once for each request."""
        request.started_at = self._access_recorder.request_started()
        request.id = name = self._ids.of(request.peer, request.named)
        request.id_line = id_line(name)
        try:
            step = self._begin(request)
        except Exception as error:  # noqa: BLE001 - the outermost door: an unexpected error ends here, with a page and a log line
            return self.failed(request, error)
        return step if step is None or isinstance(step, Response) else self._waited(request, step)

    async def _waited(self, request: Request, waiting: Waiting) -> Response | None:
        try:
            return await waiting
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - as above
            return self.failed(request, error)

    def answered(self, request: Request, status: int | None) -> None:
        """The request is over. Called once after each ``begin``. ``status`` None: the client left before there was an answer."""
        if request.room is not None:
            request.room.release()
        if request.is_counted:
            self._client_limit.leave(request.address)
        self._access_recorder.answered(
            request.started_at,
            status or (500 if request.verdict == "failed" else CLIENT_LEFT),
            door=request.door,
            verdict=request.verdict,
            reason=request.reason,
            app=request.app,
            route=request.route,
            method=request.method,
            peer=request.peer,
            client=request.address,
            fingerprint=request.fingerprint,
            request_id=request.id,
        )

    def unparsable(self, peer: str, malformed: Malformed) -> Response:
        """The refusal of bytes that are no HTTP request. Neither the answer nor the log repeats any of them."""
        words = {"door": "none", "verdict": "refused", "reason": malformed.reason, "peer": peer, "request_id": self._ids.new()}
        self._access_recorder.answered(self._access_recorder.request_started(), malformed.status, **words)
        response = refusal(malformed, ())
        response.id_line = id_line(words["request_id"])
        return response

    def _begin(self, request: Request) -> Response | Waiting | None:
        request.address = self._trusted_proxies.client(request.peer, request.named)
        if is_sub_request(request.target):
            return self._at_auth(request)
        if not self._client_limit.enter(request.address):
            return self._refusal(request, _TOO_MANY, _LATER)
        request.is_counted = True
        head = self._admitted(request)
        if isinstance(head, Malformed):
            return self._refusal(request, head)
        host = request.block.host
        if isinstance(host, App):
            request.door, request.app = "app", host.name
            step = self._doors.app.begin(request, head, host)
        elif isinstance(host, LoginHost):
            request.door = "login"
            step = self._doors.login.handle(request, head)
        else:
            return self._at_no_host(request, head)
        if request.body is not None and step is not None and not isinstance(step, Response):
            request.room = BodyRoom(self._bodies, request.address)
        return step

    def _admitted(self, request: Request) -> RequestHead | Malformed:
        """The request's head, checked by ``RouteTable.admit``; its host is stored in the block.

        If the same client sends the same lines again, the stored head is used.
        """
        if request.refusal is not None:
            return request.refusal
        line, block = request.line, request.block
        last = block.head
        if last is not None and block.head_line is line and last.client == request.address and last.peer == request.peer:
            return last
        admitted = self._table.admit(request, self._trusted_proxies.limits)
        if isinstance(admitted, Malformed):
            return admitted
        block.head_line = line
        block.head, block.host = admitted
        return admitted[0]

    def _at_auth(self, request: Request) -> Response | Waiting:
        """Hand a sub-request to its door. It is not counted for a client: one front proxy asks for many, and gets its answer soon."""
        request.door = "auth"
        admitted = request.refusal or self._table.admit(request, self._trusted_proxies.limits)
        if isinstance(admitted, Malformed):
            request.verdict, request.reason = "refused", admitted.reason
            return to_response(self._doors.auth.unreadable(request.target, admitted), closes=True)
        return self._doors.auth.begin(request, admitted[0])

    def _at_no_host(self, request: Request, head: RequestHead) -> Response:
        """421 for an unknown host. But the files that this error page loads are served: they are public and the same for everybody."""
        if head.path in _ASSETS and head.method in ("GET", "HEAD"):
            return answered(request, head, asset_outcome(head, self._access_recorder.clock))
        return self._refusal(request, Malformed(421, "unknown_host"))

    def _refusal(self, request: Request, malformed: Malformed, *more: tuple[bytes, bytes]) -> Response:
        request.verdict, request.reason = "refused", malformed.reason
        return refusal(malformed, request.fields, *more)

    def failed(self, request: Request, error: Exception) -> Response | None:
        """The error page and a log line. If an answer has begun, the connection is broken off instead."""
        request.verdict = "failed"
        words = {"door": request.door, "app": request.app, "route": request.route, "method": request.method, "request_id": request.id}
        self._access_recorder.log.failure("request_failed", error, {name: word for name, word in words.items() if word})
        relay = request.client.relay
        if relay is not None:  # part of an answer may be out: a clean end would make it look complete
            relay.break_off("failed")
            return None
        if request.is_begun:
            request.break_off()
            raise ConnectionAbortedError("the answer broke off") from error
        return refusal(Malformed(500, "internal"), request.fields)
