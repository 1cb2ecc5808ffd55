"""The end of what a client's connection carries: of a head that does not come, of a body that is none any more, of an answer, of itself.

Owns the deadline of a head, its size before it is whole, the answer to what is no request, and what of a connection is closed when. Must
never answer with aiohttp's own error page (it quotes the request), nor close over bytes that would reset an answer under way.
Rules from: RFC 9112 §2.2, §9.6; ATTACKS S1 to S10, S14, D2, D8, D10.
"""

import asyncio
from itertools import islice

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from gateway.compose.clients import ClientRules, Front, Refuse
from gateway.compose.stalled import Stalled
from gateway.core.arrivals import Arrival
from gateway.core.messages import Malformed
from gateway.proxy.translate import Head

LINGERING_SECONDS = 2.0
"""How long the rest of an unread body is taken from a client after our answer, before the connection ends (S14)."""
_MOST_FIELDS_PARSED = 1000
_END_OF_HEAD = b"\r\n\r\n"
_NO_REQUEST = b"\x00"
"""What every state of the parser refuses: so a refusal of ours takes the way of a refusal of its own, behind the answers under way."""
_SAFE = frozenset({"GET", "HEAD"})


class Ending(web.RequestHandler):
    """What ends, and how: aiohttp's handler, behind ``client``, which stands at the transport.

    ``changes``: the last request is to change something. ``is_retiring``: the answers say that the connection ends behind them.
    ``followed``: so many of the requests that the parser handed over are known here.

    ``is_last``: nothing that follows the request that came is one. Two kinds are the last because of aiohttp's parser (seen with 3.14.5):
    of one in chunks it hands the last trailer over as the first field of the next request, behind a proxy another user's (H17, S20); behind
    an upgrade that it does not know it loses the rest of the packet, so that the body of the next would be read as a request (S12, U1).
    """

    __slots__ = (
        "_deadline", "_has_left", "_refuse", "_rules", "arrival", "body", "changes", "client", "followed", "has_more", "is_last",
        "is_retiring", "malformed", "stalled",
    )  # fmt: skip

    def __init__(self, server: web.Server, client: Front, refuse: Refuse, rules: ClientRules, loop: asyncio.AbstractEventLoop) -> None:
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
            max_line_size=2 * limits.parsed_line_bytes,
            max_field_size=2 * limits.fields_bytes + 1,
            max_headers=max(_MOST_FIELDS_PARSED, limits.most_fields),
        )
        self._refuse = refuse
        self._rules = rules
        self.arrival = Arrival(limits)
        self.body: StreamReader = EMPTY_PAYLOAD
        self._deadline: asyncio.TimerHandle | None = None
        self.malformed: Malformed | None = None
        self._has_left: asyncio.Future[None] | None = None
        self.stalled = Stalled(loop, rules.idle_seconds, lambda: client.relay is not None and client.relay.is_held)
        self.followed = 0
        self.client = client
        self.is_last = self.is_retiring = self.has_more = self.changes = False

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone: so is what waits for it."""
        self._in_time()
        self.stalled.over()
        self._force_close = True
        if self.client.relay is not None:
            self.client.relay.gone()
        if self.client.pins is not None:
            self.client.pins.close()
        super().connection_lost(exc)

    def force_close(self) -> None:
        """End it; nothing more is written."""
        self.client.let_go()
        super().force_close()
        self.client.transport = None

    def data_received(self, data: bytes) -> None:
        """What aiohttp read again goes the way of what arrives."""
        self.client.data_received(data)

    def parse(self, data: bytes) -> None:
        """Have it read."""
        super().data_received(data)

    def ends_with_head(self, received: bytes) -> bool:
        """Whether these bytes end where the one head among them does, so that a parser that saw no body stands between two messages."""
        messages = self._messages
        return bool(messages) and messages[-1][1] is EMPTY_PAYLOAD and received.find(_END_OF_HEAD) == len(received) - len(_END_OF_HEAD)

    def first_without_body(self) -> Head | None:
        """The first request that waits, where it has no body."""
        message, body = self._messages[0]
        return message if body is EMPTY_PAYLOAD and isinstance(message, RawRequestMessage) else None

    def has_whole_form(self) -> bool:
        """Whether the last request came whole and was to change something; it may be answered already."""
        return self.changes and self.body.is_eof()

    def taken(self) -> None:
        """That request is answered by somebody else."""
        self._messages.popleft()
        if self._parser is not None:
            self._parser.message_consumed()

    def pause_writing(self) -> None:
        """The client is slower than we are."""
        super().pause_writing()
        self.stalled.watch(self.transport)

    def resume_writing(self) -> None:
        """The client takes more."""
        super().resume_writing()
        self.stalled.over()
        if self.client.relay is not None:
            self.client.relay.writable()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Our own refusal of what is no request, and of what nobody foresaw."""
        if request.writer.output_size > 0:
            raise ConnectionAbortedError("the answer broke off") from exc
        if isinstance(exc, LineTooLong):
            of_line = exc.args[1] == 2 * self._rules.limits.parsed_line_bytes
            return self._refuse(request, Malformed(414, "request_line_too_long") if of_line else Malformed(431, "fields_too_large"))
        if 400 <= status < 500:
            return self._refuse(request, self.malformed or Malformed(400, "unparsable"))
        return self._refuse(request, Malformed(500, "internal"))

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write the end of an answer; where what follows is not read, wait for a moment until the client has seen it."""
        finished = await super().finish_response(request, resp, start_time)
        if self.is_retiring:
            resp.force_close()
        self.follow()  # what stood behind an upgrade that was not granted is parsed there
        transport = self.transport
        self.stalled.watch(transport)
        has_unread = self.malformed is not None or self.has_more
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
        self.client.let_go()
        if self.client.relay is not None:
            self.client.relay.break_off("stopping")
        await super().shutdown(timeout)

    def retire(self) -> None:
        """End the connection: at once where it is idle (a request sent meanwhile must fail visibly), else behind its answer."""
        self.is_retiring = True
        self.client.let_go()
        if self.client.relay is not None and not self.client.relay.has_begun:
            self.client.relay.force_close()
        # Not ``close``: with it aiohttp drops what arrives, and an upload under way could not end.
        if not (self._request_in_progress or self._messages or self.client.sleeper is not None):
            self.force_close()

    def follow(self) -> None:
        """See what the parser has handed over: whole heads, or the word that this is none, or no longer the body that a handler reads."""
        fresh = self._request_count - self.followed
        if not fresh:
            return
        self.followed += fresh
        self._in_time()
        self.arrival.over()
        for message, body in (self._messages[-1],) if fresh == 1 else tuple(islice(self._messages, len(self._messages) - fresh, None)):
            if isinstance(message, RawRequestMessage):
                if self.is_last:
                    self._messages.remove((message, body))
                    self.has_more = True
                else:
                    self.changes = message.method not in _SAFE
                    self.body, self.is_last = body, message.chunked or (message.upgrade and not self._upgraded)
                continue
            self.malformed = self.malformed or Malformed(400, "unparsable")
            if not self.body.is_eof():
                self.body.set_exception(web.RequestPayloadError("no body any more"))
                self.body.feed_eof()

    def give_up(self, malformed: Malformed) -> None:
        """Refuse what arrives, behind the answers under way."""
        self._in_time()
        self.malformed = malformed
        super().data_received(_NO_REQUEST)

    def wait_for_head(self) -> None:
        """Give the head that has begun its time."""
        if self._deadline is None:
            self._deadline = self._loop.call_later(self._rules.head_seconds, self.give_up, Malformed(408, "head_too_slow"))

    def _in_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class ClientRequest(web.BaseRequest):
    """A request on such a connection."""

    @property
    def keep_alive(self) -> bool:
        """Whether another request may follow: not where the client wants none, on a connection that retires (D8), or behind the last."""
        connection = self.protocol
        return super().keep_alive and not (isinstance(connection, Ending) and (connection.is_retiring or connection.is_last))
