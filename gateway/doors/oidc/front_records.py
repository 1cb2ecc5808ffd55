"""The stored records of front-channel switches (``front_switch``): the switch, its token, and each browser's last redemption.

Owns the only place where a token is stored: sealed, under a hash of its reference. It is stored once and taken once. Must never store a
reference, nor give out a token twice.
"""

import hashlib
import secrets

from gateway.coordination.sealed_records import SealedRecords
from gateway.policy.session.seal import Sealer
from gateway.policy.switch.front_switch import CHECK_SECONDS, FLIGHT_SECONDS, START_SECONDS, FrontSwitch, Last
from gateway.shared_state import SharedState

REFERENCE_BYTES = 24


class FrontRecords:
    """The switches of the last minutes."""

    def __init__(self, state: SharedState, sealer: Sealer) -> None:
        """``state``: shared, because the next step may come after a restart, or at another replica."""
        self._switches = SealedRecords(state, sealer, "front-switch", START_SECONDS + CHECK_SECONDS)
        self._tokens = SealedRecords(state, sealer, "front-token", START_SECONDS)
        self._last = SealedRecords(state, sealer, "front-last", START_SECONDS + CHECK_SECONDS)
        self._flights = SealedRecords(state, sealer, "front-flight", FLIGHT_SECONDS)

    async def begin(self, switch: FrontSwitch, token: str) -> str:
        """Store a new switch and its token. Returns its reference. Raises ``StateFailed``."""
        reference = secrets.token_urlsafe(REFERENCE_BYTES)
        await self._tokens.put(key_of(reference), token.encode("ascii"))
        await self.keep(reference, switch)
        return reference

    async def get(self, reference: str) -> FrontSwitch | None:
        """The switch. Raises ``StateFailed``."""
        return FrontSwitch.unpacked(await self._switches.get(key_of(reference)) or b"")

    async def keep(self, reference: str, switch: FrontSwitch) -> None:
        """Store the switch in place of its former version. Raises ``StateFailed``."""
        await self._switches.put(key_of(reference), switch.packed())

    async def take_token(self, reference: str) -> str | None:
        """The token, for the first caller only. Raises ``StateFailed``."""
        taken = await self._tokens.take(key_of(reference))
        return taken.decode("ascii") if taken is not None else None

    async def last_of(self, browser: bytes) -> Last:
        """This browser's last redemption. Raises ``StateFailed``."""
        name = (await self._last.get(browser) or b"").decode("ascii")
        return Last(name, await self._flights.get(browser) is not None)

    async def redeems(self, browser: bytes, reference: str) -> None:
        """The browser is about to redeem the token of this switch. Raises ``StateFailed``."""
        await self._last.put(browser, secrets.token_urlsafe(9).encode("ascii"))
        await self._flights.put(browser, key_of(reference))

    async def has_returned(self, browser: bytes, reference: str) -> None:
        """The browser came back from the org with this switch: its token is not on its way any more. Raises ``StateFailed``."""
        if await self._flights.get(browser) == key_of(reference):
            await self._flights.delete(browser)


def key_of(reference: str) -> bytes:
    """The key under which a switch is stored."""
    return hashlib.blake2b(reference.encode("utf-8", "surrogatepass"), digest_size=16, person=b"front reference").digest()
