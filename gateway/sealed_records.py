"""Short records in the shared state, sealed.

Owns the seal around one kind of record: what is kept holds Okta's cookies and addresses, and may lie on a disk or in another
server. A record is bound to its kind and its key, so that none can be put in another's place. A record that does not open, because
the seal key changed, is absent.
"""

from gateway.policy.session.seal import Sealer
from gateway.shared_state import Lease, SharedState


class SealedRecords:
    """The records of one kind; each is kept for ``seconds`` after it was last written."""

    def __init__(self, state: SharedState, sealer: Sealer, kind: str, seconds: float) -> None:
        """``kind``: the name of these records in ``state``."""
        self._state = state
        self._sealer = sealer
        self._kind = kind
        self._seconds = seconds

    async def put(self, key: bytes, payload: bytes, under: Lease | None = None) -> None:
        """Keep the record in place of the one before. Raises ``StateFailed``, and ``LeaseLost`` where ``under`` is held no more."""
        sealed = self._sealer.seal("record", self._bound(key), payload)
        await self._state.put(self._kind, key, sealed.encode("ascii"), self._seconds, under=under)

    async def get(self, key: bytes) -> bytes | None:
        """The record; None where there is none. Raises ``StateFailed``."""
        return self._opened(key, await self._state.get(self._kind, key))

    async def take(self, key: bytes) -> bytes | None:
        """The record, for one caller only. Raises ``StateFailed``."""
        return self._opened(key, await self._state.take(self._kind, key))

    async def delete(self, key: bytes) -> None:
        """Make the record absent. Raises ``StateFailed``."""
        await self._state.delete(self._kind, key)

    async def entries(self) -> list[tuple[bytes, bytes]]:
        """Every key with its record, oldest first. Raises ``StateFailed``."""
        found = ((key, self._opened(key, sealed)) for key, sealed in await self._state.entries(self._kind))
        return [(key, payload) for key, payload in found if payload is not None]

    def _opened(self, key: bytes, sealed: bytes | None) -> bytes | None:
        opened = self._sealer.open("record", self._bound(key), sealed) if sealed is not None else None
        return opened.payload if opened is not None else None

    def _bound(self, key: bytes) -> str:
        return f"{self._kind}:{key.hex()}"
