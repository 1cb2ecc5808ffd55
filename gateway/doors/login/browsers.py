"""What the login host stores for each browser: its record, which names its last session.

Owns the records, by browser id, and the leases of the browsers (``browser_leases``). A browser is recognized by a cookie of the gateway,
never by address and User-Agent: all machines of a kiosk ward share those. Nothing here decides whose a session is; ``new_sessions`` and
``redeemer`` do, and store what they found.
"""

from gateway.coordination.browser_leases import BrowserLeases
from gateway.coordination.sealed_records import SealedRecords
from gateway.doors.login.login_browser import LoginBrowser
from gateway.policy.session.browser_id import browser_key
from gateway.policy.session.browser_record import BrowserRecord, RecordState
from gateway.policy.session.seal import Sealer
from gateway.shared_state import SharedState

REMEMBERED_SECONDS = 12 * 3600.0
"""As long as a pass can live: after that, no cookie of the record admits anybody."""

KIND = "browser"
_NO_RECORD = BrowserRecord()


class Browsers:
    """The records of all browsers. A browser with an empty id has no record, and gets none."""

    def __init__(self, state: SharedState, sealer: Sealer) -> None:
        """``state``: on disk, it outlives this process; if processes share it, they share the leases too."""
        self._records = SealedRecords(state, sealer, KIND, REMEMBERED_SECONDS)
        self.leases = BrowserLeases(state)

    async def record(self, browser_id: str) -> BrowserRecord:
        """The record of this browser; an empty one if there is none. Raises ``StateFailed``."""
        return await self.record_at(browser_key(browser_id)) if browser_id else _NO_RECORD

    async def record_of(self, sender: LoginBrowser) -> BrowserRecord:
        """The sender's record. A new id has no record, so the state is not asked. Raises ``StateFailed``."""
        return _NO_RECORD if sender.fresh else await self.record(sender.browser_id)

    async def keep(self, browser_id: str, record: BrowserRecord) -> None:
        """Store the record. Raises ``StateFailed``, and ``LeaseLost`` if another process holds the browser's lease by now."""
        if browser_id:
            await self.keep_at(browser_key(browser_id), record)

    async def record_at(self, key: bytes) -> BrowserRecord:
        """The record of the browser with this key (``browser_key``). Raises ``StateFailed``."""
        payload = await self._records.get(key)
        return (BrowserRecord.unpacked(payload) if payload is not None else None) or _NO_RECORD

    async def keep_at(self, key: bytes, record: BrowserRecord) -> None:
        """Store the record under this key. Raises ``StateFailed`` and ``LeaseLost``, like ``keep``."""
        held = self.leases.lease_of(key)
        await self._records.put(key, record.packed(), held.lease if held is not None else None)

    async def aclose(self) -> None:
        """Wait until every lease is released."""
        await self.leases.aclose()

    async def unsettled(self) -> list[tuple[bytes, BrowserRecord]]:
        """Key and record of every browser for whose session Okta has not named a user yet. Raises ``StateFailed``."""
        return [(key, record) for key, record in await self._all() if record.state is RecordState.UNDECIDED]

    async def of_user(self, user_id: str) -> list[BrowserRecord]:
        """Every record that names this user, now or for the session before. Raises ``StateFailed``."""
        return [record for _, record in await self._all() if user_id in (record.user_id, record.before_user_id)]

    async def _all(self) -> list[tuple[bytes, BrowserRecord]]:
        found = ((key, BrowserRecord.unpacked(payload)) for key, payload in await self._records.entries())
        return [(key, record) for key, record in found if record is not None]
