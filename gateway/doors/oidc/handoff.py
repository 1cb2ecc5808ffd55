"""The middle step of a hand-off, for an org that is not behind the gateway: makes a ticket from an OpenID Connect proof.

::

    start opened ─▶ is the browser's own proof recent? ── yes ─▶ ticket ─▶ app host
                        │ no
                        ▼
                   silent bounce (prompt=none) ── a user ─▶ the user before is revoked, if another ─▶ ticket ─▶ app host
                        │ nobody
                        ▼
                   the org's sign-in (a bounce without prompt), which comes back the same way

(A *bounce* is a redirect to the org and back, see ``bounces``.) Owns that order. Must never make a ticket without a proof. Must never
treat "the org did not say" as "signed out": that is 503, and no session changes. If the browser signed out here and the end at the org is
not proven, the bounce is not silent: the user must sign in again.
"""

from gateway.clock import Clock
from gateway.doors.answers import redirect_answer
from gateway.doors.oidc.bounces import Bounces, ReturnedBounce
from gateway.doors.oidc.own_sessions import OwnSessions
from gateway.doors.own.addresses import HANDOFF
from gateway.doors.own.handoff_starts import HandoffStarts, OpenedStart
from gateway.doors.own.outcomes import Outcome, refusal, unavailable
from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.oidc.bounces import Nobody, Prompt, Unclear
from gateway.policy.oidc.id_tokens import Proof
from gateway.policy.session.browser_id import browser_id_of
from gateway.policy.session.session import NoSession, Session, Unknown

PURPOSE = "handoff"


class OidcHandoff:
    """``/.gateway/handoff`` of the gateway's host."""

    def __init__(self, starts: HandoffStarts, own: OwnSessions, bounces: Bounces, clock: Clock) -> None:
        """``own``: the browser's session on this host."""
        self._starts = starts
        self._own = own
        self._bounces = bounces
        self._clock = clock

    async def hand_off(self, head: RequestHead) -> Outcome:
        """``/.gateway/handoff?start=``. Raises ``OutsideFailed``."""
        opened = self._starts.checked(head)
        if isinstance(opened, Outcome):
            return opened
        held, found = self._own.held(head), await self._own.found(head)
        if isinstance(found, Unknown):
            return unavailable(found, self._clock)
        browser = browser_id_of(head.fields)
        if isinstance(found, Session) and held is not None and browser is not None and self._own.is_recent(held):
            return await self._starts.ticket(opened, found, held.cookies, browser)
        if await self._starts.goes_round(opened.text):
            return Outcome(self._starts.explained(opened.start), "refused", "sign_in_loop")
        return await self._to_org(head, opened.text, "login" if self._own.must_sign_in(head) else "none")

    async def answered(self, head: RequestHead, returned: ReturnedBounce) -> Outcome:
        """What follows a bounce that the hand-off began. Raises ``OutsideFailed``."""
        opened = self._starts.reopened(returned.bounce.place)
        if isinstance(opened, Outcome):
            return opened
        match returned.result:
            case Proof() as proof:
                return await self._named(head, opened, returned, proof)
            case Nobody():
                return await self._to_org(head, opened.text, "")
            case Unclear("code_used"):  # the user came back to this address, or reloaded it
                return Outcome(redirect_answer(303, f"{HANDOFF}?start={opened.text}"), "sign_in", "code_used")
            case Unclear(reason):
                return unavailable(Unknown(reason), self._clock)

    async def _named(self, head: RequestHead, opened: OpenedStart, returned: ReturnedBounce, proof: Proof) -> Outcome:
        named = await self._own.named(head, returned.browser, proof, returned.bounce.asked_at)
        match named:
            case NoSession("outdated"):
                return Outcome(redirect_answer(303, f"{HANDOFF}?start={opened.text}"), "sign_in", "outdated")
            case NoSession() if returned.bounce.prompt == "login":
                return refusal(Malformed(403, "session_ended"), self._clock)
            case NoSession():
                return await self._to_org(head, opened.text, "login")
            case Unknown():
                return unavailable(named, self._clock)
            case _:
                return await self._starts.ticket(opened, named.session, named.cookies, returned.browser, *named.lines)

    async def _to_org(self, head: RequestHead, text: str, prompt: Prompt) -> Outcome:
        return Outcome(await self._bounces.begin(head, PURPOSE, text, prompt), "sign_in", f"prompt_{prompt}" if prompt else "")
