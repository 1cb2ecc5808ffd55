"""Requests that bring a token, or a reference behind which a token may stand: judges who chose it, then redeems it, asks or refuses.

Owns the order: who chose the token (``token_origins``, ``policy.switch.start``), the redemption (``redeemer``), and what is stored of its
answer. Must never redeem a token that a script brought, nor one that a stranger chose without a question to the user.
"""

from dataclasses import replace
from typing import assert_never

from gateway.doors.login.issued_tokens import IssuedTokens
from gateway.doors.login.login_browser import LoginBrowser
from gateway.doors.login.outcome_responses import OutcomeResponses, to_client
from gateway.doors.login.pushed_references import PushedReferences
from gateway.doors.login.redeemer import Redeemer
from gateway.doors.login.redemptions import RedemptionRequest, Sent
from gateway.doors.login.token_origins import TokenOrigins
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.policy.routing.navigation import RequestKind, kind_of
from gateway.policy.session.session import SessionToken
from gateway.policy.switch.org_requests import Redemption, is_pushed_request
from gateway.policy.switch.redemption import cookies_set
from gateway.policy.switch.start import Asks, StartRefused, StartRules, Trusted, Via, judge, via_of


class TokenRequests:
    """Answers these requests."""

    def __init__(
        self,
        redeemer: Redeemer,
        references: PushedReferences,
        origins: TokenOrigins,
        issued: IssuedTokens,
        responses: OutcomeResponses,
        rules: StartRules,
    ) -> None:
        """``rules``: who may choose a token."""
        self._redeemer = redeemer
        self._references = references
        self._origins = origins
        self._issued = issued
        self._responses = responses
        self._rules = rules

    async def by_reference(
        self, request: Request, sender: LoginBrowser, body: bytes | None, references: tuple[str, ...]
    ) -> Response | None:
        """The answer to an authorize request with ``request_uri``. A reference that may stand for a token is redeemed like a token.

        None if it is to be forwarded as it is.
        """
        as_tokens = Redemption(tuple(map(SessionToken, references)))
        if await self._references.may_redeem(references, sender):
            return await self.redeem(request, sender, body, as_tokens, references)
        await self._origins.note_tokens(sender.head, as_tokens.tokens)
        return None

    async def redeem(
        self, request: Request, sender: LoginBrowser, body: bytes | None, found: Redemption, references: tuple[str, ...] = ()
    ) -> Response | None:
        """Judge who chose the token; then redeem it, ask the user, or refuse.

        None if the request continues a transaction of the living session: then it is to be forwarded as it is.
        """
        head, responses = sender.head, self._responses
        if kind_of(head) is RequestKind.PREFETCH:
            return to_client(request, responses.refusal(head, 503, "prefetch"))
        if head.method not in ("GET", "POST"):
            return to_client(request, responses.refusal(head, 405, "method", (b"Allow", b"GET, POST")))
        origin = await self._origins.of(head, found, sender.browser_id)
        if not origin.announced:
            await self._origins.note_tokens(head, found.tokens)
        judgement = judge(head, origin, self._rules)
        if len(references) > 1 and isinstance(judgement, Trusted) and not await self._references.are_pushed_here(references):
            judgement = Asks("unknown_references")
        match judgement:
            case StartRefused(reason):
                return to_client(request, responses.refusal(head, 403, reason))
            case Trusted("own_transaction") if sender.living_cookies:
                request.reason = "own_transaction"
                return None
            case Trusted() | Asks():
                redemption = RedemptionRequest(
                    sender,
                    body or b"",
                    () if references else found.tokens,
                    isinstance(judgement, Trusted),
                    references,
                    is_program=via_of(head) is Via.PROGRAM,
                    started_by=judgement.origin if isinstance(judgement, Asks) else "",
                )
                return await self.carry_out(request, redemption)
            case _:
                assert_never(judgement)

    async def carry_out(self, request: Request, redemption: RedemptionRequest) -> Response:
        """Redeem the token, store what Okta issued with it, and answer."""
        head, sender = redemption.head, redemption.sender
        outcome = await self._redeemer.redeem(redemption)
        if isinstance(outcome, Sent):
            answered = outcome.answer
            if answered.status < 400 and not cookies_set(answered.fields):
                # A failed answer proves nothing of the references.
                await self._references.note_without_session(redemption.references, sender)
            await self._origins.note_answer(head, sender.browser_id, False, answered.fields)
            if self._issued.may_hand_out(head):
                await self._issued.note_codes(head, answered.fields, answered.body)
        answer = self._responses.of(redemption, outcome)
        if is_pushed_request(head):
            await self._references.note_pushed(answer.answer, may_hold_token=True)
        return to_client(request, replace(answer, answer=answer.answer.plus(*self._responses.legacy_fields(head))), sender)
