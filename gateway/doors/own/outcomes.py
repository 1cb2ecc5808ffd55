"""The gateway's own answers, each with its words for the access log.

Owns the page of a refusal and the page for "Okta did not say". Must never repeat a secret or a text of the request.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.clock import Clock
from gateway.doors.answers import json_answer, page_answer
from gateway.doors.reading import LATER
from gateway.pages import BadRequest, UnavailablePage, View, render
from gateway.policy.http.messages import Answer, Fields, Malformed, RequestHead
from gateway.policy.http.request_ids import SLOT
from gateway.policy.session.session import Unknown
from gateway.policy.switch.redemption import expiries, parent_domains


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, and its words for the access log: the verdict, its reason, and the first cookie's fingerprint as the log shows it."""

    answer: Answer
    verdict: str
    reason: str = ""
    fingerprint: str = ""


def page(view: View, clock: Clock, *form_targets: str) -> Answer:
    """The answer with this page."""
    return page_answer(render(view, form_targets=form_targets, at=now_of(clock), request_id=SLOT))


def refusal(malformed: Malformed, clock: Clock) -> Outcome:
    """The page for a request that is refused for its form."""
    answer = page(BadRequest(malformed.status, malformed.reason), clock)
    return Outcome(answer.plus(LATER) if malformed.status == 503 else answer, "refused", malformed.reason)


def unavailable(finding: Unknown, clock: Clock) -> Outcome:
    """The page for "Okta did not say". It signs nobody out."""
    return Outcome(page(UnavailablePage(finding.reason, seconds_until(finding.retry_at, clock)), clock), "unavailable", finding.reason)


def no_session(sign_in_url: str) -> Answer:
    """401 for scripts: no redirect and no password dialog, but the address where a navigation may sign in."""
    challenge = (b"WWW-Authenticate", b"Session")
    return json_answer(401, {"error": "no_session", "sign_in": sign_in_url}, challenge)


def expired_here(names: Collection[bytes], head: RequestHead, everywhere: bool) -> Fields:
    """The lines that remove these cookies from the browser.

    ``everywhere``: also those that a sibling host may have set for a parent domain.
    """
    return expiries(names, parent_domains(head.authority.host) if everywhere else ())


def now_of(clock: Clock) -> datetime:
    """The wall clock as an aware datetime in UTC."""
    return datetime.fromtimestamp(clock.wall(), UTC)


def seconds_until(retry_at: float | None, clock: Clock) -> int:
    """Seconds to wait before the next try: what Okta said, at least 1 and at most 60; 5 if Okta said nothing."""
    return 5 if retry_at is None else max(1, min(60, int(retry_at - clock.wall()) + 1))
