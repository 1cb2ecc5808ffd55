"""The connection of one client: what aiohttp's handler is asked to do between the bytes and a request.

    bytes ─▶ whole heads ─▶ can it be answered at once? ── yes ─▶ a relay writes the answer, and the next request waits for its end
                                                        └─ no ──▶ aiohttp's task is woken, and calls the handler

Stands at the transport, with aiohttp's handler behind it. Owns who answers next, and the order of answers. Must never wake the task beside
a relay. How everything ends is in ``ending``. Rules from: RFC 9112 §9.3.2; ATTACKS S12, D7.
"""

import asyncio
from typing import Final, cast

from aiohttp import web

from gateway.compose.clients import AtOnce, ClientRules, Counting, Front, Refuse
from gateway.compose.ending import Ending
from gateway.proxy.translate import peer_of

_TURNS: Final = 2
"""For so many turns of the loop the task is waited for, which is one more than it needs: with one it was back each time (22,000 forms)."""
_TURNS_TO_BEGIN: Final = 4
"""In so many the task is back, has made the request's own task, and that one has read a form that is there already."""


class ClientConnection(Front):
    """One connection to a client, which the loop calls (``asyncio.Protocol``); ``handler`` is aiohttp's.

    ``at_once`` and ``counting``: who is asked first, and told; None where every request has its task.
    """

    __slots__ = (
        "_early",
        "_idle",
        "_idle_seconds",
        "_idle_until",
        "_is_between",
        "_loop",
        "_peer",
        "_rests",
        "_turns",
        "at_once",
        "counting",
        "handler",
    )

    def __init__(self, server: web.Server, refuse: Refuse, rules: ClientRules, loop: asyncio.AbstractEventLoop) -> None:
        """``refuse`` answers what is no request."""
        super().__init__()
        self.handler = Ending(server, self, refuse, rules, loop)
        self._loop = loop
        self._idle_seconds = rules.idle_seconds
        self._idle_until = 0.0
        self._idle: asyncio.TimerHandle | None = None
        self._early = b""
        self._turns = 0
        self._rests = False
        self._is_between = True
        self._peer = ""
        self.at_once: AtOnce | None = None
        self.counting: Counting | None = None

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is here."""
        self.transport = cast(asyncio.Transport, transport)  # what a stream's protocol is given
        self.handler.connection_made(transport)
        self._peer = peer_of(self.handler.peername)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone. A form that came whole is begun first: it may be a sign-out, which goes on without its client."""
        if self._early:
            data, self._early = self._early, b""
            self._receive(data)
        self._lose(exc, _TURNS_TO_BEGIN if self.handler.has_whole_form() else 0)

    def _lose(self, exc: BaseException | None, turns: int) -> None:
        if turns:
            self._loop.call_soon(self._lose, exc, turns - 1)
        else:
            self.handler.connection_lost(exc)

    def eof_received(self) -> None:
        """The client says nothing more."""
        self.handler.eof_received()

    def pause_writing(self) -> None:
        """The client is slower than we are."""
        self.writing_paused = True
        self.handler.pause_writing()

    def resume_writing(self) -> None:
        """The client takes more."""
        self.writing_paused = False
        self.handler.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Have it read, or keep it for a moment: the task that wrote the last answer is not back yet, and would answer this one too.

        A client on a fast way asks again before it is; without this, whoever once needed the task would have it for every request.
        """
        if self._rests:
            if self._begins_familiar(data):
                return
            self.let_go()
        handler = self.handler
        if self._early:
            data, self._early = self._early + data, b""
        elif handler._waiter is None and self.sleeper is None and not handler._messages and self._is_between_heads():
            self._early, self._turns = data, _TURNS
            self._loop.call_soon(self._late)
            return
        self._receive(data)

    def _late(self) -> None:
        """Read what was kept, as soon as the task waits, or has something else to do."""
        self._turns -= 1
        if self.handler._force_close:
            self._early = b""  # the client left
        elif self._early and self.handler._waiter is None and self._turns:
            self._loop.call_soon(self._late)
        elif self._early:
            data, self._early = self._early, b""
            self._receive(data)

    def _receive(self, data: bytes) -> None:
        """Have it parsed, and see to what the parser does not tell: a head that does not end, and a body that is none any more."""
        handler = self.handler
        if handler.malformed is not None or (handler.is_last and handler.body.is_eof()):
            handler.has_more = True
            return
        is_head = bool(data) and self._is_between_heads()
        if is_head and (malformed := handler.arrival.begins(data)) is not None:
            return handler.give_up(malformed)
        # aiohttp would wake its task, which waits for a request: that is only done below, for what cannot be answered without it.
        waiter, handler._waiter = handler._waiter, None
        handler.parse(data)
        handler._waiter = waiter
        if handler._request_count > handler.followed:
            fresh = handler._request_count - handler.followed
            handler.follow()
            starts_here, self._is_between = self._is_between, fresh == 1 and handler.ends_with_head(data)
            if waiter is not None and not waiter.done():
                self._next(waiter, data if starts_here and self._is_between else None)
            return
        self._is_between = False
        if is_head and (malformed := handler.arrival.waits()) is not None:
            handler.give_up(malformed)
        elif is_head:
            handler.wait_for_head()

    def _is_between_heads(self) -> bool:
        """Whether what comes next belongs to a head."""
        handler = self.handler
        return handler._payload_parser is None and not handler._upgraded and handler.body.is_eof()

    def _begins_familiar(self, data: bytes) -> bool:
        """Whether the answer to these bytes was begun without a look of the parser at them."""
        if self.at_once is None or self.sleeper is None or self.sleeper.done():
            return False
        self._rests = False
        if self.at_once.familiar(self, data, self._peer):
            if self.counting is not None:
                self.counting.began()
            return True
        self._rests = True
        return False

    def _next(self, waiter: asyncio.Future[None], sent: bytes | None = None) -> None:
        """Answer the first request that waits: at once, or by the task that ``waiter`` wakes."""
        handler = self.handler
        message = handler.first_without_body() if self.at_once is not None else None
        if self.at_once is None or message is None:
            return waiter.set_result(None)
        keeps = not message.should_close and not handler.is_retiring
        # aiohttp must not see the sleeping task: it would wake it for the next request, and take the connection for idle.
        self.sleeper, handler._waiter = waiter, None
        if message.upgrade or not self.at_once.at_once(self, message, self._peer, keeps, sent):
            self.sleeper, handler._waiter = None, waiter
            return waiter.set_result(None)
        handler.taken()
        if self.counting is not None:
            self.counting.began()

    def done(self, keeps: bool) -> None:
        """An answer that was begun at once is over: on to the next request, or to rest, or to the end."""
        if self.counting is not None:
            self.counting.ended()
        handler, waiter = self.handler, self.sleeper
        goes_on = keeps and not (handler._force_close or self.is_broken or handler.is_retiring or waiter is None or waiter.done())
        if goes_on and self._is_between and not handler._messages:
            return self._rest()
        handler._waiter, self.sleeper = waiter, None
        if handler._force_close or self.is_broken or waiter is None or waiter.done():
            return
        if not goes_on:
            handler.stalled.watch(self.transport)
            handler.force_close()
            return
        if handler._buffer_paused and len(handler._messages) <= handler._msg_queue_resume_size:
            handler._waiter = None
            handler._resume_reading_if_drained()
            handler._waiter = waiter
        if handler._messages:
            self._next(waiter)
            return
        handler._next_keepalive_close_time = self._loop.time() + self._idle_seconds
        if handler._keepalive_handle is None:
            handler._keepalive_handle = self._loop.call_at(handler._next_keepalive_close_time, handler._process_keepalive)

    def _rest(self) -> None:
        """Wait for the next request, with the task still in hand: most that come are familiar, and do not need it."""
        self._rests = True
        self._idle_until = self._loop.time() + self._idle_seconds
        if self._idle is None:
            self._idle = self._loop.call_at(self._idle_until, self._look)

    def _look(self) -> None:
        """A timer is seldom moved, a deadline is a number: see whether it has passed."""
        self._idle = None
        if self._rests and self._loop.time() < self._idle_until:
            self._idle = self._loop.call_at(self._idle_until, self._look)
        elif self._rests:
            self.handler.force_close()

    def let_go(self) -> None:
        """Where nothing is being answered, the task is the handler's again."""
        if self._rests:
            self._rests = False
            self.handler._waiter, self.sleeper = self.sleeper, None
            if self._idle is not None:
                self._idle.cancel()
                self._idle = None
