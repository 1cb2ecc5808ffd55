"""What the login host remembers of each browser: the session it was given last, and its turn.

Owns the records by browser id. "The same browser" is a cookie of ours, never an address and a User-Agent: a ward of kiosks shares
those. Nothing here decides who a session is; ``new_sessions`` and ``redeeming`` do, and write down what they found.
"""

from gateway.doors.login.browser_leases import BrowserLeases
from gateway.doors.login.sender import LoginBrowser
from gateway.leases import Leases
from gateway.policy.session.browser_id import browser_key
from gateway.policy.session.browser_record import BrowserRecord, SessionStanding
from gateway.policy.session.seal import Sealer
from gateway.sealed_records import SealedRecords
from gateway.shared_state import SharedState
from gateway.unfinished import Unfinished

REMEMBERED_SECONDS = 12 * 3600.0
"""As long as a pass can live: after that no cookie of the record lets anybody in."""

KIND = "browser"
_NO_RECORD = BrowserRecord()


class Browsers:
    """The records of all browsers. An empty browser id has no record, and keeps none."""

    def __init__(self, state: SharedState, sealer: Sealer) -> None:
        """``state`` outlives this process where it is on disk; where others use it too, turns are taken among all of them."""
        self._records = SealedRecords(state, sealer, KIND, REMEMBERED_SECONDS)
        self._leases = Leases(state) if state.is_shared else None
        self.turns = BrowserLeases(self._leases)
        self.undecided = Unfinished(state, "undecided", REMEMBERED_SECONDS)

    async def record(self, browser_id: str) -> BrowserRecord:
        """What is remembered of this browser. Raises ``StateFailed``."""
        return await self.record_at(browser_key(browser_id)) if browser_id else _NO_RECORD

    async def record_of(self, sender: LoginBrowser) -> BrowserRecord:
        """What is remembered of the sender. Of a new id nothing is, so nobody is asked. Raises ``StateFailed``."""
        return _NO_RECORD if sender.fresh else await self.record(sender.browser_id)

    async def keep(self, browser_id: str, record: BrowserRecord) -> None:
        """Remember it. Raises ``StateFailed``, and ``LeaseLost`` where the browser's turn is another process's by now."""
        if browser_id:
            await self.keep_at(browser_key(browser_id), record)

    async def record_at(self, key: bytes) -> BrowserRecord:
        """The record of the browser with this key (``browser_key``). Raises ``StateFailed``."""
        payload = await self._records.get(key)
        return (BrowserRecord.unpacked(payload) if payload is not None else None) or _NO_RECORD

    async def keep_at(self, key: bytes, record: BrowserRecord) -> None:
        """Remember it under this key. Raises ``StateFailed``, and ``LeaseLost`` as ``keep``."""
        held = self.turns.lease_of(key)
        await self._records.put(key, record.packed(), held.lease if held is not None else None)

    async def aclose(self) -> None:
        """Wait until every turn is given back; what is undecided is left to other processes."""
        await self.undecided.aclose()
        if self._leases is not None:
            await self._leases.aclose()

    async def unsettled(self) -> list[tuple[bytes, BrowserRecord]]:
        """Every key and record of a browser whose session Okta has not named yet. Raises ``StateFailed``."""
        return [(key, record) for key, record in await self._all() if record.standing is SessionStanding.UNDECIDED]

    async def of_user(self, user_id: str) -> list[BrowserRecord]:
        """Every record of this user's. Raises ``StateFailed``."""
        return [record for _, record in await self._all() if user_id in (record.user_id, record.before_user_id)]

    async def _all(self) -> list[tuple[bytes, BrowserRecord]]:
        found = ((key, BrowserRecord.unpacked(payload)) for key, payload in await self._records.entries())
        return [(key, record) for key, record in found if record is not None]
