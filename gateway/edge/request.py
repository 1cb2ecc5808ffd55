"""``Request``: everything the gateway knows of one request, from its first byte to its log line.

Owns the head as it arrived, the body, the client's connection, and what the door says about the request for the access log.
A request object must never be used for a second request. Rules from: RFC 9112 §9.3 (persistence).
"""

from gateway.edge.body import Body, whole_body_of
from gateway.edge.relay import Client
from gateway.policy.http.body_budget import BodyRoom
from gateway.policy.http.messages import Received, RequestHead
from gateway.policy.http.request_heads import ReadHead
from gateway.upstream.heads import AnswerTerms, terms_of


class Request(Received):
    """One request. ``target``: as sent. ``fields``: as received. ``named``: the same fields by name. ``body``: None if it has none.

    ``peer``: the address at the other end of the connection. ``address``: the client's address, after trusted proxies were believed.
    ``is_begun``: a part of the answer was written, or a relay will write it. ``is_counted``: it counts against the client's limit.
    For the access log: ``door``, ``app``, ``route``, ``verdict``, ``reason``, ``fingerprint``; ``started_at``: the monotonic second.
    ``id``: its id in the log, "" if it has none. ``id_line``: that id as the last lines of a head (``policy.http.request_ids``).
    ``new_browser``: the id that the login door made for a browser without one. ``room``: the share of the body budget that it uses.
    ``head``: the ``RequestHead`` that its door got.
    ``refusal``: why the head is not acceptable on any host. Such a request has no body and is the last of its connection.
    """

    __slots__ = (
        "_keeps",
        "app",
        "block",
        "body",
        "client",
        "door",
        "expects",
        "fingerprint",
        "head",
        "id",
        "id_line",
        "is_begun",
        "is_counted",
        "is_modern",
        "line",
        "new_browser",
        "reason",
        "refusal",
        "room",
        "route",
        "started_at",
        "verdict",
    )  # fmt: skip

    def __init__(self, client: Client, peer: str, read: ReadHead, body: Body | None) -> None:
        """``client``: the connection that the request came by. ``read``: its parsed head."""
        line, block = read.line, read.block
        super().__init__(line.method, line.target, block.given, block.named, peer)
        self.client = client
        self.refusal = read.refusal
        self.is_modern = line.is_modern
        self.line = line
        self.block = block
        self.expects = read.expects
        self._keeps = read.keeps
        self.body = body
        self.is_begun = self.is_counted = False
        self.started_at = 0.0
        self.head: RequestHead | None = None
        self.door = "none"
        self.id_line = b""
        self.id = self.app = self.route = self.verdict = self.reason = self.fingerprint = self.new_browser = ""
        self.room: BodyRoom | None = None

    def becomes(self, content_type: bytes, body: bytes) -> None:
        """Replace the body by ``body``, which was wrapped in the form that the client sent; the request goes on with it."""
        self.block = self.block.with_body(content_type, len(body))
        self.given, self.named = self.block.given, self.block.named
        self.body = whole_body_of(body)

    @property
    def keeps(self) -> bool:
        """Whether another request may follow its answer on the same connection."""
        body = self.body
        # A client that waits for "100 Continue" and gets a final answer instead may send its body or not: the framing is lost.
        return self._keeps and (body is None or not self.expects or body.is_asked or body.is_whole)

    @property
    def wants_more(self) -> bool:
        """Whether the client wants to keep its connection open after the answer."""
        return self._keeps

    @property
    def answer_terms(self) -> AnswerTerms:
        """The properties of the request that decide how its answer is framed."""
        return terms_of(self.method == "HEAD", self.is_modern, self.keeps)

    @property
    def has_unread_body(self) -> bool:
        """Whether a part of its body has not arrived yet."""
        return self.body is not None and not self.body.is_whole

    def break_off(self) -> None:
        """Abort the client's connection. That cancels the request."""
        if self.client.transport is not None:
            self.client.transport.abort()
