"""Builds the gateway's own answers: pages, JSON and redirects.

Owns the fields that every such answer carries (never stored, never sniffed), and the form of JSON and of redirects. Must never carry
bytes of an app or of Okta: ``edge.forwarding`` relays those. Rules from: RFC 9110 §15.4.
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
    """The bytes of a whole answer, and whether the connection stays open after it."""

    text: bytes
    keeps: bool


_ALWAYS: tuple[Pair, ...] = ((b"Cache-Control", b"no-store"), (b"X-Content-Type-Options", b"nosniff"))


def to_response(answer: Answer, *, closes: bool = False) -> Response:
    """The answer as a response, byte for byte. ``closes``: end the connection after it, because a request body stays unread."""
    return Response(answer.status, b"", _framed(answer), body=answer.body, closes=closes)


def as_bytes(answer: Answer, terms: AnswerTerms) -> AnswerBytes:
    """The answer as the bytes that are sent, for a caller that writes them without a ``Response``."""
    text, is_bare, _, keeps = answer_head(answer.status, b"", _framed(answer), terms)
    return AnswerBytes(text if is_bare else text + answer.body, keeps)


def _framed(answer: Answer) -> Fields:
    fields = tuple(field for field in answer.fields if field[0].lower() != b"content-length")
    length = () if answer.status in (204, 304) else ((b"Content-Length", b"%d" % len(answer.body)),)
    return (*fields, *length)


def page_answer(page: Page, *extra: Pair) -> Answer:
    """A rendered page as an answer. The ``extra`` fields come after the page's own."""
    return Answer(page.status, (*_missing(page.fields), *page.fields, *extra), page.html)


def json_answer(status: int, content: Mapping[str, object], *extra: Pair) -> Answer:
    """A JSON object as an answer. It is pure ASCII, so that no client must guess a character set."""
    own = ((b"Content-Type", b"application/json"), *_missing(extra))
    return Answer(status, (*own, *extra), json.dumps(content).encode("ascii"))


def redirect_answer(status: int, location: str, *extra: Pair) -> Answer:
    """A redirect to ``location``, which must be ASCII as in a URL. ValueError for line breaks, blanks and other control characters."""
    if not location or not location.isascii() or any(character <= " " or character == "\x7f" for character in location):
        raise ValueError("a location must be a URL in ASCII without blanks")
    return Answer(status, ((b"Location", location.encode("ascii")), *_missing(extra), *extra))


def _missing(fields: tuple[Pair, ...]) -> tuple[Pair, ...]:
    present = {name.lower() for name, _ in fields}
    return tuple(field for field in _ALWAYS if field[0].lower() not in present)
