"""Keeps a form that was posted without a session, until its user has signed in again. Also answers frames that have no session.

::

    begin ── 307 ──▶ show: a page with the sealed form ── the user sends it, to the app's own address ──▶ read ── judged ──▶ the app
      └── a page that says why the form is not kept                                                                └──▶ a page again

The gateway reads the body, seals it into the page and forgets it: only the browser keeps it. The first step seals the form's owner (the
last user of this browser) into the address.

Owns these steps on the app hosts; ``policy.session.kept_form`` decides what may be kept. Must never keep a form of another site, send one
for another user than its owner, or send one twice. Only the app door forwards a form to the app.
"""

import secrets
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from gateway.clock import Clock
from gateway.doors.answers import page_answer, redirect_answer
from gateway.doors.own.addresses import FORM, sign_in_path
from gateway.doors.own.outcomes import Outcome, now_of, page, refusal
from gateway.doors.own.requests import parameters, pass_of, session_of_pass
from gateway.doors.reading import drained, whole_body
from gateway.edge.request import Request
from gateway.errors import OutsideFailed, StateFailed, UploadBroken
from gateway.pages import ANYWHERE, FormKept, FormLost, FrameWithoutSession, NobodyPage, SignedInAgain, View, render
from gateway.policy.http.messages import Answer, Malformed, RequestHead
from gateway.policy.http.request_ids import SLOT
from gateway.policy.routing.navigation import SIGNED_IN, has_origin, is_same_origin_post
from gateway.policy.routing.routing import App, RouteTable
from gateway.policy.session.admission import Admit, SignIn, Unavailable, Verdict
from gateway.policy.session.kept_form import (
    FIELD,
    KEPT_SECONDS,
    LARGEST_FORM_BYTES,
    LARGEST_SENT_BYTES,
    FormPlace,
    Framed,
    Keep,
    KeptForm,
    Lose,
    form_or_frame,
    media_type,
)
from gateway.policy.session.owner import Owners
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Session
from gateway.sessions import Sessions
from gateway.shared_state import SharedState

SENT: Final = "sent-form"
RETRY_SECONDS: Final = 5
_DRAINED_BYTES: Final = 16 * 1024 * 1024
"""How much of a form that is not kept is read and dropped: a browser sends the whole form before it reads the answer."""
_CHALLENGE: Final = (b"WWW-Authenticate", b"Session")
_SIGN_IN: Final = sign_in_path(SIGNED_IN)

FormState = Literal["nobody", "same", "other", "unknown", "unsent"]


class FormAnswer(NamedTuple):
    """An answer, and its reason for the log."""

    answer: Answer
    reason: str


class KeptForms:
    """Answers forms and frames without a session on the app hosts."""

    def __init__(self, table: RouteTable, sealer: Sealer, sessions: Sessions, owners: Owners, state: SharedState, clock: Clock) -> None:
        """``owners`` knows the last user of a browser; ``state`` knows which forms were sent."""
        self._origins = table.origins
        self._sealer = sealer
        self._sessions = sessions
        self._owners = owners
        self._state = state
        self._clock = clock

    # A request without a session.

    def wants(self, request: Request, head: RequestHead, app: App) -> Keep | Lose | Framed | None:
        """Whether ``turned_away`` answers this request, and how; None for every other request."""
        return form_or_frame(head, app.origin, request.body.length if request.body is not None else 0)

    async def turned_away(self, request: Request, head: RequestHead, app: App, found: Keep | Lose | Framed) -> FormAnswer:
        """The page; or the redirect to the page that keeps the form."""
        match found:
            case Framed():
                view = FrameWithoutSession(_SIGN_IN, app.title)
                return FormAnswer(self._page(head, view).plus(_CHALLENGE), "frame")
            case Lose(reason):
                return await self._not_kept(request, head, reason)
            case Keep():
                return await self._kept(request, head, app)

    async def _kept(self, request: Request, head: RequestHead, app: App) -> FormAnswer:
        """Redirect the same body (307) to the page that keeps it. So the browser's history holds the page, and not the app's request."""
        host = str(app.authority)
        held = pass_of(self._sealer, head)
        owner = self._owners.last(head.fields, host, held.user_id if held is not None else None)
        if not owner:
            return await self._not_kept(request, head, "unknown_owner")
        body = await whole_body(request, LARGEST_FORM_BYTES)
        if isinstance(body, Malformed):
            return await self._not_kept(request, head, "too_large") if body.status == 413 else self._refusal(body)
        place = FormPlace(secrets.token_urlsafe(16), owner, head.target, self._clock.wall())
        sealed = self._sealer.seal("form-place", host, place.packed())
        return FormAnswer(redirect_answer(307, f"{FORM}?kept={sealed}"), "form_kept")

    async def _not_kept(self, request: Request, head: RequestHead, reason: str) -> FormAnswer:
        await drained(request, _DRAINED_BYTES)
        return FormAnswer(self._lost(head, reason), f"form_lost_{reason}")

    # The own pages.

    async def show(self, request: Request, head: RequestHead, app: App) -> Outcome:
        """``POST /.gateway/form?kept=``: the page that holds the form."""
        if not _is_of_own_page(head, app):
            return refusal(Malformed(403, "cross_site"), self._clock)
        given, host = parameters(head.query), str(app.authority)
        opened = self._sealer.open("form-place", host, "" if isinstance(given, Malformed) else given.get("kept", ""))
        place = FormPlace.unpacked(opened.payload) if opened is not None else None
        if place is None:
            return self._lost_here(head, "unreadable")
        if self._clock.wall() - place.issued_at > KEPT_SECONDS:
            return self._lost_here(head, "too_late")
        body = await whole_body(request, LARGEST_FORM_BYTES)
        if isinstance(body, Malformed):
            return self._lost_here(head, "too_large") if body.status == 413 else refusal(body, self._clock)
        if media_type(head) != b"application/x-www-form-urlencoded" or not body.isascii():
            return self._lost_here(head, "not_ascii")
        kind = (head.value(b"content-type") or b"").decode("latin-1")
        kept = KeptForm(place.id, place.owner, place.target, kind, place.issued_at + KEPT_SECONDS, body)
        held = pass_of(self._sealer, head)
        finding = await session_of_pass(self._sessions, held, head)
        session = finding if isinstance(finding, Session) else None
        form_state: FormState = "nobody" if session is None else "same" if self._is_owner(kept, session, host) else "other"
        view = self._view(kept, app, form_state, session.login if session is not None else "", status=200)
        return Outcome(self._page(head, view), "page", f"form_{form_state}")

    async def gone(self, head: RequestHead) -> Outcome:
        """``GET /.gateway/form``: says that nothing is kept here.

        Firefox asks for this when ``show``'s page is reloaded; its window may still hold the form.
        """
        return self._lost_here(head, "gone")

    async def signed_in(self, head: RequestHead, app: App) -> Outcome:
        """``/.gateway/signed-in``: the last page of a sign-in in a window of its own."""
        finding = await session_of_pass(self._sessions, pass_of(self._sealer, head), head)
        view: View = SignedInAgain(finding.login) if isinstance(finding, Session) else NobodyPage(_SIGN_IN, app.title)
        return Outcome(page(view, self._clock), "page", "" if isinstance(finding, Session) else "nobody_signed_in")

    # A form that is sent again.

    async def read(self, request: Request, head: RequestHead, app: App) -> KeptForm | FormAnswer | None:
        """The kept form in the body of a ``text/plain`` form. None, with the body unread, if it is a form of the app itself."""
        if request.body is None or not await _begins(request):
            return None
        if not _is_of_own_page(head, app):
            return self._refusal(Malformed(403, "cross_site"))
        body = await whole_body(request, LARGEST_SENT_BYTES)
        if isinstance(body, Malformed):
            return self._refusal(body)
        opened = self._sealer.open("form", str(app.authority), body[len(FIELD) :].rstrip(b"\r\n"))
        kept = KeptForm.unpacked(opened.payload) if opened is not None else None
        if kept is None or kept.target != head.target:
            return FormAnswer(self._lost(head, "unreadable"), "form_lost_unreadable")
        if self._clock.wall() > kept.expires_at:
            return FormAnswer(self._lost(head, "too_late"), "form_lost_too_late")
        return kept

    def judged(self, kept: KeptForm, head: RequestHead, app: App, verdict: Verdict | Malformed) -> FormAnswer | None:
        """The page again, if no user or another user is signed in, or if Okta does not say.

        None where the owner is admitted, and where no user would be admitted (then the door says why).
        """
        match verdict:
            case Unavailable(reason, seconds):
                view = self._view(kept, app, "unknown", "", status=503, reason=reason, seconds=seconds)
                return FormAnswer(self._page(head, view), reason)
            case Admit(session) if session is not None and self._is_owner(kept, session, str(app.authority)):
                return None
            case Admit(session) if session is not None:
                view = self._view(kept, app, "other", session.login, status=403, reason="form_of_another_user")
                return FormAnswer(self._page(head, view), "form_of_another_user")
            case Admit() | SignIn():
                return FormAnswer(self._page(head, self._view(kept, app, "nobody", "", status=401)).plus(_CHALLENGE), "form_nobody")
            case _:
                return None

    async def claimed(self, kept: KeptForm, head: RequestHead, app: App) -> FormAnswer | None:
        """None for the first request that sends this form, in any process; a page for each later one."""
        try:
            if await self._state.claim(SENT, kept.id.encode(), max(1.0, kept.expires_at - self._clock.wall())):
                return None
        except StateFailed as error:
            return self.unsent(kept, head, app, error)
        return FormAnswer(self._lost(head, "sent_already"), "form_lost_sent_already")

    def unsent(self, kept: KeptForm, head: RequestHead, app: App, error: OutsideFailed) -> FormAnswer:
        """The page again, for a form that provably was not sent to the app."""
        view = self._view(kept, app, "unsent", "", status=503, reason=error.reason, seconds=RETRY_SECONDS)
        return FormAnswer(self._page(head, view), error.reason)

    # What is said.

    def _is_owner(self, kept: KeptForm, session: Session, host: str) -> bool:
        return self._owners.is_marked(kept.owner, host, session.user_id)

    def _view(
        self, kept: KeptForm, app: App, form_state: FormState, login: str, *, status: int, reason: str = "", seconds: int | None = None
    ) -> FormKept:
        sealed = self._sealer.seal("form", str(app.authority), kept.packed())
        field = FIELD.decode().removesuffix("=")
        return FormKept(kept.target, sealed, field, form_state, _SIGN_IN, app.title, login, status, reason, seconds)

    def _lost(self, head: RequestHead, reason: str) -> Answer:
        status = {"sent_already": 409, "too_late": 410, "gone": 410, "unreadable": 400}.get(reason, 401)
        answer = self._page(head, FormLost(status, reason, _SIGN_IN))
        return answer.plus(_CHALLENGE) if status == 401 else answer

    def _lost_here(self, head: RequestHead, reason: str) -> Outcome:
        return Outcome(self._lost(head, reason), "page", f"form_lost_{reason}")

    def _refusal(self, malformed: Malformed) -> FormAnswer:
        outcome = refusal(malformed, self._clock)
        return FormAnswer(outcome.answer, outcome.reason)

    def _page(self, head: RequestHead, view: View) -> Answer:
        """The page, for a window or for a frame of one of our hosts. The app answers its form, perhaps by a redirect to anywhere."""
        is_window = head.named.get(b"sec-fetch-dest") in (None, b"document")
        framed_by: Sequence[str] = () if is_window else self._origins
        has_form = isinstance(view, FormKept) or (isinstance(view, FormLost) and view.reason == "gone")
        targets = ANYWHERE if has_form else ()
        return page_answer(render(view, form_targets=targets, framed_by=framed_by, at=now_of(self._clock), request_id=SLOT))


def _is_of_own_page(head: RequestHead, app: App) -> bool:
    """Whether a page of this host posted it, or the user reloaded what that post led to. The sealed owner protects the form in any case."""
    return is_same_origin_post(head, app.origin) or has_origin(head, app.origin)


async def _begins(request: Request) -> bool:
    """Whether the body begins like the body of our page. The bytes that were read are put back."""
    body, begun = request.body, b""
    if body is None:
        return False
    try:
        while len(begun) < len(FIELD) and (piece := await body.piece()):
            begun += piece
    except UploadBroken:
        return False  # the next reader of the body gets the same error
    finally:
        body.put_back(begun)
    return begun.startswith(FIELD)
