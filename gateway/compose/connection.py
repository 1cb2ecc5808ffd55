"""The connection of one client: what aiohttp's handler is asked to do between the bytes and a request.

    bytes ─▶ whole heads ─▶ can it be answered at once? ── yes ─▶ a relay writes the answer, and the next request waits for its end
                                                        └─ no ──▶ aiohttp's task is woken, and calls the handler

Owns who answers next, and the order of answers. Must never wake the task beside a relay. How everything ends is in ``ending``.
Rules from: RFC 9112 §9.3.2; ATTACKS S12, D7.
"""

import asyncio

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD

from gateway.compose.clients import AtOnce, ClientRules, Counting, Refuse
from gateway.compose.ending import Ending
from gateway.core.messages import Malformed
from gateway.proxy.translate import peer_of

_END_OF_HEAD = b"\r\n\r\n"
_TURNS = 2
"""For so many turns of the loop the task is waited for, which is one more than it needs: with one it was back each time (22,000 forms)."""


class ClientConnection(Ending):
    """One connection to a client.

    ``at_once`` and ``counting``: who is asked first, and told; None where every request has its task.
    """

    __slots__ = ("_early", "_is_between", "_peer", "_rests", "_turns", "at_once", "counting")

    def __init__(self, server: web.Server, refuse: Refuse, rules: ClientRules, loop: asyncio.AbstractEventLoop) -> None:
        """``refuse`` answers what is no request."""
        super().__init__(server, refuse, rules, loop)
        self._early = b""
        self._turns = 0
        self._rests = False
        self._is_between = True
        self._peer = ""
        self.at_once: AtOnce | None = None
        self.counting: Counting | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is here."""
        super().connection_made(transport)
        self._peer = peer_of(self.peername)

    def data_received(self, data: bytes) -> None:
        """Have it read, or keep it for a moment: the task that wrote the last answer is not back yet, and would answer this one too.

        A client on a fast way asks again before it is; without this, whoever once needed the task would have it for every request.
        """
        if self._early:
            data, self._early = self._early + data, b""
        elif self._waiter is None and self._sleeper is None and not self._messages and self._is_between_heads():
            self._early, self._turns = data, _TURNS
            self._loop.call_soon(self._late)
            return
        self._receive(data)

    def _late(self) -> None:
        """Read what was kept, as soon as the task waits, or has something else to do."""
        self._turns -= 1
        if self._force_close:
            self._early = b""  # the client left
        elif self._early and self._waiter is None and self._turns:
            self._loop.call_soon(self._late)
        elif self._early:
            data, self._early = self._early, b""
            self._receive(data)

    def _receive(self, data: bytes) -> None:
        """Have it parsed, and see to what the parser does not tell: a head that does not end, and a body that is none any more."""
        if self._malformed is not None or (self.is_last and self._body.is_eof()):
            self._has_more = True
            return
        if self._rests and self._begins_familiar(data):
            return
        self._rests = False
        is_head = bool(data) and self._is_between_heads()
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

    def _is_between_heads(self) -> bool:
        """Whether what comes next belongs to a head."""
        return self._payload_parser is None and not self._upgraded and self._body.is_eof()

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
        if self._force_close or self.is_broken or waiter is None or waiter.done():
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


def _is_one_head(received: bytes) -> bool:
    """Whether these bytes end where the first head among them does, so that a parser that saw no body stands between two messages."""
    return received.find(_END_OF_HEAD) == len(received) - len(_END_OF_HEAD)
