"""Watches whether Okta's event hook works, for every worker and replica.

While the hook is trusted, answers of Okta are cached for longer (``session.ttl_with_hook``). Owns one record in the shared state (the
name of the trust that all processes share), the regular look at it, and the watchdog: if a sign-in was seen here and its event has not
come after five minutes, the trust ends for all processes. The rules are in ``policy.hooks.hook_trust``. Must never trust while the shared
state is away.

    the record is absent: no sign-in event was heard yet · empty: events got lost · a name: the hook works
"""

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock
from gateway.errors import OutsideFailed
from gateway.observe import Tell
from gateway.policy.hooks.hook_trust import LATE_SECONDS, WINDOW_SECONDS, AwaitedEvents, HookTrust, is_fresh
from gateway.policy.session.session import Session
from gateway.sessions import Sessions
from gateway.shared_state import SharedState

KIND: Final = "event-hook"
DELIVERIES: Final = "event-hook-delivery"
"""What Okta has delivered: the deliveries, by a hash of their id; and which users have signed in."""
TRUST: Final = b"trust"
TRUST_SECONDS: Final = 7 * 86400.0
"""A week without any sign-in event ends the trust too."""

RENEWED_SECONDS: Final = 3600.0
"""While the hook is trusted, sign-in events write the record at most once in this time."""

STARTED_SECONDS: Final = 3 * LATE_SECONDS
"""A session may begin up to five minutes after Okta recorded its sign-in, because a session token lives that long."""


def started(user_id: str) -> bytes:
    """The key in ``DELIVERIES`` for "Okta has delivered a sign-in of this user". It is kept for ``STARTED_SECONDS``."""
    return f"started {user_id}".encode("ascii", "backslashreplace")


@dataclass(frozen=True, slots=True)
class WatchRules:
    """How long one look at the shared state counts. Not longer than ``session.ttl``, so that losing the state costs no more than that."""

    window_seconds: float = WINDOW_SECONDS

    @property
    def look_seconds(self) -> float:
        """The time between two looks."""
        return self.window_seconds / 3.0


class HookWatch:
    """Keeps ``Sessions.hook_trust`` up to date. ``start`` and ``aclose`` it in the same event loop."""

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
        """The state in one word: "trusted", "waiting" (no sign-in event yet), "silent" (events got lost), "unknown" (the state is away)."""
        return self._word

    @property
    def is_trusted(self) -> bool:
        """Whether answers are cached for ``session.ttl_with_hook`` now."""
        now = self._clock.monotonic()
        return self._sessions.hook_trust.covers(now, now)

    def start(self) -> None:
        """Begin to look at the shared state."""
        self._looking = asyncio.create_task(self._look_again(), name="watching the event hook")

    async def aclose(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def begun(self, session: Session) -> None:
        """Okta has just named the user of a session that began through this gateway: its sign-in event must come."""
        if self._sessions.hook_trust.name:
            self._awaited.begin(session.user_id, self._clock.monotonic())

    async def heard(self, begins: Mapping[str, float]) -> None:
        """Okta delivered sign-in events of these users (stored as ``started``), with their Unix seconds. Never raises."""
        if any(is_fresh(published, self._clock.wall()) for published in begins.values()):
            with suppress(OutsideFailed):  # while the state is away, no process trusts
                await self._trust()

    async def lost(self, reason: str) -> None:
        """Events got lost: no process trusts the hook any more, until a sign-in event comes in time. Never raises."""
        self._sessions.rely_on_hook(HookTrust())
        self._awaited.clear()
        self._lost = reason
        try:
            await self._state.put(KIND, TRUST, b"", TRUST_SECONDS)
        except OutsideFailed:
            return  # the next look tries again; while the state is away, no process trusts
        self._lost = ""
        self._note("silent", reason)

    async def look(self) -> None:
        """Look once at the shared state, and at the sign-ins whose event is overdue. Never raises."""
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
            self._note("unknown", "state_away")  # the trust stays until the window of the last look ends
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
            return  # the last look saw the record, and it is recent
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
