"""A request, from its first byte to its line in the log.

Owns what is known of one request: its head as it arrived, its body, by which connection it came, and what its door says of it for the log.
Must never be used for another request. Rules from: RFC 9112 §9.3 (persistence).
"""

from gateway.edge.body import Body, whole_body_of
from gateway.edge.relay import Client
from gateway.policy.http.body_budget import BodyRoom
from gateway.policy.http.messages import Received, RequestHead
from gateway.policy.http.request_heads import ReadHead
from gateway.upstream.heads import AnswerTerms, asked_of


class Request(Received):
    """One request. ``target``: as sent; ``fields``: as received; ``named``: the same by name; ``body``: None where it has none.

    ``peer``: the address at the other end of its connection. ``is_begun``: something of an answer was written, or will be without asking.
    ``address``: the believed address of its client; ``is_counted``: among those that this client has open.
    The words for the access log: ``door``, ``app``, ``route``, ``verdict``, ``reason``, ``fingerprint``; ``began``: the monotonic second.
    ``id``: its name in the log, "" where it has none; ``id_line``: the same as the end of a head (``policy.http.request_ids``).
    ``new_browser``: the id that the login door has made for a browser without one. ``room``: what its body takes of everybody's.
    ``head``: as its door was given it.
    ``refused``: why its head is, whatever its host is; then it has no body, and is the last on its connection.
    """

    __slots__ = (
        "_keeps", "app", "began", "block", "body", "client", "door", "expects", "fingerprint", "head", "id", "id_line", "is_begun",
        "is_counted", "is_modern", "line", "new_browser", "reason", "refused", "room", "route", "verdict",
    )  # fmt: skip

    def __init__(self, client: Client, peer: str, read: ReadHead, body: Body | None) -> None:
        """``client``: the connection that it came by."""
        line, block = read.line, read.block
        super().__init__(line.method, line.target, block.given, block.named, peer)
        self.client = client
        self.refused = read.refused
        self.is_modern = line.is_modern
        self.line = line
        self.block = block
        self.expects = read.expects
        self._keeps = read.keeps
        self.body = body
        self.is_begun = self.is_counted = False
        self.began = 0.0
        self.head: RequestHead | None = None
        self.door = "none"
        self.id_line = b""
        self.id = self.app = self.route = self.verdict = self.reason = self.fingerprint = self.new_browser = ""
        self.room: BodyRoom | None = None

    def becomes(self, content_type: bytes, body: bytes) -> None:
        """Its body was a whole form that held another one: from here on it is the request with that one."""
        self.block = self.block.with_body(content_type, len(body))
        self.given, self.named = self.block.given, self.block.named
        self.body = whole_body_of(body)

    @property
    def keeps(self) -> bool:
        """Whether another request may follow its answer. Who waits to be told to send a body, and is answered, may send it or not."""
        body = self.body
        return self._keeps and (body is None or not self.expects or body.is_asked or body.is_whole)

    @property
    def wants_more(self) -> bool:
        """Whether its client would send another request behind it."""
        return self._keeps

    @property
    def asked(self) -> AnswerTerms:
        """What of it decides how its answer is framed."""
        return asked_of(self.method == "HEAD", self.is_modern, self.keeps)

    @property
    def has_unread_body(self) -> bool:
        """Whether a part of its body has not arrived yet."""
        return self.body is not None and not self.body.is_whole

    def break_off(self) -> None:
        """End its connection now; whatever is under way is cancelled with it."""
        if self.client.transport is not None:
            self.client.transport.abort()
