"""The replacement of Okta's Sessions API with ``session.source = "oidc"``: it answers from proofs (ID tokens of the org).

This module owns the look-up of the newest proof. A pass holds the proof with which it was made. Another app or process may have got a newer
proof of the same session since; the shared state has it. So one navigation at any app keeps the passes of all apps valid.

It must never name a user for a revoked session, use a proof for longer than ``interval``, or treat a state that is away as "signed out".
Without the state, the pass's own proof counts until it is due; after that the finding is ``Unknown``.

To "close" a session here needs no request. The closer revokes the gateway's own session first, and then that session is over. The session
at the org ends only by a redirect of the browser (``doors.oidc``).
"""

from collections.abc import Callable, Sequence

from gateway.clock import Clock
from gateway.coordination.sealed_records import SealedRecords
from gateway.errors import StateFailed
from gateway.okta import BrowserFields, OktaAnswer
from gateway.policy.oidc.own_session import DUE, UNREADABLE, OwnSession, age_of, found_by, own_of
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import NoSession, SessionCookie, Unknown
from gateway.shared_state import SharedState

KIND = "oidc-proof"

HasEnded = Callable[[str], bool]


class Proofs:
    """The same interface as ``Okta``, answered from proofs."""

    def __init__(self, state: SharedState, sealer: Sealer, has_ended: HasEnded, clock: Clock, interval: float) -> None:
        """``has_ended``: whether the session of this id is revoked. ``interval``: ``session.proof_interval``, in seconds."""
        self._kept = SealedRecords(state, sealer, KIND, interval)
        self._has_ended = has_ended
        self._wall = clock.wall
        self.interval = interval

    async def session(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """Say who is signed in with this session, by its newest proof."""
        own = own_of(cookies[0]) if len(cookies) == 1 else None
        if own is None or self._has_ended(own.id):
            return OktaAnswer(UNREADABLE, 404)
        wall = self._wall()
        if found_by(own, wall, self.interval) == DUE:
            try:
                newer = OwnSession.unpacked(await self._kept.get(own.id.encode()) or b"")
            except StateFailed as error:
                return OktaAnswer(Unknown(error.reason), 0)
            if newer is None or (newer.id, newer.user_id) != (own.id, own.user_id):
                return OktaAnswer(DUE, 200)
            own = newer
        return OktaAnswer(found_by(own, wall, self.interval), 200, age_seconds=age_of(own, wall))

    async def refresh(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """The same as ``session``, because only a navigation of the browser can bring a new proof."""
        return await self.session(cookies, browser)

    async def close(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """Answer 204. The closer has already revoked the session, and nothing else has to end here."""
        return OktaAnswer(NoSession("closed"), 204)

    async def keep(self, own: OwnSession) -> None:
        """Store a new proof. A failure of the state is ignored, because the new pass holds the proof too."""
        try:
            await self._kept.put(own.id.encode(), own.packed())
        except StateFailed:
            return
