"""The ledger of redemptions: which tokens were sent to Okta, which sessions they began, and where Okta's answers led.

Owns the rule "a token that this gateway redeemed is never sent again". Stores fingerprints and addresses, never a token. It is bounded,
and its entries live far longer than a token (five minutes). It is in the shared state; if that is on disk, it outlives the process.

A client without a browser id is recognized for a few seconds by its signature: address and User-Agent (``LoginBrowser.signature``). So
two clients with the same signature may be two people.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.coordination.sealed_records import SealedRecords
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Fingerprint, Fingerprinter, SessionToken
from gateway.shared_state import SharedState

REMEMBERED_SECONDS = 3600.0
BY_SERVER = "server:"
"""Stands in a record in place of an address. An older release, which does not know this value, never redirects to it."""

CLAIMED = "sent-token"
KNOWN_CLIENT, BOUNCED_CLIENT = "neighbour", "bounced-behind"
KNOWN_CLIENT_SECONDS = 5.0
NUMBER_BYTES = 8
MOST_BOUNCES = 3


@dataclass(frozen=True, slots=True)
class Spent:
    """One redemption: ``fingerprints`` are the fingerprints of the session cookies that it set; ``destination`` its ``Location``, or empty.

    ``by_server``: a program sent it to ``POST /api/v1/sessions``, for a session that no browser has.
    """

    fingerprints: frozenset[Fingerprint] = frozenset()
    destination: str = ""
    by_server: bool = False


class TokenLedger:
    """The redemptions of the last hour. Every call that waits raises ``StateFailed``."""

    def __init__(self, state: SharedState, sealer: Sealer, fingerprinter: Fingerprinter) -> None:
        """``fingerprinter``: the one for this org."""
        self._state = state
        self._fingerprinter = fingerprinter
        self._spent = SealedRecords(state, sealer, "spent-token", REMEMBERED_SECONDS)

    def fingerprint(self, token: SessionToken) -> Fingerprint:
        """The fingerprint under which a token, or a reference that may stand for one, is stored."""
        return self._fingerprinter.of_token(token)

    async def claim(self, tokens: Iterable[Fingerprint]) -> bool:
        """True if the caller may send these tokens; from then on no other caller may, in any process. They are stored as sent."""
        won: list[Fingerprint] = []
        for token in tokens:
            if not await self._state.claim(CLAIMED, token, REMEMBERED_SECONDS):
                await self.unspend(won)
                return False
            won.append(token)
        await self.spend(won)
        return True

    async def spend(self, tokens: Iterable[Fingerprint], spent: Spent | None = None) -> None:
        """Store the result for tokens that were sent."""
        entry = spent or Spent()
        destination = BY_SERVER if entry.by_server else entry.destination
        payload = json.dumps([sorted(fingerprint.hex() for fingerprint in entry.fingerprints), destination]).encode("ascii")
        for token in tokens:
            await self._spent.put(token, payload)

    async def unspend(self, tokens: Iterable[Fingerprint]) -> None:
        """Remove the tokens: the request provably never left, or Okta refused to look at it."""
        for token in tokens:
            await self._spent.delete(token)
            await self._state.delete(CLAIMED, token)

    async def spent(self, tokens: Iterable[Fingerprint]) -> Spent | None:
        """The redemption that sent one of these tokens, if one is stored."""
        for token in tokens:
            payload = await self._spent.get(token)
            if payload is not None:
                fingerprints, destination = json.loads(payload)
                known = frozenset(Fingerprint(bytes.fromhex(fingerprint)) for fingerprint in fingerprints)
                return Spent(known, by_server=True) if destination == BY_SERVER else Spent(known, destination)
        return None

    async def bounce(self, tokens: Iterable[Fingerprint]) -> bool:
        """True for the first call only: the browser may then be sent back to its own URL, to come with the cookies that it has now."""
        firsts = [await self._state.claim("bounce", token, REMEMBERED_SECONDS) for token in tokens]
        return bool(firsts) and all(firsts)

    async def note_client(self, client_signature: bytes) -> None:
        """A client with this signature got a session. It has no browser id, so for a few seconds it is recognized by its signature."""
        await self._state.put(KNOWN_CLIENT, client_signature, secrets.token_bytes(NUMBER_BYTES), KNOWN_CLIENT_SECONDS)

    async def bounce_for_client(self, tokens: Iterable[Fingerprint], client_signature: bytes) -> bool:
        """Like ``bounce``, for a browser without any cookie: True if a client with the same signature got a session since the last call.

        That client may be another tab of the same browser. It may also be another person behind the same address, so at most three times.
        """
        keys, latest = tuple(tokens), await self._state.get(KNOWN_CLIENT, client_signature)
        if not keys or latest is None:
            return False
        before = [await self._state.get(BOUNCED_CLIENT, key) or b"" for key in keys]
        if any(len(numbers) >= MOST_BOUNCES * NUMBER_BYTES or numbers.endswith(latest) for numbers in before):
            return False
        for key, numbers in zip(keys, before, strict=True):
            await self._state.put(BOUNCED_CLIENT, key, numbers + latest, REMEMBERED_SECONDS)
        return True
