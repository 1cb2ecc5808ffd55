"""What a request is answered with: bytes of ours that are still to be written, or the word that somebody has written an answer.

Owns the framing of an answer of ours. Must never write a head that ``head_is_clean`` refuses. Rules from: RFC 9112 §6, RFC 9110 §8.6.
"""

from typing import Final

from gateway.policy.http.messages import Fields
from gateway.policy.http.request_ids import SLOT, id_in, with_id
from gateway.upstream.heads import AnswerTerms, answer_head, head_is_clean

_SLOT: Final = SLOT.encode("ascii")


class Response:
    """An answer. ``fields`` are end-to-end, with a Content-Length where ``body`` is all of it.

    ``is_written``: somebody has relayed it. Then ``sent`` bytes of its body are out, and ``keeps`` says whether the connection goes on;
    ``abandoned``: why it ended before it was whole, which the client can tell, because its connection broke.
    ``id_line``: of its request, as the end of a head; empty where it has none.
    """

    __slots__ = ("abandoned", "body", "fields", "id_line", "is_written", "keeps", "reason", "sent", "status")

    def __init__(self, status: int, reason: bytes, fields: Fields, *, body: bytes = b"", closes: bool = False) -> None:
        """``reason`` empty: the usual one; ``closes``: the connection ends behind it. ValueError when the head is not clean."""
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
        """One that somebody else has written."""
        made = cls(status, b"", fields, closes=not keeps)
        made.sent, made.abandoned, made.is_written = sent, abandoned, True
        return made

    def text(self, asked: AnswerTerms) -> tuple[bytes, bool]:
        """The answer as it goes out, and whether the connection goes on behind it. A page gets the id of its request."""
        fields, body = self.fields, self.body
        if _SLOT in body:
            body = body.replace(_SLOT, id_in(self.id_line))
            fields = tuple((name, b"%d" % len(body)) if name == b"Content-Length" else (name, value) for name, value in fields)
        head, is_bare, _, keeps = answer_head(self.status, self.reason, fields, asked, keeps=self.keeps)
        head = with_id(head, self.id_line)
        return head if is_bare else head + body, keeps
