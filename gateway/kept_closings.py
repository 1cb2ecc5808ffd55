"""Closings that are not proven yet, in the shared state: they outlive the process that began them.

Owns the records, who goes on with which of them (``unfinished``), and the lease under which one process at a time tries. The records hold
Okta's cookies, so they are sealed. A record is deleted when the end is proven; else it ends with the longest life of a pass.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from gateway.leases import HeldLease, Leases
from gateway.policy.session.closing_record import ClosingRecord
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Fingerprint
from gateway.sealed_records import SealedRecords
from gateway.shared_state import SharedState
from gateway.unfinished import Take, Unfinished

KIND = "closing"
KEPT_SECONDS = 12 * 3600.0
"""As long as a pass can live."""


def closing_key(fingerprints: Iterable[Fingerprint]) -> bytes:
    """The key of the closing of these cookies, in whichever order they come."""
    return hashlib.blake2b(b"".join(sorted(fingerprints)), digest_size=16, person=b"closing").digest()


class KeptClosings:
    """The records of one gateway. Every call raises ``StateFailed`` where the state cannot be used."""

    def __init__(self, state: SharedState, sealer: Sealer) -> None:
        """``state`` outlives this process where it is on disk."""
        self._records = SealedRecords(state, sealer, KIND, KEPT_SECONDS)
        self._work = Unfinished(state, KIND, KEPT_SECONDS)
        self._leases = Leases(state) if state.is_shared else None

    async def keep(self, key: bytes, record: ClosingRecord) -> None:
        """Write the record, in place of the one before: this process sees to its closing from now on."""
        await self._work.begin(key)
        await self._records.put(key, record.packed())

    async def is_mine(self, key: bytes) -> bool:
        """Whether this process still has to prove the end; another one may have proven it, or have taken it over."""
        return await self._records.get(key) is not None and await self._work.is_mine(key)

    async def record(self, key: bytes) -> ClosingRecord | None:
        """The record; None where the end is proven."""
        payload = await self._records.get(key)
        return ClosingRecord.unpacked(payload) if payload is not None else None

    async def drop(self, key: bytes) -> None:
        """The end is proven."""
        await self._records.delete(key)
        await self._work.end(key)

    @asynccontextmanager
    async def trying(self, key: bytes) -> AsyncIterator[HeldLease | None]:
        """The lease under which this process tries; None where no other one can. ``TurnTaken`` where another one is at it."""
        if self._leases is None:
            yield None
            return
        async with self._leases.held((key,), 0.0) as held:
            yield held

    async def take_over(self, take: Take) -> None:
        """Go on with every closing that is nobody's by now, and look for more of them from now on."""
        known = {key for key, _ in await self._records.entries()}
        await self._work.adopt(known)
        await self._work.look(take)
        self._work.start(take)

    async def aclose(self) -> None:
        """Leave what is not proven to others."""
        await self._work.aclose()
        if self._leases is not None:
            await self._leases.aclose()
