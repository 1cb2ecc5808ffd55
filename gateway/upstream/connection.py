"""One connection to a server: it sends one request at a time, and passes the answer to a ``Reader`` as it arrives.

    idle ── begin ──▶ wait for the first byte ── head ──▶ wait for each piece of the body ── whole ──▶ back to the pool, or closed
                          └── 101 ──▶ switched: all bytes go to a sink, until one side closes

Owns the deadlines of an exchange, backpressure in both directions, and the decision whether the connection may carry another request.
Must never send a request twice, pass an answer to the reader of another request, or stay open after an answer that broke off.
Rules from: RFC 9112 §9.

Words of this module: a connection's *home* is the pool that it belongs to (``pool.Upstream``). A *pin* says that only one user may use it
(``edge.pins``).
"""

import asyncio
from typing import Final

from gateway.causes import cause_of
from gateway.errors import HungUp, Nonsense, OutsideFailed, StaleConnection, TimedOut, Unsent, UploadBroken
from gateway.outbound import Timeouts
from gateway.upstream.deadline import Deadline
from gateway.upstream.reading import AnswerReader
from gateway.upstream.receiving import CLIENT, ByteSink, Reader
from gateway.upstream.writing import Writing

Listening = tuple[str | None, int]
"""An address that the gateway itself listens at: host (None: every interface) and port."""

_FIRST_BYTE: Final = "first_byte"
_IDLE: Final = "idle"
"""The stages of an exchange, beside ``CLIENT``. Errors and the log name them."""

_TLS_ALERT: Final = b"\x15\x03"
"""The first bytes of a TLS server's answer to plain HTTP: an alert record (RFC 8446 §5.1)."""


class Home:
    """The pool that a connection belongs to, as the connection sees it."""

    __slots__ = ("timeouts",)

    def __init__(self, timeouts: Timeouts) -> None:
        """``timeouts`` may be replaced later, when the configuration is read again."""
        self.timeouts = timeouts

    @property
    def keep_seconds(self) -> float:
        """How long an idle connection is kept, in seconds."""
        raise NotImplementedError

    def failed(self, error: OutsideFailed) -> None:
        """The server caused this error."""

    def request_started(self) -> None:
        """A request was sent."""
        raise NotImplementedError

    def request_ended(self, failed: bool | None) -> None:
        """A request is over. True: the server failed. False: it answered. None: unknown. Called once for each ``request_started``."""
        raise NotImplementedError

    def take_back(self, connection: "Connection") -> None:
        """The connection is free for another request."""
        raise NotImplementedError

    def rest(self, connection: "Connection") -> None:
        """The connection is free after a time of silence: the server may still send a body where none is allowed."""
        raise NotImplementedError

    def lost(self, connection: "Connection") -> None:
        """The connection is closed; called exactly once."""
        raise NotImplementedError


class Pin:
    """Marks a connection that a user may be signed in to. After an answer the pin gets the connection, and not the pool."""

    __slots__ = ()

    def ended(self, connection: "Connection", answers: AnswerReader, is_usable: bool) -> None:
        """An answer is whole: keep the connection, or close it. ``is_usable``: whether it may carry another request."""
        raise NotImplementedError

    def lost(self, connection: "Connection") -> None:
        """The connection is closed."""
        raise NotImplementedError


class Connection(Writing):
    """One connection, made by ``pool.Upstream``. ``begin`` a request, ``write`` its body, ``finish`` it; ``abort`` gives it up.

    ``client``: the address of the client that it is in use for, empty if it is free. ``pin``: None if every user may use it.
    ``idle_until``, ``rests_until``: times of the loop, set by the pool. ``is_reused``: it has carried a request before.
    """

    __slots__ = (
        "_answers", "_deadline", "_head", "_home", "_is_running", "_is_sent", "_reader", "_sink", "_stage", "client", "idle_until",
        "is_reused", "pin", "rests_until",
    )  # fmt: skip

    def __init__(self, home: Home, loop: asyncio.AbstractEventLoop) -> None:
        """Not connected yet."""
        super().__init__(loop)
        self._home = home
        self._answers = AnswerReader()
        self._reader: Reader | None = None
        self._sink: ByteSink | None = None
        self._head = b""
        self._is_sent = True
        self._is_running = False
        self._stage = ""
        self._deadline = Deadline(loop, self._on_timeout)
        self.is_reused = False
        self.idle_until = self.rests_until = 0.0
        self.client = ""
        self.pin: Pin | None = None

    def is_to(self, own: tuple[Listening, ...]) -> bool:
        """Whether it leads back to one of the addresses ``own``, at which the gateway itself listens on this machine."""
        if not own or self._transport is None:
            return False
        here, there = (self._transport.get_extra_info(name) for name in ("sockname", "peername"))
        if not isinstance(here, tuple) or not isinstance(there, tuple) or here[0] != there[0]:
            return False
        return any(port == there[1] and host in (None, there[0]) for host, port in own)

    @property
    def keep_seconds(self) -> float:
        """How long it may be idle, in seconds."""
        return self._home.keep_seconds

    def begin(
        self,
        head: bytes,
        reader: Reader,
        *,
        bare: bool = False,
        upgrade: bool = False,
        is_whole: bool = True,
        is_held_back: bool = False,
    ) -> None:
        """Send ``head``, and pass the answer to ``reader``. ``is_whole``: the request is complete, no ``write`` follows.

        ``bare``: the method is HEAD. ``upgrade``: a 101 is allowed. ``is_held_back``: nothing is sent before ``send``
        is called. Raises ``Unsent`` if the connection is already closed. If it closes before ``send``, ``reader`` gets ``Unsent``.
        """
        if self._transport is None or self._transport.is_closing():
            raise Unsent("before_sending")
        self._answers.expect(bare=bare, upgrade=upgrade)
        self._reader = reader
        self._is_sent = is_whole
        self._is_running = True
        self._home.request_started()
        if is_held_back:
            self._head = head
        else:
            self._transport.write(head)
        self._begin_stage(_FIRST_BYTE if is_whole else _IDLE)

    def send(self) -> None:
        """Send the request that was held back; it may have been given up meanwhile."""
        head, self._head = self._head, b""
        if self._transport is None or not head:
            return
        if self._transport.is_closing():
            self._over(None)
            self._fail(Unsent("before_sending"))
        else:
            self._transport.write(head)

    def write(self, data: bytes) -> None:
        """Send a piece of the request's body, or bytes after a 101."""
        if self._transport is not None:
            self._transport.write(data)
            if self._reader is not None and not self._answers.has_head:
                self._begin_stage(_IDLE)

    def finish(self) -> None:
        """The whole request was written: the deadline for the first byte of the answer begins."""
        self._is_sent = True
        if self._reader is not None and not self._answers.has_head:
            self._begin_stage(_FIRST_BYTE)

    def hand_to(self, reader: Reader) -> None:
        """Pass the rest of the answer to another reader."""
        self._reader = reader

    def switch(self, sink: ByteSink) -> None:
        """After a 101: pass everything that arrives to ``sink``, without a deadline."""
        self._reader = None
        self._sink = sink

    def pause_reading(self) -> None:
        """Read no more from the server, because the client is slow."""
        if self._transport is not None:
            self._transport.pause_reading()
            self._begin_stage(CLIENT)

    def resume_reading(self) -> None:
        """Read from the server again."""
        if self._transport is not None:
            self._transport.resume_reading()
            self._begin_stage(_IDLE)

    def abort(self) -> None:
        """Close it now. The reader is not called."""
        self._over(None)
        self._reader = self._sink = None
        if self._transport is not None:
            self._transport.abort()

    def give_up(self, error: OutsideFailed) -> None:
        """Close it now, and pass ``error`` to the reader. The server is not blamed."""
        self._over(None)
        self._fail(error)

    def close(self) -> None:
        """Close it after what was written. The reader is not called."""
        self._over(None)
        self._reader = self._sink = None
        if self._transport is not None:
            self._transport.close()

    def _begin_stage(self, stage: str) -> None:
        """Begin a stage and its deadline: ``first_byte`` of the configuration for ``_FIRST_BYTE``, ``idle`` for every other stage."""
        timeouts = self._home.timeouts
        self._stage = stage
        self._deadline.move_to(self._loop.time() + (timeouts.first_byte if stage == _FIRST_BYTE else timeouts.idle))

    def _on_timeout(self) -> None:
        if self._reader is not None and self._transport is not None:
            self._fail(TimedOut(self._stage).because("timed_out", self._stage))

    def _over(self, failed: bool | None) -> None:
        """Tell the pool, once, that the request is over. If a head arrived, the server is not blamed for an error in the body."""
        if self._is_running:
            self._is_running = False
            self._home.request_ended(False if self._answers.has_head else failed)

    def _fail(self, error: OutsideFailed) -> None:
        is_clients = isinstance(error, TimedOut) and (error.stage == CLIENT or (error.stage == _IDLE and not self._is_sent))
        self._over(None if isinstance(error, TimedOut) and error.stage == _IDLE and not self._is_sent else True)
        if self._reader is not None and not is_clients and not isinstance(error, Unsent | UploadBroken):
            self._home.failed(error)
        reader, self._reader = self._reader, None
        if self._transport is not None:
            self._transport.abort()
        if reader is not None:
            reader.failed(error)

    # What the loop calls.

    def data_received(self, data: bytes) -> None:
        """Bytes from the server."""
        if self._sink is not None:
            self._sink.received(data)
            return
        if self._head:  # bytes arrived before the request was written, so they answer nothing
            self._over(None)
            return self._fail(Unsent("unasked"))
        answers = self._answers
        had_head = answers.has_head
        fault: Nonsense | None = None
        rest = b""
        try:
            rest = answers.feed(data)
        except Nonsense as error:
            if not answers.has_head or answers.is_whole:
                return self._fail(self._stale() or _broken(error, data))
            fault = _broken(error, b"")
        reader = self._reader
        if reader is None or not answers.has_head:
            return
        status = 0 if had_head else answers.status
        reason, fields, pieces = answers.reason, answers.fields, answers.pieces
        answers.pieces = []
        if answers.is_whole and answers.status != 101 and fault is None:
            self._end()  # the next request may begin on this connection now, and then ``answers`` is about that one
            return reader.arrived(status, reason, fields, pieces, True)
        if had_head:
            self._deadline.at = self._loop.time() + self._home.timeouts.idle
        else:
            self._begin_stage(_IDLE)  # the idle deadline may be earlier than the one for the first byte
        reader.arrived(status, reason, fields, pieces, False)
        if fault is not None:  # after the bytes before the fault, however they were cut into packets
            self._fail(fault)
        elif rest and (sink := self._switched_to()) is not None:
            sink.received(rest)

    def _stale(self) -> StaleConnection | None:
        """The error of a request on a kept-alive connection that got no byte of an answer; None in other cases."""
        if not self.is_reused or self.pin is not None or not self._answers.is_untouched:
            return None
        return StaleConnection("kept").because("closed", "kept connection")

    def _switched_to(self) -> ByteSink | None:
        """The sink that the reader chose (``switch``) when it got the head of a 101."""
        return self._sink

    def _end(self) -> None:
        """The answer is whole: give the connection to its pin or to the pool, or close it if no other request may follow."""
        self._reader = None
        self._over(False)
        answers = self._answers
        if self._transport is None:
            pass
        elif self.pin is not None:
            self.pin.ended(self, answers, self._is_sent and (answers.keeps or answers.rests))
        elif answers.keeps and self._is_sent and not answers.binds:
            self._home.take_back(self)
        elif answers.rests and self._is_sent and not answers.binds:
            self._home.rest(self)
        else:
            self._transport.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is closed, in order (``exc`` None) or by an error."""
        self._transport = None
        is_unsent = bool(self._head)
        self._deadline.cancel()
        self._wake()
        self._over(None if self.is_reused else True)
        self._home.lost(self)
        if self.pin is not None:
            self.pin.lost(self)
        sink, self._sink = self._sink, None
        reader, self._reader = self._reader, None
        if sink is not None:
            sink.gone()
        elif reader is not None and exc is None and self._answers.end():
            reader.arrived(0, b"", (), [], True)
        elif reader is not None:
            reader.failed(Unsent("before_sending") if is_unsent else self._report(self._stale() or _hung_up(exc, self._answers.has_head)))

    def _report(self, error: HungUp) -> HungUp:
        self._home.failed(error)
        return error

    def pause_writing(self) -> None:
        """The server's write buffer is full."""
        super().pause_writing()
        if self._sink is not None:
            self._sink.writable(False)

    def resume_writing(self) -> None:
        """The server's write buffer has room again."""
        super().resume_writing()
        if self._sink is not None:
            self._sink.writable(True)


def _hung_up(exc: BaseException | None, has_head: bool) -> HungUp:
    if exc is not None:
        return HungUp(type(exc).__name__).because(*cause_of(exc))
    return HungUp("eof").because("closed", "half an answer" if has_head else "no answer")


def _broken(error: Nonsense, data: bytes) -> Nonsense:
    """Adds the cause to ``error``. ``data``: the bytes that should be the head of an answer; a TLS alert there means plain http to TLS."""
    is_tls = data.startswith(_TLS_ALERT)
    return error.because("plain_to_tls", "TLS alert") if is_tls else error.because("nonsense", error.rule)
