"""Turns the outcome of a redemption into an HTTP answer: a page for people, JSON for scripts.

Owns the status and the words of each outcome. Must never put a token into a page, a field or the log. (One exception: a browser is
redirected to the address of its own request, which may contain the token.)
"""

import secrets
from typing import assert_never
from urllib.parse import quote, urljoin

from gateway.clock import Clock
from gateway.doors.answers import Pair, json_answer, page_answer, redirect_answer, to_response
from gateway.doors.login import redemptions
from gateway.doors.login.confirmation_form import ConfirmationForm
from gateway.doors.login.login_browser import LoginBrowser, Withheld
from gateway.doors.login.redemptions import RedemptionOutcome, RedemptionRequest
from gateway.doors.own.addresses import SIGN_OUT
from gateway.doors.own.outcomes import Outcome, now_of, seconds_until
from gateway.doors.pending_cookie import PendingCookie
from gateway.doors.reading import LATER
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.errors import OutsideFailed
from gateway.observe import Tell
from gateway.pages import BadRequest, GoingOn, RefusedPage, SignInWithheld, TokenRefused, TokenSpent, UnavailablePage, View, render
from gateway.policy.advice.causes import REFUSED_TOKEN, UNCONFIRMED, USED_TOKEN, Advice
from gateway.policy.advice.error_objects import error_object, is_json, with_cause
from gateway.policy.advice.legacy_calls import legacy_call, legacy_fields
from gateway.policy.advice.refused_tokens import leads_to_sign_in
from gateway.policy.http.cookies import session_cookies
from gateway.policy.http.messages import Answer, Fields, RequestHead
from gateway.policy.http.request_ids import SLOT
from gateway.policy.routing.navigation import RequestKind, is_document, kind_of
from gateway.policy.switch.org_requests import Redemption, read, without_tokens
from gateway.policy.switch.switch import Confirm

RETRY_SECONDS = 5


class OutcomeResponses:
    """Turns outcomes into answers."""

    def __init__(self, confirmation: ConfirmationForm, pending_cookie: PendingCookie, origin: str, clock: Clock, tell: Tell) -> None:
        """``confirmation``: makes the page that asks the user, with the sealed request. ``origin``: the login host's.

        A redirect to a request's target always has the origin before it: without it, a target that begins with two slashes would lead to
        another host.
        """
        self._origin = origin
        self._confirmation = confirmation
        self._pending_cookie = pending_cookie
        self._clock = clock
        self._tell = tell

    def of(self, redemption: RedemptionRequest, outcome: RedemptionOutcome) -> Outcome:
        """The answer, and the verdict and reason for the log."""
        head = redemption.head
        match outcome:
            case redemptions.Sent(answer):
                return self._sent(redemption, answer)
            case redemptions.Again():
                return self._again(redemption)
            case redemptions.Onward(destination):
                url = self._origin + destination if destination.startswith("/") else destination
                answer = self._page(GoingOn(url)) if redemption.is_confirmed else redirect_answer(303, url)
                return Outcome(answer, "onward", "token_spent")
            case redemptions.UsedElsewhere(by_server):
                if is_document(head):
                    return self._explained(head, TokenSpent(by_server=by_server), 409, "refused", "token_spent")
                return self._advised(401, "E0000004", "Authentication failed", USED_TOKEN, "refused", "token_spent")
            case redemptions.NotSwitched(refusal, older):
                seconds = seconds_until(refusal.retry_at, self._clock)
                view: View = (
                    RefusedPage(refusal.reason, seconds, _own_address(redemption))
                    if refusal.revoked
                    else UnavailablePage(refusal.reason, seconds, offers_retry=False)
                )
                fields = self._pending_cookie.moved(head, session_cookies(head.fields), older) if refusal.revoked else ()
                return self._explained(head, view, 503, "refused", refusal.reason, *fields)
            case redemptions.Unanswered(reason, spent, fields):
                view = BadRequest(502, "redemption_unanswered") if spent else RefusedPage(reason, RETRY_SECONDS, _own_address(redemption))
                return self._explained(head, view, 502 if spent else 503, "refused", f"redemption_{reason}", *fields)
            case Confirm(session):
                if not is_document(head):
                    return self._advised(409, "E0000006", "confirmation_required", UNCONFIRMED, "confirm", "script")
                return Outcome(self._confirmation.ask(redemption, session), "confirm", redemption.started_by or "unknown_place")
            case _:
                assert_never(outcome)

    def _sent(self, redemption: RedemptionRequest, answer: Answer) -> Outcome:
        """Okta's answer. If it shows that Okta refused the token, a page says so; for a script, a cause is added to Okta's error object."""
        head = redemption.head
        if not is_document(head):
            explained = with_cause(answer.body, REFUSED_TOKEN.sentence) if answer.status in REFUSED_TOKEN.statuses else None
            if explained is None or not redemption.tokens or not is_json(answer.fields):
                return Outcome(answer, "redeemed")
            self._tell(f"advised_{REFUSED_TOKEN.word}", {})
            return Outcome(Answer(answer.status, answer.fields, explained), "redeemed", REFUSED_TOKEN.word)
        onward = leads_to_sign_in(answer.status, answer.fields, self._origin) if self._brought_session_token(redemption) else None
        if onward is None:
            return Outcome(self._led_on(redemption, answer) if redemption.is_confirmed else answer, "redeemed")
        self._tell(f"advised_{REFUSED_TOKEN.word}", {})
        url = urljoin(self._origin + head.target, onward or without_tokens(head.target))
        return Outcome(self._page(TokenRefused(url)).plus(*_cookie_lines(answer)), "refused", REFUSED_TOKEN.word)

    @staticmethod
    def _brought_session_token(redemption: RedemptionRequest) -> bool:
        """Whether a session token was redeemed in a top-level window, and the request answered no transaction, form or frame."""
        found = read(redemption.head, redemption.body)
        is_window = kind_of(redemption.head) is RequestKind.NAVIGATION or redemption.is_confirmed
        return is_window and isinstance(found, Redemption) and len(found.state_tokens) < len(found.tokens)

    def _advised(self, status: int, code: str, summary: str, advice: Advice, verdict: str, reason: str) -> Outcome:
        """A refusal of the gateway to a script or a program, in the form of Okta's error object, with its cause."""
        self._tell(f"advised_{advice.word}", {})
        found = error_object(code, summary, advice.sentence, secrets.token_urlsafe(9))
        return Outcome(json_answer(status, found | {"error": summary}), verdict, reason)

    def refusal(self, head: RequestHead, status: int, reason: str, *fields: Pair) -> Outcome:
        """The refusal of the request itself."""
        later = (LATER,) if status == 503 else ()
        return self._explained(head, BadRequest(status, reason), status, "refused", reason, *fields, *later)

    def withheld(self, head: RequestHead, withheld: Withheld) -> Outcome:
        """An answer of Okta's that began a session was kept back, because the older session is not proven gone."""
        refusal = withheld.refusal
        view = SignInWithheld(refusal.reason, seconds_until(refusal.retry_at, self._clock))
        return self._explained(head, view, 503, "withheld", refusal.reason, *withheld.fields)

    def legacy_fields(self, head: RequestHead) -> Fields:
        """The fields that pass on Okta's advice against this call, which is counted; none for other calls."""
        call = legacy_call(head)
        if call is not None:
            self._tell(f"legacy_{call}", {})
        return legacy_fields(call)

    def unreachable(self, head: RequestHead, error: OutsideFailed) -> Outcome:
        """The org did not answer a request that redeems no token."""
        view = UnavailablePage(error.reason, RETRY_SECONDS, had_session=bool(session_cookies(head.fields)))
        return self._explained(head, view, 503, "unavailable", error.reason)

    def asks_to_sign_out(self, back: str) -> Outcome:
        """Redirect to the sign-out page with its button, because another site asked for the sign-out.

        ``back``: where it leads afterwards.
        """
        to = f"?to={quote(back, safe='')}" if back else ""
        return Outcome(redirect_answer(303, self._origin + SIGN_OUT + to), "confirm", "untrusted_sign_out")

    def _again(self, redemption: RedemptionRequest) -> Outcome:
        """Redirect the browser to its own request.

        From our form, a link is opened again as a link (303); a form cannot be posted again (409).
        """
        head = redemption.head
        if redemption.is_confirmed and head.method != "GET":
            return self.refusal(head, 409, "browser_changed")
        return Outcome(redirect_answer(303 if redemption.is_confirmed else 307, self._origin + head.target), "again", "other_tab")

    def _led_on(self, redemption: RedemptionRequest, answer: Answer) -> Answer:
        """The answer to a confirmed switch.

        A page replaces a redirect, because browsers check a form's redirects against ``form-action``.
        """
        locations = [value.decode("latin-1") for name, value in answer.fields if name.lower() == b"location"]
        if not 300 <= answer.status < 400 or len(locations) != 1:
            return answer
        url = urljoin(self._origin + redemption.head.target, locations[0])
        return self._page(GoingOn(url)).plus(*_cookie_lines(answer))

    def _page(self, view: View) -> Answer:
        return page_answer(render(view, at=now_of(self._clock), request_id=SLOT))

    def _explained(self, head: RequestHead, view: View, status: int, verdict: str, reason: str, *fields: Pair) -> Outcome:
        """The page for people, an error object for scripts; with these fields added."""
        if is_document(head):
            return Outcome(self._page(view).plus(*fields), verdict, reason)
        code = "E0000010" if status == 503 else "E0000006"
        answer = json_answer(status, {"errorCode": code, "errorSummary": reason, "error": reason})
        return Outcome(answer.plus(*fields), verdict, reason)


def to_client(request: Request, outcome: Outcome, sender: LoginBrowser | None = None) -> Response:
    """The outcome as a response. Its words for the access log are left in ``request``.

    ``sender``: if this browser's id is new, the answer sets it.
    """
    request.verdict, request.reason = outcome.verdict, outcome.reason
    fresh = sender.fresh if sender is not None else ()
    return to_response(outcome.answer.plus(*fresh), closes=request.has_unread_body)


def _cookie_lines(answer: Answer) -> Fields:
    return tuple(field for field in answer.fields if field[0].lower() == b"set-cookie")


def _own_address(redemption: RedemptionRequest) -> str | None:
    """Empty text: the page offers its own address as a link to try again. None for a form, and for a start that is not trusted.

    A click on our own page would make the link of a stranger look trusted.
    """
    return "" if redemption.head.method == "GET" and redemption.trusted and not redemption.is_confirmed else None
