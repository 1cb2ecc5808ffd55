"""The second source of truth behind ``Sessions``: what the org proved of the gateway's own sessions, in place of Okta's Sessions API.

Owns the look-up of the newest proof. A pass holds the proof that it was made with; a newer one of the same session, which another app or
another process got since, is found in the shared state, so one navigation anywhere keeps every app's pass alive. Must never name anybody
for a session that is revoked, count a proof longer than ``interval``, or take a state that is away for "signed out": then the pass's own
proof counts as long as it is good, and afterwards nothing is known.

"Closing" ends the gateway's own session: it is over once it is revoked, which the closer does first. The org's session ends by a navigation
(``doors.oidc``), never here.
"""

from collections.abc import Callable, Sequence

from gateway.clock import Clock
from gateway.errors import StateFailed
from gateway.okta import Browser, OktaAnswer
from gateway.policy.oidc.own_session import DUE, UNREADABLE, OwnSession, age_of, found_by, own_of
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import NoSession, SessionCookie, Unknown
from gateway.sealed_records import SealedRecords
from gateway.shared_state import SharedState

KIND = "oidc-proof"

HasEnded = Callable[[str], bool]


class Proofs:
    """Answers as ``Okta`` does, from proofs."""

    def __init__(self, state: SharedState, sealer: Sealer, has_ended: HasEnded, clock: Clock, interval: float) -> None:
        """``has_ended``: whether the session of this id is revoked. ``interval``: ``session.proof_interval``, in seconds."""
        self._kept = SealedRecords(state, sealer, KIND, interval)
        self._has_ended = has_ended
        self._wall = clock.wall
        self.interval = interval

    async def session(self, cookies: Sequence[SessionCookie], browser: Browser) -> OktaAnswer:
        """Who is signed in with this session, by its newest proof."""
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

    async def refresh(self, cookies: Sequence[SessionCookie], browser: Browser) -> OktaAnswer:
        """The same: only a navigation proves anything anew."""
        return await self.session(cookies, browser)

    async def close(self, cookies: Sequence[SessionCookie], browser: Browser) -> OktaAnswer:
        """What the closer hears once it has revoked the session: there is nothing else to end."""
        return OktaAnswer(NoSession("closed"), 204)

    async def keep(self, own: OwnSession) -> None:
        """The org has just proven this. Where the state is away the pass that is made now holds the proof all the same."""
        try:
            await self._kept.put(own.id.encode(), own.packed())
        except StateFailed:
            return
