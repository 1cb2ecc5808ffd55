"""Forwards one request to an app and relays the answer, without a task: everything happens in callbacks.

    the body ─┬─ none, or already whole ──▶ one write
              ├─ small ──▶ waited for first: a client that never ends its body then occupies no connection to the app
              └─ large, or chunked ──▶ sent as it arrives, as fast as the server reads it

Owns the sending of one request, and when it is sent again. If the connection was closed before anything was written to it, the request is
sent over another one. If a kept-alive connection ended before a byte of the answer came, a request that may be repeated
(``policy.http.methods``) is sent once more, over a new connection.
Must never send a request that was given up, send a body twice, or leave anything registered after its end.
Rules from: RFC 9112 §6 to 9.

``Relay.source`` is what the request currently depends on: a connection, or ``Fetching`` while it waits for one.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.edge.body import Body
from gateway.edge.http_proxy import SMALL_BODY_BYTES, refusal
from gateway.edge.open_connections import InFlight, Watched
from gateway.edge.relay import Relay, RelayObserver
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.edge.write_batch import WriteBatch
from gateway.errors import OutsideFailed, StaleConnection, TimedOut, Unsent, UploadBroken, UploadTooLarge, UploadTooSlow
from gateway.policy.http.answer_rewrites import Rewrite
from gateway.policy.http.messages import Malformed
from gateway.policy.http.methods import may_repeat
from gateway.policy.http.request_ids import with_id
from gateway.upstream.connection import Connection
from gateway.upstream.fetching import TRIES, Fetching, Taking
from gateway.upstream.heads import LAST_CHUNK, chunk, terms_of

Failed = Callable[[Request, OutsideFailed | Malformed], Response]
"""Makes the answer for a request that could not be sent, or got no proper answer."""

_TOO_LARGE: Final = Malformed(413, "body_too_large")


class ForwardingRules:
    """The settings for all requests to one server.

    ``batch``: the write batch in which they are written. ``in_flight``: the registry (``OpenConnections.in_flight``) in which each relay is
    entered while it runs. ``largest_body``: in bytes, None for no limit. ``small_body``: a body up to this many bytes is read before it is
    sent.
    """

    __slots__ = ("batch", "in_flight", "largest_body", "small_body")

    def __init__(
        self, batch: WriteBatch, in_flight: dict[InFlight, Watched], largest_body: int | None = None, small_body: int = SMALL_BODY_BYTES
    ) -> None:
        """See the class."""
        self.batch = batch
        self.in_flight = in_flight
        self.largest_body = largest_body
        self.small_body = small_body


class Forwarding(RelayObserver):
    """One request that is being forwarded."""

    __slots__ = (
        "_body", "_connection", "_failed", "_holds", "_is_repeated", "_pieces", "_relay", "_request", "_rewrite", "_rules",
        "_sent_bytes", "_taking", "_text", "_timer", "_tries", "_watch",
    )  # fmt: skip

    def __init__(
        self, request: Request, rules: ForwardingRules, text: bytes, taking: Taking, rewrite: Rewrite, failed: Failed, watch: Watched | None
    ) -> None:
        """Nothing is sent yet. ``text``: the head, to which the request's id is added. ``watch``: the session that let the request in."""
        self._request = request
        self._rules = rules
        self._text = with_id(text, request.id_line)
        self._taking = taking
        self._rewrite = rewrite
        self._failed = failed
        self._watch = watch
        self._body: Body | None = None
        self._pieces: list[bytes] | None = None
        self._sent_bytes = 0
        self._connection: Connection | None = None
        self._holds = False
        self._relay: Relay | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tries = TRIES
        self._is_repeated = False

    def begin(self) -> None:
        """Send the request, or as much of it as has arrived."""
        body, largest = self._request.body, self._rules.largest_body
        relay = self._relate()
        if body is None:
            self._take(relay)
        elif body.error is not None:
            relay.failed(_upload_error(body.error))
        elif largest is not None and body.length is not None and body.length > largest:
            relay.failed(UploadTooLarge())
        elif (whole := body.at_hand()) is not None:
            self._take_whole(relay, body, whole)
        elif body.length is not None and body.length <= self._rules.small_body:
            self._pieces = []
            self._timer = asyncio.get_running_loop().call_later(self._taking.source.timeouts.idle, self._too_slow)
            self._body = body
            body.pour(self)
        else:
            self._body = body
            self._take(relay)

    def _relate(self) -> Relay:
        request, rules = self._request, self._rules
        terms = terms_of(request.method == "HEAD", request.is_modern, request.wants_more)
        relay = self._relay = Relay(request.client, None, terms, self._rewrite, self, rules.batch, request.id_line)
        if self._watch is not None:
            rules.in_flight[relay] = self._watch
        return relay

    def _take_whole(self, relay: Relay, body: Body, whole: bytes) -> None:
        """Send the request with its whole body in one write."""
        if self._rules.largest_body is not None and len(whole) > self._rules.largest_body:
            return relay.failed(UploadTooLarge())
        self._text += whole if body.length is not None else (chunk(whole) if whole else b"") + LAST_CHUNK
        self._body = None
        self._take(relay)

    def _take(self, relay: Relay) -> None:
        """Send the request over a free connection, or wait for one."""
        connection = self._taking.idle()
        if connection is None or not self._sent(connection):
            relay.source = Fetching(self._taking, self._send, relay.failed)

    def _sent(self, connection: Connection) -> bool:
        try:
            self._send(connection)
        except Unsent:
            return False
        return True

    def _send(self, connection: Connection) -> None:
        relay, body = self._relay, self._body
        if relay is None:
            return
        is_bare = self._request.method == "HEAD"
        if body is None:
            connection.begin(self._text, relay, bare=is_bare, is_held_back=True)
            relay.source = connection
            self._rules.batch.request(connection)
            return
        connection.begin(self._text, relay, bare=is_bare, is_whole=False)
        relay.source = self._connection = connection
        connection.source = self
        body.pour(self)

    # What the body says.

    def body_piece(self, piece: bytes) -> None:
        """The next bytes of the body."""
        if self._relay is None:
            return
        if self._pieces is not None:
            self._pieces.append(piece)
            return
        self._sent_bytes += len(piece)
        largest, connection = self._rules.largest_body, self._connection
        if connection is None:
            return
        if largest is not None and self._sent_bytes > largest:
            connection.give_up(UploadTooLarge())
        else:
            connection.write(piece if self._body is None or self._body.length is not None else chunk(piece))

    def body_ended(self) -> None:
        """The body is whole."""
        relay, body = self._relay, self._body
        if relay is None or body is None:
            return
        if self._pieces is not None:
            whole, self._pieces = b"".join(self._pieces), None
            if self._timer is not None:
                self._timer.cancel()
            self._take_whole(relay, body, whole)
        elif self._connection is not None:
            if body.length is None:
                self._connection.write(LAST_CHUNK)
            self._connection.finish()

    def body_failed(self, error: Exception) -> None:
        """The body broke off."""
        if self._relay is None:
            return
        if self._connection is not None:
            self._connection.give_up(_upload_error(error))
        else:
            self._relay.failed(_upload_error(error))

    def _too_slow(self) -> None:
        if self._relay is not None:
            self._relay.failed(UploadTooSlow())

    # What the server's connection says.

    def server_is_full(self, is_full: bool) -> None:
        """Stop reading from the client while the server's write buffer is full."""
        if is_full and not self._holds:
            self._holds = True
            self._request.client.hold_back()
        elif not is_full and self._holds:
            self._holds = False
            self._request.client.let_come()

    # The end.

    def over(self, relay: Relay) -> None:
        """This attempt is over: send the request again, or give the client its answer."""
        self._rules.in_flight.pop(relay, None)
        if self._timer is not None:
            self._timer.cancel()
        had_connection, self._connection = self._connection, None
        if had_connection is not None:
            had_connection.source = None
        self.server_is_full(False)
        self._relay = None
        error = relay.error
        if relay.client.transport is not None and had_connection is None and self._goes_again(error):
            return
        request = self._request
        if relay.abandoned == "client_gone":
            request.client.over(None, False)
        elif error is not None:
            try:
                response = self._failure(error, is_sending=had_connection is not None)
            except Exception as unforeseen:  # noqa: BLE001 - called by the loop: no caller would answer this request
                return request.client.failed(unforeseen)
            response.keeps = response.keeps and relay.keeps
            request.client.answer(response)
        else:
            request.reason = relay.abandoned
            request.client.over(relay.status if relay.has_begun else None, relay.keeps)

    def _goes_again(self, error: Exception | None) -> bool:
        """Send the request again if nothing of it was sent, or if it may be repeated; False if it is not sent again.

        A repetition, and the last try, use a new connection.
        """
        if isinstance(error, Unsent) and self._tries:
            self._tries -= 1
            is_new = not self._tries
        elif (
            isinstance(error, StaleConnection)
            and not self._is_repeated
            and may_repeat(self._request.method, self._request.body is not None)
        ):
            is_new = self._is_repeated = True
        else:
            return False
        relay = self._relate()
        if is_new:
            relay.source = Fetching(self._taking, self._send, relay.failed, is_new=True)
        else:
            self._take(relay)
        return True

    def _failure(self, error: Exception, *, is_sending: bool) -> Response:
        body = self._request.body
        if isinstance(error, UploadTooLarge):
            return self._failed(self._request, _TOO_LARGE)
        if isinstance(error, UploadTooSlow):
            return refusal(408)
        if isinstance(error, UploadBroken):
            return refusal(400)
        if is_sending and isinstance(error, TimedOut) and error.stage == "idle" and body is not None and not body.is_whole:
            return refusal(408)
        if isinstance(error, OutsideFailed):
            return self._failed(self._request, error)
        raise error


def _upload_error(error: Exception) -> OutsideFailed:
    return error if isinstance(error, UploadBroken) else UploadBroken()
