"""The answer to a message that is refused for its form, before a door was chosen.

Owns the choice between a page and JSON, by the ``Accept`` field alone. Must never repeat anything of the message. Rules from: RFC 9110
§15.5.6 (Allow).
"""

from gateway.doors.answers import json_answer, page_answer, to_response
from gateway.edge.responses import Response
from gateway.pages import BadRequest, render
from gateway.policy.http.messages import Answer, Fields, Malformed
from gateway.policy.http.request_ids import SLOT

_ALLOW = (b"Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")


def refusal_answer(malformed: Malformed, fields: Fields, *more: tuple[bytes, bytes]) -> Answer:
    """A page for clients that accept HTML, JSON for all others."""
    extra = (*more, _ALLOW) if malformed.status == 405 else more
    if any(name.lower() == b"accept" and b"text/html" in value.lower() for name, value in fields):
        return page_answer(render(BadRequest(malformed.status, malformed.reason), request_id=SLOT), *extra)
    return json_answer(malformed.status, {"error": malformed.reason}, *extra)


def refusal(malformed: Malformed, fields: Fields, *more: tuple[bytes, bytes]) -> Response:
    """Like ``refusal_answer``, as a response that closes the connection, because the rest of what the client sent is not read."""
    return to_response(refusal_answer(malformed, fields, *more), closes=True)
