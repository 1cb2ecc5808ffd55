"""``Response``: the answer to a request. Either the gateway's own answer, still to be written, or a record of one that was relayed.

Owns the framing of the gateway's own answers. Must never write a head that ``head_is_clean`` refuses.
Rules from: RFC 9112 §6, RFC 9110 §8.6.
"""

from typing import Final

from gateway.policy.http.messages import Fields
from gateway.policy.http.request_ids import SLOT, id_in, with_id
from gateway.upstream.heads import AnswerTerms, answer_head, head_is_clean

_SLOT: Final = SLOT.encode("ascii")


class Response:
    """An answer. ``fields`` are end-to-end, with a Content-Length if ``body`` is the whole body.

    ``is_written``: a relay has already written it. Then ``sent`` is the number of body bytes that were sent, and ``keeps`` says whether the
    connection stays open. ``abandoned``: why the answer ended before it was whole; the client notices, because its connection was reset.
    ``id_line``: the id of its request as the last lines of a head (``policy.http.request_ids``); empty if it has none.
    """

    __slots__ = ("abandoned", "body", "fields", "id_line", "is_written", "keeps", "reason", "sent", "status")

    def __init__(self, status: int, reason: bytes, fields: Fields, *, body: bytes = b"", closes: bool = False) -> None:
        """``reason`` empty: the usual phrase. ``closes``: the connection is closed after it. ValueError if the head is not clean."""
        if not head_is_clean(reason, fields):
            raise ValueError("bytes that no head may hold")
        self.status = status
        self.reason = reason
        self.fields = fields
        self.body = body
        self.keeps = not closes
        self.is_written = False
        self.sent = 0
        self.abandoned = ""
        self.id_line = b""

    @classmethod
    def relayed(cls, status: int, fields: Fields, sent: int, abandoned: str, *, keeps: bool) -> "Response":
        """The record of an answer that a relay has written."""
        made = cls(status, b"", fields, closes=not keeps)
        made.sent, made.abandoned, made.is_written = sent, abandoned, True
        return made

    def text(self, terms: AnswerTerms) -> tuple[bytes, bool]:
        """The bytes of the answer, and whether the connection stays open after it. In a page, ``SLOT`` is replaced by the request's id."""
        fields, body = self.fields, self.body
        if _SLOT in body:
            body = body.replace(_SLOT, id_in(self.id_line))
            fields = tuple((name, b"%d" % len(body)) if name == b"Content-Length" else (name, value) for name, value in fields)
        head, is_bare, _, keeps = answer_head(self.status, self.reason, fields, terms, keeps=self.keeps)
        head = with_id(head, self.id_line)
        return head if is_bare else head + body, keeps
