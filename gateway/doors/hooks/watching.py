"""Whether Okta's event hook works, as every worker and replica sees it.

Owns one record in the shared state (the name of the trust that all processes share), the looks at it, and the watchdog: a sign-in seen
here whose event has not come after five minutes ends the trust for everybody. The rules are ``policy.hooks.hook_trust``. Must never trust
while the shared state is away.

    the record is absent: no sign-in event was heard yet · empty: events got lost · a name: the hook works
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock
from gateway.errors import OutsideFailed
from gateway.policy.hooks.hook_trust import LATE_SECONDS, WINDOW_SECONDS, AwaitedEvents, HookTrust, is_fresh
from gateway.policy.session.session import Session
from gateway.sessions import Sessions
from gateway.shared_state import SharedState

Tell = Callable[[str, Mapping[str, object]], None]

KIND: Final = "event-hook"
DELIVERIES: Final = "event-hook-delivery"
"""What Okta has delivered: the deliveries by a hash of their id, and who has signed in."""
TRUST: Final = b"trust"
TRUST_SECONDS: Final = 7 * 86400.0
"""A week without any sign-in ends the trust too."""

RENEWED_SECONDS: Final = 3600.0
"""How seldom a sign-in of a hook that is trusted writes the record anew."""

STARTED_SECONDS: Final = 3 * LATE_SECONDS
"""A session may begin up to five minutes after Okta wrote down its sign-in: as long as a session token lives."""


def started(user_id: str) -> bytes:
    """The key in ``DELIVERIES`` that is kept for ``STARTED_SECONDS`` once Okta has delivered a sign-in of this user."""
    return f"started {user_id}".encode("ascii", "backslashreplace")


@dataclass(frozen=True, slots=True)
class WatchRules:
    """How long one look at the shared state counts: no longer than ``session.ttl``, so that losing the state costs no more than that."""

    window_seconds: float = WINDOW_SECONDS

    @property
    def look_seconds(self) -> float:
        """The time between two looks."""
        return self.window_seconds / 3.0


class HookWatch:
    """Keeps ``Sessions.hook_trust`` up to date. ``start`` it inside the event loop, ``aclose`` it in the same."""

    def __init__(self, state: SharedState, sessions: Sessions, clock: Clock, tell: Tell, rules: WatchRules | None = None) -> None:
        """``tell`` gets (event name, figures) for the log."""
        self._state = state
        self._sessions = sessions
        self._clock = clock
        self._tell = tell
        self._rules = rules if rules is not None else WatchRules()
        self._awaited = AwaitedEvents()
        self._word = "waiting"
        self._lost = ""
        self._renewed_at = float("-inf")
        self._looking: asyncio.Task[None] | None = None

    @property
    def word(self) -> str:
        """For people: "trusted", "waiting" (no sign-in event yet), "silent" (events got lost), "unknown" (the shared state is away)."""
        return self._word

    @property
    def is_trusted(self) -> bool:
        """Whether answers are believed for ``session.ttl_with_hook`` now."""
        now = self._clock.monotonic()
        return self._sessions.hook_trust.covers(now, now)

    def start(self) -> None:
        """Look at the shared state from now on."""
        self._looking = asyncio.create_task(self._look_again(), name="watching the event hook")

    async def aclose(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def begun(self, session: Session) -> None:
        """Okta has just named the user of a session that began through this gateway: the event of it must come."""
        if self._sessions.hook_trust.name:
            self._awaited.begin(session.user_id, self._clock.monotonic())

    async def heard(self, begins: Mapping[str, float]) -> None:
        """Okta delivered sign-in events, written down as ``started``, of these users with their Unix seconds. Never raises."""
        if any(is_fresh(published, self._clock.wall()) for published in begins.values()):
            with suppress(OutsideFailed):  # nobody trusts while the state is away
                await self._trust()

    async def lost(self, reason: str) -> None:
        """Events got lost: nobody relies on the hook any more, until a sign-in event comes in time. Never raises."""
        self._sessions.rely_on_hook(HookTrust())
        self._awaited.clear()
        self._lost = reason
        try:
            await self._state.put(KIND, TRUST, b"", TRUST_SECONDS)
        except OutsideFailed:
            return  # the next look tries again; nobody trusts while the state is away
        self._lost = ""
        self._note("silent", reason)

    async def look(self) -> None:
        """One look at the shared state, and at the sign-ins whose event is overdue. Never raises."""
        now = self._clock.monotonic()
        if self._lost:
            await self.lost(self._lost)
        try:
            async with asyncio.timeout(self._rules.window_seconds):
                kept = await self._state.get(KIND, TRUST) if self._state.ready and not self._lost else None
                if not self._state.ready or self._lost:
                    self._sessions.rely_on_hook(HookTrust())
                    self._note("unknown", "state_away")
                    return
                overdue = [user for user in self._awaited.overdue(now) if await self._state.get(DELIVERIES, started(user)) is None]
        except (OutsideFailed, TimeoutError):
            self._note("unknown", "state_away")  # what was trusted counts until its window ends
            return
        if overdue and kept:
            await self.lost("sign_in_without_event")
            return
        name = kept.decode("ascii", "replace") if kept else ""
        self._sessions.rely_on_hook(self._sessions.hook_trust.looked(name, now, self._rules.window_seconds))
        self._note("trusted" if name else "waiting" if kept is None else "silent", "")

    async def _trust(self) -> None:
        now = self._clock.monotonic()
        if self._sessions.hook_trust.name and now < self._renewed_at + RENEWED_SECONDS:
            return  # so the last look saw it
        kept = await self._state.get(KIND, TRUST)
        await self._state.put(KIND, TRUST, kept or secrets.token_hex(8).encode(), TRUST_SECONDS)
        self._renewed_at = now

    async def _look_again(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self._rules.look_seconds)

    def _note(self, word: str, reason: str) -> None:
        if word != self._word:
            self._tell(f"event_hook_{word}", {"reason": reason} if reason else {})
        self._word = word
