"""What the gateway's own paths have in common: reading parameters, small forms and the pass, and building their answers.

Owns the addresses of the own paths, and the limits of forms and return paths. Must never decide who is admitted. Must never use a
parameter that occurs twice or that was cut off.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from string import punctuation
from typing import Final
from urllib.parse import quote, urlsplit

from gateway.clock import Clock
from gateway.doors.answers import json_answer, page_answer
from gateway.doors.reading import LATER, whole_body
from gateway.edge.request import Request
from gateway.okta import browser_of
from gateway.pages import BadRequest, UnavailablePage, View, render
from gateway.policy.http.cookies import PASS_NAME
from gateway.policy.http.messages import Answer, Fields, Malformed, RequestHead
from gateway.policy.http.percent import unescaped_bytes
from gateway.policy.http.request_ids import SLOT
from gateway.policy.routing.navigation import LONGEST_TARGET, RequestKind, kind_of, own_target
from gateway.policy.routing.routing import RouteTable
from gateway.policy.session.passes import Pass
from gateway.policy.session.revocation_epoch import is_remembered
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Finding, NoSession, Session, Unknown
from gateway.policy.session.split_cookies import joined
from gateway.policy.switch.redemption import expiries, parent_domains
from gateway.sessions import Sessions

SESSION_PAGE: Final = "/.gateway/"
SESSION_PAGE_UNSLASHED: Final = "/.gateway"
SESSION: Final = "/.gateway/session"
SIGN_IN: Final = "/.gateway/sign-in"
HANDOFF: Final = "/.gateway/handoff"
ACCEPT: Final = "/.gateway/accept"
SIGN_OUT: Final = "/.gateway/sign-out"
AGAIN: Final = "&again=1"
"""Added to an address of ``sign_in_path``: a ticket came to a browser without the start cookie, and the browser was given one now."""
BACK: Final = "&back=1"
"""Added to the address of a hand-off: Okta's sign-in leads back to it, in a browser that was given a cookie before."""
FORM: Final = "/.gateway/form"
LATE: Final = "&late=1"
"""Added to an address of ``sign_in_path``: the login host found the previous start too old."""

LARGEST_FORM_BYTES = 8 * 1024
MOST_PARAMETERS = 32
_FORM_TYPE = b"application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, and its words for the access log: the verdict, its reason, and the first cookie's fingerprint as the log shows it."""

    answer: Answer
    verdict: str
    reason: str = ""
    fingerprint: str = ""


def parameters(encoded: str) -> Mapping[str, str] | Malformed:
    """The decoded parameters of a query or a form. A name that occurs twice is refused, because only one of the two could be used."""
    pieces = encoded.split("&", MOST_PARAMETERS)
    if len(pieces) > MOST_PARAMETERS:
        return Malformed(400, "parameters")
    try:
        pairs = [(_text(name), _text(value)) for name, _, value in (piece.partition("=") for piece in pieces if piece)]
    except ValueError:
        return Malformed(400, "parameters")
    found = dict(pairs)
    return found if len(found) == len(pairs) else Malformed(400, "parameter_repeated")


def _text(raw: str) -> str:
    return unescaped_bytes(raw.replace("+", " ").encode()).decode()


async def form_of(request: Request) -> Mapping[str, str] | Malformed:
    """The fields of a posted form of at most 8 KiB. No body means an empty form. Errors: 400, 408, 413, 415, 503."""
    body = await whole_body(request, LARGEST_FORM_BYTES)
    if isinstance(body, Malformed):
        return body
    if not body:
        return {}
    if not _is_form(request):
        return Malformed(415, "form_type")
    return parameters(body.decode("ascii")) if body.isascii() else Malformed(400, "form")


def _is_form(request: Request) -> bool:
    said = request.named.get(b"content-type")
    return isinstance(said, bytes) and said.partition(b";")[0].strip(b" \t").lower() == _FORM_TYPE


def asked_target(given: Mapping[str, str]) -> str | Malformed:
    """The return path from the parameter ``to``; ``/`` if it is not allowed; 400 if it is too long to be checked as a whole."""
    to = given.get("to", "/")
    if len(to) > LONGEST_TARGET:
        return Malformed(400, "to_too_long")
    return target_or_root(to)


def target_or_root(raw: str) -> str:
    """The path as it may be used in ``Location``; ``/`` if it is not allowed."""
    return own_target(raw) or "/"


def way_back(head: RequestHead) -> str:
    """The return path to this request after a sign-in, checked by ``target_or_root``. Bytes beyond ASCII are percent-encoded."""
    target = head.target
    return target_or_root(target if target.isascii() else quote(target.encode("latin-1"), safe=punctuation))


def sign_in_path(target: str) -> str:
    """The own path that begins a hand-off which comes back to ``target``."""
    return f"{SIGN_IN}?to={quote(target, safe='')}"


def at_okta(template: str, own_path: str) -> str:
    """The URL of Okta's sign-in (``okta.sign_in``) that comes back to an own path of the login host."""
    return template.replace("{return}", quote(own_path, safe=""))


def form_targets(table: RouteTable, sign_in: str) -> tuple[str, ...]:
    """The origins that a page's form may lead to. Chromium checks the redirects of a posted form against ``form-action`` too."""
    okta = urlsplit(sign_in)
    return (*table.origins, *((f"{okta.scheme}://{okta.netloc}",) if okta.netloc else ()))


def pass_of(sealer: Sealer, head: RequestHead) -> Pass | None:
    """The pass, if the browser presents exactly one and this gateway sealed it for this host; else None.

    It may have been made before the gateway's record of revocations begins; ``session_of_pass`` checks that.
    """
    presented = joined(head.values(b"cookie"), PASS_NAME)
    opened = sealer.open("pass", str(head.authority), presented) if presented is not None else None
    return Pass.unpacked(opened.payload) if opened is not None else None


async def session_of_pass(sessions: Sessions, held: Pass | None, head: RequestHead) -> Finding:
    """What Okta says of the session in this pass.

    ``NoSession`` also if Okta now names another user than the pass, if the session was revoked, or if the pass was made before the
    gateway's record of revocations begins.
    """
    if held is None:
        return NoSession("no_pass")
    if not is_remembered(held, sessions.epoch):
        return NoSession("pass_before_start")
    if sessions.has_session_ended(held.session_id):
        return NoSession("revoked")
    finding = await sessions.current(held.cookies, browser_of(head), vouched=True)
    if isinstance(finding, Session) and finding.user_id != held.user_id:
        return NoSession("user_changed")
    return finding


def not_navigating(head: RequestHead) -> Malformed | None:
    """Why a step of the hand-off is refused: a prefetch (503), or a request that its browser does not call a navigation (403)."""
    kind = kind_of(head)
    if kind is RequestKind.PREFETCH:
        return Malformed(503, "prefetch")
    return Malformed(403, "not_a_navigation") if kind is not RequestKind.NAVIGATION and head.values(b"sec-fetch-mode") else None


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


def page(view: View, clock: Clock, *form_targets: str) -> Answer:
    """The answer with this page."""
    return page_answer(render(view, form_targets=form_targets, at=now_of(clock), request_id=SLOT))


def refused(malformed: Malformed, clock: Clock) -> Outcome:
    """The page for a request that is refused for its form."""
    answer = page(BadRequest(malformed.status, malformed.reason), clock)
    return Outcome(answer.plus(LATER) if malformed.status == 503 else answer, "refused", malformed.reason)


def seconds_until(retry_at: float | None, clock: Clock) -> int:
    """Seconds to wait before the next try: what Okta said, at least 1 and at most 60; 5 if Okta said nothing."""
    return 5 if retry_at is None else max(1, min(60, int(retry_at - clock.wall()) + 1))


def unavailable(finding: Unknown, clock: Clock) -> Outcome:
    """The page for "Okta did not say". It signs nobody out."""
    return Outcome(page(UnavailablePage(finding.reason, seconds_until(finding.retry_at, clock)), clock), "unavailable", finding.reason)
