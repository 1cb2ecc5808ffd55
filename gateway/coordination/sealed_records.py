"""Sealed records in the shared state.

The records hold Okta's cookies and addresses, and the shared state may be a file or another server. So each record is encrypted
(``policy.session.seal``). The seal is bound to the kind and the key of the record, so a record that is copied to another key does not open.
A record that does not open, for example after a change of the seal key, counts as absent.
"""

from gateway.policy.session.seal import Sealer
from gateway.shared_state import Lease, SharedState


class SealedRecords:
    """The records of one kind. Each is kept for ``seconds`` after its last write."""

    def __init__(self, state: SharedState, sealer: Sealer, kind: str, seconds: float) -> None:
        """``kind``: the name of these records in ``state``."""
        self._state = state
        self._sealer = sealer
        self._kind = kind
        self._seconds = seconds

    async def put(self, key: bytes, payload: bytes, under: Lease | None = None) -> None:
        """Write or replace the record. Raises ``StateFailed``; raises ``LeaseLost`` if the lease ``under`` is no longer held."""
        sealed = self._sealer.seal("record", self._bound(key), payload)
        await self._state.put(self._kind, key, sealed.encode("ascii"), self._seconds, under=under)

    async def get(self, key: bytes) -> bytes | None:
        """The record, or None if there is none. Raises ``StateFailed``."""
        return self._opened(key, await self._state.get(self._kind, key))

    async def take(self, key: bytes) -> bytes | None:
        """Read and delete the record in one step, so that only one caller gets it; None if there is none. Raises ``StateFailed``."""
        return self._opened(key, await self._state.take(self._kind, key))

    async def delete(self, key: bytes) -> None:
        """Delete the record. Raises ``StateFailed``."""
        await self._state.delete(self._kind, key)

    async def entries(self) -> list[tuple[bytes, bytes]]:
        """All keys with their records, oldest first. Raises ``StateFailed``."""
        found = ((key, self._opened(key, sealed)) for key, sealed in await self._state.entries(self._kind))
        return [(key, payload) for key, payload in found if payload is not None]

    def _opened(self, key: bytes, sealed: bytes | None) -> bytes | None:
        opened = self._sealer.open("record", self._bound(key), sealed) if sealed is not None else None
        return opened.payload if opened is not None else None

    def _bound(self, key: bytes) -> str:
        return f"{self._kind}:{key.hex()}"
