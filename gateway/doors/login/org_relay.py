"""Sends a request to the org and relays the answer. If the answer is an error of Okta's that the gateway can explain, adds a cause to it.

Owns the choice between streaming an answer and reading it whole, and the log event for each explanation. Must never change a status, an
error code, or an answer that is no error object of Okta's. The explanations are in ``policy.advice``.
"""

from dataclasses import dataclass

from gateway.doors.answers import to_response
from gateway.doors.login.issued_tokens import IssuedTokens
from gateway.edge.http_proxy import HttpProxy, Judge
from gateway.edge.pins import Asker
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.observe import Tell
from gateway.policy.advice.causes import Advice, advice_for
from gateway.policy.advice.error_objects import is_json, with_cause
from gateway.policy.http.messages import Answer, Fields, RequestHead
from gateway.policy.switch.redemption import ORG_ANSWER_BYTES, cookies_set
from gateway.policy.switch.token_grants import is_identity_step, shows_code_in_page


@dataclass(frozen=True, slots=True)
class OrgRelay:
    """Sends requests that redeem no token. ``tell`` gets (event name, figures) for the log and the metrics.

    ``issued`` gets the codes in answers.
    """

    pool: HttpProxy
    tell: Tell
    issued: IssuedTokens

    async def send(self, request: Request, head: RequestHead, fields: Fields, body: bytes | None, judge: Judge) -> Response:
        """Send the request and answer the client. ``body``: set if it was read already. Raises ``OutsideFailed`` before the first byte."""
        hands_out = self.issued.may_hand_out(head)
        shows_page = hands_out and request.body is None and shows_code_in_page(head)
        if hands_out and not shows_page:
            judge = self._noting(head, judge)
        advice = advice_for(head)
        if body is None and ((advice is None and not shows_page) or request.body is not None):
            return await self.pool.forward(request, head.method, head.target, fields, _as_it_is, Asker.of(head), judge)
        is_step = is_identity_step(head)
        if advice is not None or is_step or shows_page:
            fields = readable(fields)
        exchange = await self.pool.exchange(head.method, head.target, fields, given(head, body or b""), Asker(head.client))
        try:
            judged = await judge(exchange.status, exchange.fields)
            if advice is not None and exchange.status in advice.statuses and is_json(exchange.fields):
                return self._advised(advice, Answer(exchange.status, judged, await exchange.read(ORG_ANSWER_BYTES)))
            if shows_page:
                answer = Answer(exchange.status, judged, await exchange.read(ORG_ANSWER_BYTES))
                await self.issued.note_codes(head, judged, answer.body)
                return to_response(answer)
            if is_step and cookies_set(judged):
                answer = Answer(exchange.status, judged, await exchange.read(ORG_ANSWER_BYTES))
                await self.issued.note_interaction(head, judged, answer.body)
                return to_response(answer)
        except BaseException:
            exchange.abort()
            raise
        return await exchange.relay(request, judged)

    def _noting(self, head: RequestHead, judge: Judge) -> Judge:
        async def noting(status: int, answered: Fields) -> Fields:
            judged = await judge(status, answered)
            await self.issued.note_codes(head, judged)
            return judged

        return noting

    def _advised(self, advice: Advice, answer: Answer) -> Response:
        explained = with_cause(answer.body, advice.sentence)
        if explained is None:
            return to_response(answer)
        self.tell(f"advised_{advice.word}", {})
        return to_response(Answer(answer.status, answer.fields, explained))


def readable(fields: Fields) -> Fields:
    """The request's fields without ``Accept-Encoding``, so that the answer comes uncompressed and can be read."""
    return tuple(field for field in fields if field[0].lower() != b"accept-encoding")


def given(head: RequestHead, body: bytes) -> bytes | None:
    """The body to send; None if it is empty and the method needs none."""
    return None if not body and head.method in ("GET", "HEAD", "DELETE") else body


def _as_it_is(_: int, fields: Fields) -> Fields:
    return fields
