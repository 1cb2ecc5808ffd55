"""The two sources of truth as the contract sees them: somebody is signed in, is not any more, or it cannot be found out."""

from collections.abc import Sequence
from typing import Protocol

from gateway.errors import StateFailed
from gateway.oidc import Proofs
from gateway.okta import BrowserFields, OktaAnswer
from gateway.policy.oidc.own_session import OwnSession, cookie_of
from gateway.policy.session.cache import Lifetimes
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import SessionCookie
from gateway.shared_state import MemoryState
from tests.harness.clock import WALL
from tests.sessions.scripted import ALICE, BOB, DOWN, GONE, SID, Memory, memory

INTERVAL = 300.0


class Source(Protocol):
    """What a test does to the world behind a memory of sessions."""

    memory: Memory
    cookies: tuple[SessionCookie, ...]

    async def signs_in(self, user: str) -> None:
        """The cookies are this user's session from now on."""

    def ends(self) -> None:
        """That session is over, and nobody asks later than its answer lasts."""

    def falls_silent(self) -> None:
        """From now on it cannot be found out, and what was known before is too old."""


class ByOkta:
    """Okta's Sessions API."""

    def __init__(self) -> None:
        self.memory = memory(Lifetimes(ttl=10.0))
        self.cookies: tuple[SessionCookie, ...] = SID

    async def signs_in(self, user: str) -> None:
        self.memory.org.now = ALICE if user == "alice" else BOB
        self.memory.sessions.forget(self.cookies)

    def ends(self) -> None:
        self.memory.org.now = GONE
        self.memory.times.passed += 10.0

    def falls_silent(self) -> None:
        self.memory.org.now = DOWN
        self.memory.times.passed += 10.0


class ByProofs:
    """Proofs of an OpenID provider."""

    def __init__(self) -> None:
        self.is_away = False
        self.cookies: tuple[SessionCookie, ...] = ()
        self._number = 0
        self.memory = memory(Lifetimes(ttl=INTERVAL, ttl_max=INTERVAL, refresh_ahead=0.0), api=lambda times: _Api(self))
        source = self

        class Away(MemoryState):
            async def get(self, kind: str, key: bytes) -> bytes | None:
                if source.is_away:
                    raise StateFailed("away")
                return await super().get(kind, key)

        clock = self.memory.times.clock
        self.proofs = Proofs(Away(clock), Sealer([b"k" * 32], lambda n: b"n" * n), self.memory.sessions.has_session_ended, clock, INTERVAL)

    async def signs_in(self, user: str) -> None:
        self._number += 1
        now = WALL + self.memory.times.passed
        own = OwnSession(f"own-{self._number}", f"00u-{user}", f"{user}@example.com", now - 60.0, now)
        await self.proofs.keep(own)
        self.cookies = (cookie_of(own),)

    def ends(self) -> None:
        self.memory.times.passed += INTERVAL

    def falls_silent(self) -> None:
        self.is_away = True
        self.memory.times.passed += INTERVAL


class _Api:
    def __init__(self, source: ByProofs) -> None:
        self._source = source

    async def session(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        return await self._source.proofs.session(cookies, browser)

    async def refresh(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        return await self._source.proofs.refresh(cookies, browser)
