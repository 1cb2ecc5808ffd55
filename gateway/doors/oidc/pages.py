"""The pages of the gateway's own host, for an org that is not behind it: who is signed in, and the sign-in.

Must never show a cookie value or a session id. Must never say "signed out" if the org did not say so.
"""

from typing import Final

from gateway.clock import Clock
from gateway.doors.answers import redirect_answer
from gateway.doors.oidc.bounces import Bounces, ReturnedBounce
from gateway.doors.oidc.own_sessions import OwnSessions
from gateway.doors.own.addresses import SESSION_PAGE, SIGN_IN, SIGN_OUT
from gateway.doors.own.outcomes import Outcome, now_of, page, refusal, unavailable
from gateway.doors.own.pages import session_answer, words_of
from gateway.doors.own.requests import not_navigating
from gateway.pages import NobodyPage, SessionPage, View
from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.oidc.bounces import Nobody, Unclear
from gateway.policy.oidc.id_tokens import Proof
from gateway.policy.routing.routing import LoginHost
from gateway.policy.session.session import NoSession, Session, Unknown

PURPOSE: Final = "page"


class OidcPages:
    """The pages that say who is signed in on this host."""

    def __init__(self, host: LoginHost, own: OwnSessions, bounces: Bounces, form_targets: tuple[str, ...], clock: Clock) -> None:
        """``form_targets``: the origins to which the page's sign-out form may be redirected."""
        self._host = host
        self._own = own
        self._bounces = bounces
        self._form_targets = form_targets
        self._clock = clock

    async def page(self, head: RequestHead) -> Outcome:
        """``/.gateway/``: who is signed in, until when that is proven, and how to sign out."""
        found, host = await self._own.found(head), self._host.authority.host
        match found:
            case Session():
                view: View = SessionPage(found.login, found.expires_at, now_of(self._clock), host)
                return Outcome(page(view, self._clock, *self._form_targets), "admit")
            case NoSession(reason):
                return Outcome(page(NobodyPage(SIGN_IN, host), self._clock, *self._form_targets), "sign_in", reason)
            case Unknown():
                return unavailable(found, self._clock)

    async def session(self, head: RequestHead) -> Outcome:
        """``/.gateway/session``: the same as JSON."""
        found, origin = await self._own.found(head), self._host.origin
        return Outcome(session_answer(found, (origin + SIGN_OUT, origin + SIGN_IN), self._clock), *words_of(found))

    async def sign_in(self, head: RequestHead) -> Outcome:
        """``/.gateway/sign-in``: redirect to the org's sign-in, which comes back to the page. Raises ``OutsideFailed``."""
        malformed = not_navigating(head)
        if malformed is not None:
            return refusal(malformed, self._clock)
        return Outcome(await self._bounces.begin(head, PURPOSE, "", "login" if self._own.must_sign_in(head) else ""), "sign_in")

    async def answered(self, head: RequestHead, returned: ReturnedBounce) -> Outcome:
        """What follows that redirect. Raises ``OutsideFailed``."""
        match returned.result:
            case Proof() as proof:
                named = await self._own.named(head, returned.browser, proof, returned.bounce.asked_at)
                if isinstance(named, Unknown):
                    return unavailable(named, self._clock)
                if isinstance(named, NoSession):
                    return refusal(Malformed(403, "session_ended"), self._clock)
                return Outcome(redirect_answer(303, SESSION_PAGE, *named.lines), "accept")
            case Unclear("code_used") | Nobody():
                return Outcome(redirect_answer(303, SESSION_PAGE), "sign_in")
            case Unclear(reason):
                return unavailable(Unknown(reason), self._clock)
