"""Closings that are not proven yet, in the shared state: they outlive the process that began them.

Owns the records, and the turn by which only one process at a time tries a closing. The records hold Okta's cookies, so they are sealed.
A record is deleted when the end is proven; else it ends with the longest life of a pass.
"""

import hashlib
from collections.abc import Iterable

from gateway.core.seal import Sealer
from gateway.core.session import Fingerprint
from gateway.policy.session.closing_record import ClosingRecord
from gateway.sealed_records import SealedRecords
from gateway.shared_state import SharedState

KIND, TURN = "closing", "closing.turn"
KEPT_SECONDS = 12 * 3600.0
"""As long as a pass can live."""
TURN_SECONDS = 60.0
"""Longer than one try takes. The turn of a process that died in the middle ends by itself."""


def closing_key(fingerprints: Iterable[Fingerprint]) -> bytes:
    """The key of the closing of these cookies, in whichever order they come."""
    return hashlib.blake2b(b"".join(sorted(fingerprints)), digest_size=16, person=b"closing").digest()


class KeptClosings:
    """The records of one gateway. Every call raises ``StateFailed`` where the state cannot be used."""

    def __init__(self, state: SharedState, sealer: Sealer) -> None:
        """``state`` outlives this process where it is on disk."""
        self._state = state
        self._records = SealedRecords(state, sealer, KIND, KEPT_SECONDS)

    async def keep(self, key: bytes, record: ClosingRecord) -> None:
        """Write the record, in place of the one before."""
        await self._records.put(key, record.packed())

    async def is_kept(self, key: bytes) -> bool:
        """Whether the end is still to be proven; another process may have proven it meanwhile."""
        return await self._records.get(key) is not None

    async def drop(self, key: bytes) -> None:
        """The end is proven."""
        await self._records.delete(key)

    async def begin_try(self, key: bytes) -> bool:
        """Whether this process may try now: no other one does."""
        return await self._state.claim(TURN, key, TURN_SECONDS)

    async def end_try(self, key: bytes) -> None:
        """The try is over; any process may try next."""
        await self._state.delete(TURN, key)

    async def all(self) -> list[ClosingRecord]:
        """Every closing that is not proven, oldest first."""
        found = (ClosingRecord.unpacked(payload) for _, payload in await self._records.entries())
        return [record for record in found if record is not None]
