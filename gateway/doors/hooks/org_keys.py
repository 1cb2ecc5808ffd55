"""The org's public keys, which check the tokens that Okta signs for its apps.

Owns fetching them: bounded, one request at a time, cached for an hour. A new key id causes another request at once, but at most one in a
minute, whatever clients send. Must never follow a redirect, nor cache an answer without a key. Rules from: Okta's `/oauth2/v1/keys`; RFC
7517.
"""

import asyncio
import json
from typing import Final
from urllib.parse import quote

from aiohttp import ClientSession
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.clock import Clock
from gateway.errors import Nonsense
from gateway.okta import body_of
from gateway.outbound import Destination, Timeouts, send_once
from gateway.policy.session.session import LARGEST_ANSWER_BYTES

KEPT_SECONDS: Final = 3600.0
LEAST_SECONDS: Final = 60.0
_FIELDS: Final = ((b"Accept", b"application/json"), (b"Accept-Encoding", b"identity"), (b"User-Agent", b"session-gateway"))


class OrgKeys:
    """The keys of each app that may call Universal Logout. An app may have keys of its own."""

    def __init__(self, client: ClientSession, destination: Destination, timeouts: Timeouts, clock: Clock) -> None:
        """``client`` comes from ``outbound.open_client``."""
        self._client = client
        self._destination = destination
        self._timeouts = timeouts
        self._monotonic = clock.monotonic
        self._keys: dict[str, KeySet] = {}
        self._asked_at: dict[str, float] = {}
        self._lock = asyncio.Lock()

    async def of(self, app: str, key_id: str) -> KeySet | None:
        """The app's keys, including the one with this id if the org has it; None if no keys were ever fetched.

        ``app``: from a bounded list. Raises ``OutsideFailed`` if the org must be asked and does not answer.
        """
        async with self._lock:
            kept, now = self._keys.get(app), self._monotonic()
            age = now - self._asked_at.get(app, float("-inf"))
            is_missing = kept is None or all(key.kid != key_id for key in kept.keys)
            if age >= KEPT_SECONDS or (is_missing and age >= LEAST_SECONDS):
                self._asked_at[app] = now
                kept = self._keys[app] = await self._fetched(app)
            return kept

    async def _fetched(self, app: str) -> KeySet:
        target = f"/oauth2/v1/keys?client_id={quote(app, safe='')}"
        response = await send_once(self._client, self._destination, ("GET", target, _FIELDS), self._timeouts.first_byte)
        body = await body_of(response, self._timeouts.idle)
        if response.status != 200 or len(body) > LARGEST_ANSWER_BYTES:
            raise Nonsense(f"keys answered with {response.status}")
        try:
            keys = KeySet.import_key_set(json.loads(body))
        except (JoseError, ValueError, TypeError, KeyError, RecursionError, AttributeError) as error:
            raise Nonsense("no key set") from error
        if not keys.keys:
            raise Nonsense("an empty key set")
        return keys
