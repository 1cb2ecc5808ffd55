"""Which users Okta has named here within the lifetime of a pass, so that Universal Logout can answer that a user is unknown.

Owns these records in the shared state, under hashes of the login and the id. Must never be used to admit anybody.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from cachetools import TTLCache

from gateway.background import BackgroundTasks
from gateway.errors import OutsideFailed
from gateway.policy.session.session import Session, login_key
from gateway.shared_state import SharedState

KIND: Final = "known-user"
KNOWN_SECONDS: Final = 13 * 3600.0
"""A pass lives twelve hours; a user's record is written again each hour in which Okta names the user."""

_AGAIN_SECONDS: Final = 3600.0
_MOST_NOTED: Final = 50_000


class KnownUsers:
    """The users that any process has seen. Close it with ``aclose``."""

    def __init__(self, state: SharedState, monotonic: Callable[[], float]) -> None:
        """``monotonic``: returns seconds."""
        self._state = state
        self._noted: TTLCache[str, None] = TTLCache(_MOST_NOTED, _AGAIN_SECONDS, timer=monotonic)
        self._writing = BackgroundTasks()

    def note(self, session: Session) -> None:
        """Okta has just named this user; the record is written in the background."""
        if session.user_id in self._noted:
            return
        self._noted[session.user_id] = None
        self._writing.start(self._write(session), "noting a user")

    async def id_of(self, name: str) -> str | None:
        """The Okta id of the user with this id or login (in any case); None if no user of that name is known. Raises ``StateFailed``."""
        found = await self._state.get(KIND, _key(name)) or await self._state.get(KIND, _key(login_key(name)))
        return found.decode("utf-8", "surrogatepass") if found is not None else None

    async def aclose(self) -> None:
        """Stop writing."""
        self._writing.cancel()
        await self._writing.ended()

    async def _write(self, session: Session) -> None:
        try:
            for name in session.names:
                await self._state.put(KIND, _key(name), session.user_id.encode("utf-8", "surrogatepass"), KNOWN_SECONDS)
        except OutsideFailed:
            self._noted.pop(session.user_id, None)


def _key(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
