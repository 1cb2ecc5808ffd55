"""Records of unproven closings in the shared state, so that a closing survives the process that began it.

This module owns the records, the choice of the process that continues each closing (``unfinished_work``), and the lease that lets only one
process try at a time. The records hold Okta's cookies, so they are sealed. A record is deleted when the end is proven, or after
``KEPT_SECONDS``, the longest life of a pass.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from gateway.coordination.leases import HeldLease, Leases
from gateway.coordination.sealed_records import SealedRecords
from gateway.coordination.unfinished_work import Take, UnfinishedWork
from gateway.policy.session.closing_record import ClosingRecord
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Fingerprint
from gateway.shared_state import SharedState

KIND = "closing"
KEPT_SECONDS = 12 * 3600.0
"""The longest life of a pass, in seconds."""


def closing_key(fingerprints: Iterable[Fingerprint]) -> bytes:
    """The key of the closing of these cookies: 16 bytes, the same for any order of the cookies."""
    return hashlib.blake2b(b"".join(sorted(fingerprints)), digest_size=16, person=b"closing").digest()


class KeptClosings:
    """The records of one gateway. Every call raises ``StateFailed`` if the shared state cannot be used."""

    def __init__(self, state: SharedState, sealer: Sealer) -> None:
        """The records survive a restart only if ``state`` does (SQLite, Redis)."""
        self._records = SealedRecords(state, sealer, KIND, KEPT_SECONDS)
        self._work = UnfinishedWork(state, KIND, KEPT_SECONDS)
        self._leases = Leases(state) if state.is_shared else None

    async def keep(self, key: bytes, record: ClosingRecord) -> None:
        """Write or replace the record. From now on this process is responsible for the closing."""
        await self._work.begin(key)
        await self._records.put(key, record.packed())

    async def is_mine(self, key: bytes) -> bool:
        """Whether this process is still responsible. False if another process has proven the end or has taken the closing over."""
        return await self._records.get(key) is not None and await self._work.is_mine(key)

    async def record(self, key: bytes) -> ClosingRecord | None:
        """The record. None if there is none any more, because the end is proven or ``KEPT_SECONDS`` are over."""
        payload = await self._records.get(key)
        return ClosingRecord.unpacked(payload) if payload is not None else None

    async def drop(self, key: bytes) -> None:
        """Delete the record, because the end is proven."""
        await self._records.delete(key)
        await self._work.end(key)

    @asynccontextmanager
    async def trying(self, key: bytes) -> AsyncIterator[HeldLease | None]:
        """Hold the lease for one try; None if the state is not shared. Raises ``LeaseTaken`` if another process is trying now."""
        if self._leases is None:
            yield None
            return
        async with self._leases.held((key,), 0.0) as held:
            yield held

    async def take_over(self, take: Take) -> None:
        """Take over every closing that has no living owner, and look for more of them from now on."""
        known = {key for key, _ in await self._records.entries()}
        await self._work.adopt(known)
        await self._work.look(take)
        self._work.start(take)

    async def aclose(self) -> None:
        """Leave the unproven closings to other processes."""
        await self._work.aclose()
        if self._leases is not None:
            await self._leases.aclose()
