"""The outermost door: every request to the public address passes here, first and last.

    bytes ─▶ translate ─▶ admit_head ─▶ host known? ─▶ login door | app door ─▶ one line in the log
               │ 400 405 431 505   │      │ 421, own assets  │ anything unexpected: 500, or a broken connection
                                   └─▶ /.gateway/auth, whatever the host: sub-request door

Owns the choice of the door, the refusals that need no door, the access log, and the last ``except Exception`` of the gateway. Must
never look at a cookie or a session, choose a host by anything but the Host field and the configuration, or swallow a cancellation.
Rules from: RFC 9110 §7.4 (421), §15.5.22; ATTACKS H10, P18 to P22, F6, F10, C11, D10, F17.
"""

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from gateway.core.crowds import Crowd
from gateway.core.dialects import is_asked
from gateway.core.first_line import parted
from gateway.core.messages import Answer, Malformed, Received, RequestHead
from gateway.core.navigation import Kind, kind_of
from gateway.core.routing import App, LoginHost, RouteTable
from gateway.core.varying import Apart, apart, pairs_of
from gateway.doors.answers import to_response
from gateway.doors.believed import Believed
from gateway.doors.notes import noted
from gateway.doors.own_pages import asset_outcome
from gateway.doors.own_paths import answered
from gateway.doors.passing import CLIENT_LEFT, Passage, Passing, Quick, tell
from gateway.doors.protected import Familiar, Familiars, Line
from gateway.doors.reading import body_room
from gateway.doors.refusals import refusal
from gateway.doors.subrequest import Reply
from gateway.doors.witness import Witness
from gateway.pages import ASSET_NAMES, ASSET_PREFIX
from gateway.policy.http.body_budget import BodyBudget
from gateway.proxy.heads import Asked
from gateway.proxy.relay import Client
from gateway.proxy.translate import Head
from gateway.proxy.turn import Turn

_ASSETS: Final = frozenset(ASSET_PREFIX + name for name in ASSET_NAMES)
_CROWDED: Final = Malformed(503, "too_many_requests_of_client")
_LATER: Final = (b"Retry-After", b"1")
_ASKED: Final = Asked()
_ASKED_HEAD: Final = Asked(is_head=True)
_NOTHING: Apart = ((), ())
Notes = dict[str, str]


class Door(Protocol):
    """What stands behind a host. It leaves its words for the log in the request (``doors.notes``)."""

    async def handle(self, request: web.BaseRequest, head: RequestHead) -> web.StreamResponse:
        """The whole answer; where it streams, it has written it before it returns."""


class AppDoor(Door, Quick, Protocol):
    """The door behind the app hosts, which may begin an answer before anybody waits."""


class AuthDoor(Door, Protocol):
    """The door behind ``/.gateway/auth``, on every host."""

    def unreadable(self, target: str, malformed: Malformed) -> Answer:
        """The refusal of a sub-request whose own head is refused."""

    def recalled(self, head: RequestHead) -> Reply | None:
        """The reply, as far as the memory knows who comes; None where ``handle`` must wait."""


@dataclass(frozen=True, slots=True)
class Doors:
    """The door behind the login host, the one behind every app host, and the one for front proxies."""

    login: Door
    app: AppDoor
    auth: AuthDoor


class Listener:
    """Hands each request to its door and writes one line about it."""

    def __init__(self, table: RouteTable, doors: Doors, believed: Believed, witness: Witness, crowd: Crowd, turn: Turn) -> None:
        """``crowd``: who has how much open; ``turn``: at whose end answers are written."""
        self._table = table
        self._doors = doors
        self._believed = believed
        self._witness = witness
        self._crowd = crowd
        self._turn = turn
        self._passage = Passage(doors.app, crowd, witness)
        self._familiars = Familiars()
        self._bodies = BodyBudget()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request; the server calls this and nothing else."""
        began = self._witness.began()
        notes: Notes = {"door": "none"}
        status = CLIENT_LEFT
        try:
            response = await self._answer(request, notes)
            status = response.status
            return response
        finally:
            self._witness.answered(began, status, **(notes | noted(request)))

    def familiar(self, client: Client, received: bytes, peer: str) -> bool:
        """As ``at_once``, for the bytes of a whole head whose fields came before, so that no parser need see them; False for all others."""
        try:
            return self._familiar(client, received, peer)
        except Exception as error:  # noqa: BLE001 - the outermost door of what has no task
            return self._failed_at_once(client, error)

    def _familiar(self, client: Client, received: bytes, peer: str) -> bool:
        began, limits = self._witness.clock.monotonic(), self._believed.limits
        line = parted(received)
        if line is None:
            return False
        method, target, lines = line
        # What holds no line that varies is kept under itself, and need not be taken apart.
        values: tuple[bytes, ...] = ()
        known = self._familiars.get((lines,))
        if known is None:
            rest, values = apart(lines)
            known = self._familiars.get(rest)
        if known is None or known.head.peer != peer or not self._crowd.has_room(known.head.client):
            return False
        if len(received) - len(lines) > limits.line_bytes or (values and len(lines) > limits.fields_bytes):
            return False
        new = Line(method, target, values)
        return Passing(self._passage, client, known, new, _ASKED_HEAD if method == "HEAD" else _ASKED, began).begin()

    def at_once(self, client: Client, message: Head, peer: str, keeps: bool, sent: bytes | None) -> bool:
        """Forward a request that has no body, without a task, where Okta need not be waited for; False where ``handle`` must.

        Then nothing was sent or counted. ``keeps``: whether the client would send another behind it; it is told once when its
        answer is over (``Client.done``). ``sent``: the bytes of its head, where they are known to be nothing else.
        """
        try:
            return self._at_once(client, message, peer, keeps, sent)
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed_at_once(client, error)

    def _at_once(self, client: Client, message: Head, peer: str, keeps: bool, sent: bytes | None) -> bool:
        began = self._witness.clock.monotonic()
        fields, line = message.raw_headers, (message.method, message.path)
        address = self._believed.client(peer, fields)
        admitted = self._table.admit((*line, message.version), fields, peer, address, self._believed.limits)
        if isinstance(admitted, Malformed):
            return False
        head, app = admitted
        asked = Asked(message.method == "HEAD", message.version >= (1, 1), keeps)
        if is_asked(message.path):
            reply = self._doors.auth.recalled(head) if not client.writing_paused else None
            return reply is not None and tell(client, head, reply, asked, began, self._witness, self._turn)
        if not isinstance(app, App) or not self._crowd.has_room(address) or kind_of(head) is Kind.WEBSOCKET:
            return False
        parts = parted(sent) if sent is not None and keeps else None
        found = apart(parts[2]) if parts is not None else _NOTHING
        known = Familiar(head, app, pairs_of(found))
        rest, values = found
        if not Passing(self._passage, client, known, Line(*line, values), asked, began).begin():
            return False
        if rest:
            self._familiars.keep(rest, known)
        return True

    def unparsable(self, request: web.BaseRequest, malformed: Malformed) -> web.StreamResponse:
        """The refusal of bytes that the parser could not read as a request; nothing of them is repeated in it or in the log."""
        name = request.transport.get_extra_info("peername") if request.transport is not None else None
        peer = str(name[0]) if isinstance(name, tuple) else ""
        self._witness.answered(self._witness.began(), malformed.status, door="none", verdict="refused", reason=malformed.reason, peer=peer)
        # The parser's own stand-in for a request claims HTTP/1.0, where nothing would say that the connection ends.
        return refusal(malformed, (), (b"Connection", b"close"))

    async def _answer(self, request: web.BaseRequest, notes: Notes) -> web.StreamResponse:
        try:
            received = self._believed.received(request)
            notes |= {"method": received.method, "peer": received.peer, "client": received.client}
            if is_asked(received.target):
                return await self._at_auth(request, received, notes)
            if not self._crowd.enter(received.client):
                notes |= {"verdict": "refused", "reason": _CROWDED.reason}
                return refusal(_CROWDED, received.fields, _LATER)
            try:
                with body_room(request, self._bodies, received.client):
                    return await self._let_in(request, received, notes)
            finally:
                self._crowd.leave(received.client)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - the outermost door: whatever was not foreseen ends here, in a page and a line of the log
            notes["verdict"] = "failed"
            self._witness.log.failure("request_failed", error, notes)
            return self._failed(request, error)

    async def _let_in(self, request: web.BaseRequest, received: Received, notes: Notes) -> web.StreamResponse:
        admitted = self._table.admitted(received, self._believed.limits)
        if isinstance(admitted, Malformed):
            notes |= {"verdict": "refused", "reason": admitted.reason}
            return refusal(admitted, received.fields)
        head, host = admitted
        if host is None:
            return self._at_no_host(request, head, notes)
        return await self._through(request, head, host, notes)

    async def _at_auth(self, request: web.BaseRequest, received: Received, notes: Notes) -> web.StreamResponse:
        """A front proxy asks for many clients, and is done at once: it is counted as none of them."""
        notes["door"] = "auth"
        admitted = self._table.admitted(received, self._believed.limits)
        if isinstance(admitted, Malformed):
            notes |= {"verdict": "refused", "reason": admitted.reason}
            return to_response(self._doors.auth.unreadable(received.target, admitted), closes=True)
        return await self._doors.auth.handle(request, admitted[0])

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
                return await self._doors.login.handle(request, head)
            case App():
                notes |= {"door": "app", "app": host.name}
                return await self._doors.app.handle(request, head)

    def _failed_at_once(self, client: Client, error: Exception) -> bool:
        """Where nothing was begun the task has it, and a page where that fails too; else it may have been sent, and is broken off."""
        self._witness.log.failure("request_failed", error, {"door": "app"})
        if client.relay is None:
            return False
        self._witness.answered(self._witness.began(), 500, door="app", verdict="failed")
        client.relay.break_off("failed")
        return True

    def _failed(self, request: web.BaseRequest, error: Exception) -> web.StreamResponse:
        if request.writer.output_size > 0:
            # Half an answer is out: a clean end would make it look whole (S16).
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionAbortedError("the answer broke off") from error
        return refusal(Malformed(500, "internal"), tuple(request.raw_headers))
