"""Our own answers, from values to responses.

Owns: the fields that every answer of ours carries (never stored, never sniffed), and the form of JSON and of redirects. Must never
carry bytes of an app or of Okta: those go through ``proxy``. Rules from: RFC 9110 §15.4.
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

from gateway.edge.responses import Response
from gateway.pages import Page
from gateway.policy.http.messages import Answer, Fields
from gateway.upstream.heads import AnswerTerms, answer_head

Pair = tuple[bytes, bytes]


class AnswerBytes(NamedTuple):
    """A whole answer, and whether its connection goes on behind it."""

    text: bytes
    keeps: bool


_ALWAYS: tuple[Pair, ...] = ((b"Cache-Control", b"no-store"), (b"X-Content-Type-Options", b"nosniff"))


def to_response(answer: Answer, *, closes: bool = False) -> Response:
    """The answer as a response, byte for byte; ``closes`` ends the connection after it (a request body nobody will read)."""
    return Response(answer.status, b"", _framed(answer), body=answer.body, closes=closes)


def as_bytes(answer: Answer, asked: AnswerTerms) -> AnswerBytes:
    """The answer as it goes out, for whoever writes it without a response."""
    text, is_bare, _, keeps = answer_head(answer.status, b"", _framed(answer), asked)
    return AnswerBytes(text if is_bare else text + answer.body, keeps)


def _framed(answer: Answer) -> Fields:
    fields = tuple(field for field in answer.fields if field[0].lower() != b"content-length")
    length = () if answer.status in (204, 304) else ((b"Content-Length", b"%d" % len(answer.body)),)
    return (*fields, *length)


def page_answer(page: Page, *extra: Pair) -> Answer:
    """A rendered page as an answer, ``extra`` fields behind its own."""
    return Answer(page.status, (*_missing(page.fields), *page.fields, *extra), page.html)


def json_answer(status: int, content: Mapping[str, object], *extra: Pair) -> Answer:
    """A JSON object as an answer; ASCII only, so that no character set is left to guess."""
    own = ((b"Content-Type", b"application/json"), *_missing(extra))
    return Answer(status, (*own, *extra), json.dumps(content).encode("ascii"))


def redirect_answer(status: int, location: str, *extra: Pair) -> Answer:
    """A redirect to ``location``, which must be ASCII as in a URL; ValueError for line breaks and blanks."""
    if not location or not location.isascii() or any(character <= " " or character == "\x7f" for character in location):
        raise ValueError("a location must be a URL in ASCII without blanks")
    return Answer(status, ((b"Location", location.encode("ascii")), *_missing(extra), *extra))


def _missing(fields: tuple[Pair, ...]) -> tuple[Pair, ...]:
    present = {name.lower() for name, _ in fields}
    return tuple(field for field in _ALWAYS if field[0].lower() not in present)
