"""The connection of one client: what aiohttp's handler is asked to do between the bytes and a request.

    bytes ─▶ whole heads ─▶ can it be answered at once? ── yes ─▶ a relay writes the answer, and the next request waits for its end
                                                        └─ no ──▶ aiohttp's task is woken, and calls the handler

Owns the deadline of a head, its size before it is whole, the answer to what is no request, the end of a body that stops being one, and the
order of answers. Must never answer with aiohttp's own error page (it quotes the request), nor wake the task beside a relay.
Rules from: RFC 9112 §2.2, §9.6; ATTACKS S1 to S10, S14, D2, D8, D10.
"""

import asyncio
from itertools import islice

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from gateway.compose.clients import AtOnce, ClientRules, Counting, Refuse
from gateway.compose.stalled import Stalled
from gateway.core.arrivals import Arrival
from gateway.core.messages import Malformed
from gateway.proxy.relay import Relay
from gateway.proxy.translate import peer_of

LINGERING_SECONDS = 2.0
"""How long the rest of an unread body is taken from a client after our answer, before the connection ends (S14)."""
_MOST_FIELDS_PARSED = 1000
_END_OF_HEAD = b"\r\n\r\n"
_NO_REQUEST = b"\x00"
"""What every state of the parser refuses: so a refusal of ours takes the way of a refusal of its own, behind the answers under way."""


class ClientRequest(web.BaseRequest):
    """A request on such a connection."""

    @property
    def keep_alive(self) -> bool:
        """Whether another request may follow: not where the client wants none, on a connection that retires (D8), or behind the last."""
        connection = self.protocol
        return super().keep_alive and not (isinstance(connection, ClientConnection) and (connection.is_retiring or connection.is_last))


class ClientConnection(web.RequestHandler):
    """One connection to a client. ``is_retiring``: its answers say that it ends behind them. ``relay`` writes the answer under way.

    ``is_last``: nothing that follows the request that came is one. Two kinds are the last because of aiohttp's parser (seen with 3.14.5):
    of one in chunks it hands the last trailer over as the first field of the next request, behind a proxy another user's (H17, S20); behind
    an upgrade that it does not know it loses the rest of the packet, so that the body of the next would be read as a request (S12, U1).

    ``at_once`` and ``counting``: who is asked first, and told; None where every request has its task.
    """

    __slots__ = (
        "_arrival", "_body", "_deadline", "_followed", "_has_left", "_has_more", "_is_between", "_malformed", "_peer", "_refuse", "_rests",
        "_rules", "_sleeper", "_stalled", "at_once", "counting", "is_last", "is_retiring", "relay",
    )  # fmt: skip

    def __init__(self, server: web.Server, refuse: Refuse, rules: ClientRules, loop: asyncio.AbstractEventLoop) -> None:
        """``refuse`` answers what is no request."""
        limits = rules.limits
        # Twice what is allowed is still read, so that whoever is refused for it can be answered in a page (C11).
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # None switches it off, which aiohttp's own annotation does not say
            auto_decompress=False,
            keepalive_timeout=rules.idle_seconds,
            lingering_time=LINGERING_SECONDS,
            max_line_size=2 * limits.line_bytes,
            max_field_size=2 * limits.fields_bytes + 1,
            max_headers=max(_MOST_FIELDS_PARSED, limits.most_fields),
        )
        self._refuse = refuse
        self._rules = rules
        self._arrival = Arrival(limits)
        self._body: StreamReader = EMPTY_PAYLOAD
        self._deadline: asyncio.TimerHandle | None = None
        self._malformed: Malformed | None = None
        self._has_left: asyncio.Future[None] | None = None
        self._sleeper: asyncio.Future[None] | None = None
        self._stalled = Stalled(loop, rules.idle_seconds, lambda: self.relay is not None and self.relay.is_held)
        self._followed = 0
        self.at_once: AtOnce | None = None
        self.counting: Counting | None = None
        self.is_last = self.is_retiring = self._has_more = self._rests = False
        self._is_between = True
        self._peer = ""
        self.relay: Relay | None = None

    def data_received(self, data: bytes) -> None:
        """Have it parsed, and see to what the parser does not tell: a head that does not end, and a body that is none any more."""
        if self._malformed is not None or (self.is_last and self._body.is_eof()):
            self._has_more = True
            return
        if self._rests and self._begins_familiar(data):
            return
        self._rests = False
        is_head = bool(data) and self._payload_parser is None and not self._upgraded and self._body.is_eof()
        if is_head and (malformed := self._arrival.begins(data)) is not None:
            return self._give_up(malformed)
        # aiohttp would wake its task, which waits for a request: that is only done below, for what cannot be answered without it.
        waiter, self._waiter = self._waiter, None
        super().data_received(data)
        self._waiter = waiter
        if self._request_count > self._followed:
            fresh = self._request_count - self._followed
            self._follow()
            starts_here, self._is_between = self._is_between, fresh == 1 and self._messages[-1][1] is EMPTY_PAYLOAD and _is_one_head(data)
            if waiter is not None and not waiter.done():
                self._next(waiter, data if starts_here and self._is_between else None)
            return
        self._is_between = False
        if is_head and (malformed := self._arrival.waits()) is not None:
            self._give_up(malformed)
        elif is_head and self._deadline is None:
            self._deadline = self._loop.call_later(self._rules.head_seconds, self._give_up, Malformed(408, "head_too_slow"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is here."""
        super().connection_made(transport)
        self._peer = peer_of(self.peername)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone: so is what waits for it."""
        self._in_time()
        self._stalled.over()
        self._force_close = True
        if self.relay is not None:
            self.relay.gone()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client is slower than we are."""
        super().pause_writing()
        self._stalled.watch(self.transport)

    def resume_writing(self) -> None:
        """The client takes more."""
        super().resume_writing()
        self._stalled.over()
        if self.relay is not None:
            self.relay.writable()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Our own refusal of what is no request, and of what nobody foresaw."""
        if request.writer.output_size > 0:
            raise ConnectionAbortedError("the answer broke off") from exc
        if isinstance(exc, LineTooLong):
            of_line = exc.args[1] == 2 * self._rules.limits.line_bytes
            return self._refuse(request, Malformed(414, "request_line_too_long") if of_line else Malformed(431, "fields_too_large"))
        if 400 <= status < 500:
            return self._refuse(request, self._malformed or Malformed(400, "unparsable"))
        return self._refuse(request, Malformed(500, "internal"))

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write the end of an answer; where what follows is not read, wait for a moment until the client has seen it."""
        finished = await super().finish_response(request, resp, start_time)
        if self.is_retiring:
            resp.force_close()
        self._follow()  # what stood behind an upgrade that was not granted is parsed there
        transport = self.transport
        self._stalled.watch(transport)
        has_unread = self._malformed is not None or self._has_more
        if has_unread and not (self._messages and resp.keep_alive) and transport is not None and not transport.is_closing():
            # Closing over unread bytes would reset the connection, and with it the answer that says why (RFC 9112 §9.6).
            if transport.can_write_eof():
                transport.write_eof()
            self._has_left = self._loop.create_future()
            await asyncio.wait({self._has_left}, timeout=LINGERING_SECONDS)
        return finished

    def eof_received(self) -> None:
        """The client says nothing more."""
        if self._has_left is not None and not self._has_left.done():
            self._has_left.set_result(None)

    async def shutdown(self, timeout: float | None = 15.0) -> None:
        """End it, whatever is under way: half an answer must not look whole (S16)."""
        if self.relay is not None:
            self.relay.break_off("stopping")
        await super().shutdown(timeout)

    def retire(self) -> None:
        """End the connection: at once where it is idle (a request sent meanwhile must fail visibly), else behind its answer."""
        self.is_retiring = True
        if self.relay is not None and not self.relay.has_begun:
            self.relay.force_close()
        # Not ``close``: with it aiohttp drops what arrives, and an upload under way could not end.
        if not (self._request_in_progress or self._messages or self._sleeper is not None):
            self.force_close()

    def _begins_familiar(self, data: bytes) -> bool:
        """Whether the answer to these bytes was begun without a look of the parser at them."""
        waiter = self._waiter
        if self.at_once is None or waiter is None or waiter.done() or self.is_retiring:
            return False
        self._rests = False
        self._sleeper, self._waiter = waiter, None
        if self.at_once.familiar(self, data, self._peer, self._done):
            if self.counting is not None:
                self.counting.began()
            return True
        self._sleeper, self._waiter = None, waiter
        return False

    def _next(self, waiter: asyncio.Future[None], sent: bytes | None = None) -> None:
        """Answer the first request that waits: at once, or by the task that ``waiter`` wakes."""
        message, body = self._messages[0]
        if self.at_once is None or self._parser is None or body is not EMPTY_PAYLOAD or not isinstance(message, RawRequestMessage):
            return waiter.set_result(None)
        keeps = not message.should_close and not self.is_retiring
        # aiohttp must not see the sleeping task: it would wake it for the next request, and take the connection for idle.
        self._sleeper, self._waiter = waiter, None
        if message.upgrade or not self.at_once.at_once(self, message, self._peer, keeps, self._done, sent):
            self._sleeper, self._waiter = None, waiter
            return waiter.set_result(None)
        self._messages.popleft()
        self._parser.message_consumed()
        if self.counting is not None:
            self.counting.began()

    def _done(self, keeps: bool) -> None:
        """An answer that was begun at once is over: on to the next request, or to rest, or to the end."""
        self._waiter, self._sleeper = self._sleeper, None
        waiter = self._waiter
        if self.counting is not None:
            self.counting.ended()
        if self._force_close or waiter is None or waiter.done():
            return
        if not keeps or self.is_retiring:
            self._stalled.watch(self.transport)
            self.force_close()
            return
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._waiter = None
            self._resume_reading_if_drained()
            self._waiter = waiter
        if self._messages:
            self._next(waiter)
            return
        self._rests = self._is_between
        self._next_keepalive_close_time = self._loop.time() + self._rules.idle_seconds
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)

    def _follow(self) -> None:
        """The parser may have handed over: whole heads, or the word that this is none, or no longer the body that a handler reads."""
        fresh = self._request_count - self._followed
        if not fresh:
            return
        self._followed += fresh
        self._in_time()
        self._arrival.over()
        for message, body in (self._messages[-1],) if fresh == 1 else tuple(islice(self._messages, len(self._messages) - fresh, None)):
            if isinstance(message, RawRequestMessage):
                if self.is_last:
                    self._messages.remove((message, body))
                    self._has_more = True
                else:
                    self._body, self.is_last = body, message.chunked or (message.upgrade and not self._upgraded)
                continue
            self._malformed = self._malformed or Malformed(400, "unparsable")
            if not self._body.is_eof():
                self._body.set_exception(web.RequestPayloadError("no body any more"))
                self._body.feed_eof()

    def _give_up(self, malformed: Malformed) -> None:
        self._in_time()
        self._malformed = malformed
        super().data_received(_NO_REQUEST)

    def _in_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _is_one_head(received: bytes) -> bool:
    """Whether these bytes end where the first head among them does, so that a parser that saw no body stands between two messages."""
    return received.find(_END_OF_HEAD) == len(received) - len(_END_OF_HEAD)
