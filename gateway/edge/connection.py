"""One client connection: it turns bytes into requests, one at a time, and writes the answers in order.

    bytes ─▶ a whole head ─▶ Request ─▶ the listener decides ─▶ answered ─▶ next request, or idle, or closed
                                └─ its body, as it arrives ─▶ the code that reads it

Owns the framing of requests, the order of answers, every deadline of a client, and how a connection ends.
Must never begin a request before the one before it is answered, or buffer more than a bound of what a client sends.
Must never close a connection while bytes of the client are unread: TCP would reset it, and the client would lose the answer.
Rules from: RFC 9112 §2.2, §6, §9.3, §9.6.

Words of this module: a *hold* is one reason not to read from the socket (``hold_back``, ``let_come``). ``_house`` is the server that the
connection belongs to. ``_is_last``: no further request is read. ``_is_over``: the connection is closing or closed. ``_is_full``: too much
is buffered, so the connection holds. ``_is_put_off``: reading goes on in the next turn of the loop.
"""

import asyncio
from typing import Final, cast

from gateway.edge.body import Body
from gateway.edge.intake import Intake
from gateway.edge.relay import Client
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.rules import ConnectionHost, Waiting
from gateway.edge.stalled import Stalled
from gateway.edge.upload import peer_of
from gateway.errors import UploadTooSlow
from gateway.policy.http.head_arrival import END, HeadArrival
from gateway.policy.http.messages import Malformed
from gateway.policy.http.request_heads import ReadHead
from gateway.upstream.deadline import NEVER, Deadline
from gateway.upstream.heads import AnswerTerms

LINGERING_SECONDS: Final = 2.0
"""How long further bytes of the client are read and dropped after the last answer. Then the connection is closed."""
MOST_BUFFERED: Final = 256 * 1024
"""How many bytes are buffered while a request is being answered (pipelining). Above this the gateway stops reading."""
MOST_A_TURN: Final = 16
"""How many requests of one connection are begun in one turn of the event loop, so that other connections are served too."""
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSES: Final = AnswerTerms(keeps=False)


class ClientConnection(Client):
    """One client connection. The event loop calls it as an ``asyncio.Protocol``."""

    __slots__ = (
        "_arrival", "_buffer", "_deadline", "_has_begun", "_holds", "_house", "_intake", "_is_full", "_is_last", "_is_over",
        "_is_put_off", "_is_reading", "_is_retiring", "_lingering", "_loop", "_peer", "_request", "_stalled", "_task", "_waits_to_write",
    )  # fmt: skip

    def __init__(self, house: ConnectionHost, loop: asyncio.AbstractEventLoop) -> None:
        """``house``: the server that this connection belongs to. The client is not connected yet."""
        super().__init__()
        self._house = house
        self._loop = loop
        self._peer = ""
        self._buffer = b""
        self._holds = 0
        self._arrival = HeadArrival(house.rules.limits)
        self._intake: Intake | None = None
        self._request: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_full = self._is_put_off = False
        self._has_begun = self._is_last = self._is_over = self._is_reading = self._is_retiring = self._waits_to_write = False
        self._deadline = Deadline(loop, self._on_timeout)
        self._lingering: asyncio.TimerHandle | None = None
        self._stalled = Stalled(loop, house.rules.idle_seconds, lambda: self.relay is not None and self.relay.is_held)

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the deadline for the first head. If the server has no room for this client, hand the transport to ``no_room``."""
        self.transport = cast(asyncio.Transport, transport)  # what a stream's protocol is given
        self._peer = peer_of(transport.get_extra_info("peername"))
        if not self._house.arrived(self, self._peer):
            guest = self._house.no_room()
            self.transport.set_protocol(guest)
            guest.connection_made(self.transport)
            self.transport = None
            return
        self._deadline.move_to(self._loop.time() + self._house.rules.head_seconds)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client has left: end the relay, the pinned connections, the body and the task of its request."""
        self._house.gone(self)
        self._is_over = True
        self._stop_waiting()
        if self._lingering is not None:
            self._lingering.cancel()
        self._stalled.over()
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.abort()
        if self.relay is not None:
            self.relay.gone()
        if self.pins is not None:
            self.pins.close()
        if self._intake is not None:
            body, self._intake = self._intake.body, None
            body.failed(ConnectionResetError("the client left"))
        if self._task is not None:
            # Not at once: a task that was made in this turn of the loop must take its first step before it is cancelled.
            self._loop.call_soon(self._task.cancel)
        self._buffer = b""

    def eof_received(self) -> None:
        """The client sends nothing more. Returning None makes the loop close the connection."""

    def pause_writing(self) -> None:
        """The write buffer is full, because the client reads more slowly than the gateway writes."""
        self.writing_paused = True
        self._stalled.watch(self.transport)

    def resume_writing(self) -> None:
        """The write buffer has room again: the relay, or the next request, goes on."""
        self.writing_paused = False
        self._stalled.over()
        if self.relay is not None:
            self.relay.writable()
        if self._waits_to_write and self._request is None:
            self._waits_to_write = False
            self._go_on()

    def data_received(self, data: bytes) -> None:
        """Bytes of the client: of the body, of the next head, or bytes after the last request, which are dropped."""
        intake = self._intake
        if intake is not None:
            data = self._take(intake, data)
            if self._request is None and self._intake is None and not self._is_over:
                self._buffer = data
                return self._end(has_unread=True) if self._is_last else self._go_on()
            if not data:
                return
        if self._is_last or self._is_over:
            return
        self._buffer = self._buffer + data if self._buffer else data
        if self._request is None and not (self._waits_to_write or self._is_put_off):
            self._read()
        elif len(self._buffer) > MOST_BUFFERED and not self._is_full:
            self._is_full = True
            self.hold_back()

    # Heads.

    def _read(self) -> None:
        """Begin buffered requests whose head is whole, while no request is being answered; at most ``MOST_A_TURN`` in one turn."""
        if self._is_reading:
            return
        self._is_reading = True
        self._is_put_off = False
        try:
            for _ in range(MOST_A_TURN):
                if self._request is not None or not self._buffer or self._is_last or self._waits_to_write or self._is_over:
                    break
                if not self._read_head():
                    break
            else:
                self._is_put_off = True
                self._loop.call_soon(self._read)
        finally:
            self._is_reading = False
        if self._is_full and len(self._buffer) <= MOST_BUFFERED:
            self._has_room()

    def _has_room(self) -> None:
        """The buffer is below ``MOST_BUFFERED`` again: go on reading."""
        if self._is_full:
            self._is_full = False
            self.let_come()

    def _read_head(self) -> bool:
        """Begin the request at the front of the buffer; False if its head is not whole, or is refused."""
        buffer, arrival = self._buffer, self._arrival
        if buffer[0] in b"\r\n":
            stripped = arrival.without_empty_lines(buffer)
            if isinstance(stripped, Malformed):
                self._refuse(stripped)
                return False
            buffer = self._buffer = stripped
        end = arrival.end_of(buffer)
        if end < 0:
            self._wait_for_head(buffer)
            return False
        self._buffer = buffer[end + len(END) :]
        arrival.over()
        self._has_begun = False
        self._deadline.at = NEVER
        read = self._house.heads.read(buffer[:end])
        if read is None:
            self._refuse(Malformed(400, "unparsable"))
        else:
            self._begin(read)
        return read is not None

    def _begin(self, read: ReadHead) -> None:
        """Make the ``Request``, and let the listener decide on it."""
        length = read.block.length
        if read.refusal is not None:
            self._is_last = True
        body = Body(self, length if length > 0 else None) if length and read.refusal is None else None
        request = self._request = Request(self, self._peer, read, body)
        self._house.counting.request_started()
        if body is not None:
            self._begin_body(body, request)
        step = self._house.listener.begin(request)
        if step is not None:
            self._follow(request, step)

    def _wait_for_head(self, buffer: bytes) -> None:
        self._has_room()
        refusal = self._arrival.refusal(buffer)
        if refusal is not None:
            self._refuse(refusal)
        elif buffer and not self._has_begun:
            self._has_begun = True
            self._deadline.move_to(self._loop.time() + self._house.rules.head_seconds)

    def _refuse(self, malformed: Malformed) -> None:
        """Answer bytes that are not a valid request, and read no further request."""
        self._is_last = True
        self._stop_waiting()
        text, _ = self._house.listener.unparsable(self._peer, malformed).text(_CLOSES)
        if self.transport is not None:
            self.transport.write(text)
        self._end(has_unread=True)

    # Bodies.

    def _begin_body(self, body: Body, request: Request) -> None:
        if not request.expects:
            body.is_asked = True
        intake = self._intake = Intake(body, self._house.rules.limits.fields_bytes)
        if self._buffer:
            data, self._buffer = self._buffer, b""
            self._buffer = self._take(intake, data)
        if not intake.is_over:  # not ``self._intake``: ``_take`` may have set it to None, and mypyc would not expect that
            self._deadline.move_to(self._loop.time() + self._house.rules.body_seconds)

    def _take(self, intake: Intake, data: bytes) -> bytes:
        """Pass bytes of the body on; returns the bytes after its end. Each byte extends the deadline (``least_body_rate``)."""
        self._deadline.at += len(data) / self._house.rules.least_body_rate
        rest = intake.take(data)
        if intake.is_over:
            self._intake = None
            self._is_last = self._is_last or intake.is_broken
            if self._request is not None:
                self._deadline.at = NEVER
        return rest

    def go_on(self) -> None:
        """Send ``100 Continue`` if the client asked for it (``Expect``)."""
        request = self._request
        if request is not None and request.expects and self.transport is not None and not request.is_begun:
            self._give_time()
            self.transport.write(_CONTINUE)

    def hold_back(self) -> None:
        """Stop reading from the client. Each call needs one ``let_come``."""
        self._holds += 1
        if self._holds == 1 and self.transport is not None:
            self.transport.pause_reading()

    def let_come(self) -> None:
        """Undo one ``hold_back``; reading goes on when none is left."""
        if self._holds:
            self._holds -= 1
            if not self._holds and self.transport is not None:
                self._give_time()
                self.transport.resume_reading()

    def _give_time(self) -> None:
        """Start the deadline of the body anew, because the client could not send while the gateway did not read.

        Otherwise the deadline might pass before the client's next bytes can arrive.
        """
        if self._intake is not None:
            self._deadline.at = max(self._deadline.at, self._loop.time() + self._house.rules.body_seconds)

    # Answers.

    @property
    def _awaits_body(self) -> bool:
        return self._intake is not None and not self._intake.is_over

    def _follow(self, request: Request, step: Response | Waiting) -> None:
        if self._request is not request:
            return
        if isinstance(step, Response):
            self._answer(request, step)
        else:
            self._task = self._loop.create_task(self._wait(request, step), name="request")

    async def _wait(self, request: Request, waiting: Waiting) -> None:
        """Wait for the answer of one request. Cancelled when the client leaves."""
        try:
            response = await waiting
        except BaseException as error:
            self._task = None
            self._over(request, None if isinstance(error, asyncio.CancelledError | ConnectionError) else 500)
            self.abort()
            if isinstance(error, ConnectionError):
                return
            raise
        self._task = None
        if response is not None:
            self._answer(request, response)

    def _answer(self, request: Request, response: Response) -> None:
        keeps = response.keeps
        if not response.is_written and self.transport is not None:
            if self._is_retiring:
                response.keeps = False
            response.id_line = request.id_line
            text, keeps = response.text(request.answer_terms)
            self.transport.write(text)
        self.over(response.status, keeps)

    def answer(self, response: Response) -> None:
        """Write ``response`` as the answer of the current request. Nothing of an answer may have been written before."""
        if self._request is not None:
            self._answer(self._request, response)

    def failed(self, error: Exception) -> None:
        """Answer the current request after an unexpected ``error``; the listener makes the answer."""
        response = self._house.listener.failed(self._request, error) if self._request is not None else None
        if response is not None:
            self.answer(response)

    def over(self, status: int | None, keeps: bool) -> None:
        """The current answer is written: go on to the next request, become idle, or close the connection."""
        if self._request is not None:
            self._over(self._request, status)
        transport = self.transport
        if transport is None or self._is_over or self.is_broken:
            return
        if not keeps or self._is_last or self._is_retiring:
            return self._end(has_unread=self._awaits_body or bool(self._buffer) or self._is_last)
        if self.writing_paused:
            self._waits_to_write = True  # a client that sends many requests and reads no answer would fill the memory
            return
        self._go_on()

    def _over(self, request: Request, status: int | None) -> None:
        self._request = None
        if request.body is not None:
            request.body.drop()  # a whole body that was not read would hold the client back for ever
        self._house.counting.request_ended()
        self._house.listener.answered(request, status)

    def _go_on(self) -> None:
        if self._intake is not None and not self._intake.is_over:
            self._intake.body.drop()
            self._deadline.move_to(self._loop.time() + LINGERING_SECONDS)
            return
        if self._buffer:
            self._read()
        if self._request is None and not self._buffer and not self._is_over:
            self._deadline.move_to(self._loop.time() + self._house.rules.idle_seconds)

    # Time.

    def _on_timeout(self) -> None:
        if self._is_over:
            return
        if self._request is not None and self._intake is not None:
            self._body_is_late(self._intake.body)
        elif self._has_begun:
            self._refuse(Malformed(408, "head_too_slow"))
        else:
            self._end(has_unread=self._awaits_body)

    def _body_is_late(self, body: Body) -> None:
        if self._holds or not body.is_asked:  # the client could not send: the gateway did not read, or has not asked for the body
            self._deadline.move_to(self._loop.time() + self._house.rules.body_seconds)
            return
        self._intake = None
        self._deadline.at = NEVER
        self._is_last = True
        body.failed(UploadTooSlow())

    def _stop_waiting(self) -> None:
        self._deadline.cancel()
        self._has_begun = False

    # The end.

    def _end(self, *, has_unread: bool) -> None:
        """Close the connection after everything that was written. ``has_unread``: the client may still be sending."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        self._is_over = True
        self._stop_waiting()
        self._stalled.watch(transport)
        if self._intake is not None:
            self._intake.body.drop()
        while self._holds:
            self.let_come()
        if not has_unread:
            transport.close()
            return
        # Closing over unread bytes would reset the connection, and with it the answer that says why (RFC 9112 §9.6).
        if transport.can_write_eof():
            transport.write_eof()
        self._lingering = self._loop.call_later(LINGERING_SECONDS, transport.close)

    def abort(self) -> None:
        """Close the connection now, without writing what is buffered."""
        if self.transport is not None:
            self.transport.abort()

    def retire(self) -> None:
        """Close the connection after the current answer, or now if it is idle; a request sent meanwhile fails visibly."""
        self._is_retiring = True
        if self.relay is not None and not self.relay.has_begun:
            self.relay.force_close()
        if self._request is None:
            self._end(has_unread=False)

    def stop(self) -> None:
        """Break the current answer off, so that half of it does not look whole; close the connection if there is none."""
        if self.relay is not None:
            self.relay.break_off("stopping")
        elif self._request is None:
            self.abort()

    def give_up(self) -> asyncio.Task[None] | None:
        """Close the connection now and cancel its request; returns the task that still has to end, or None."""
        task = self._task
        if task is not None:
            self._loop.call_soon(task.cancel)
        self.abort()
        return task

    def switched(self) -> bytes:
        """Another protocol gets the transport after a 101; returns the bytes that the client has already sent for it."""
        self._stop_waiting()
        buffer, self._buffer = self._buffer, b""
        while self._holds:
            self.let_come()
        return buffer
