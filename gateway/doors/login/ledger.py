"""The ledger of redemptions: which tokens were sent, by which browser, and where it went; which links were judged.

Owns the rule "a token that this gateway redeemed is never sent again". Holds fingerprints and addresses only, never a
token; bounded, and kept far longer than a token lives (5 minutes). Rules from: DESIGN section 4, "the same token twice".
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cachetools import TTLCache

from gateway.clock import Clock
from gateway.core.messages import Answer, RequestHead
from gateway.core.session import Fingerprint, Fingerprinter, SessionToken

REMEMBERED_SECONDS = 3600.0
UNDELIVERED_SECONDS = 30.0
"""After this the redeemer ends what nobody fetched; the memory outlasts it."""

MOST_UNDELIVERED = 1000
NEIGHBOUR_SECONDS = 5.0
MOST_BOUNCES = 3
LARGEST = 50_000


@dataclass(slots=True)
class Spent:
    """One redemption: ``owners`` are the fingerprints of the session cookies that it set, ``destination`` its Location."""

    owners: frozenset[Fingerprint] = frozenset()
    destination: str | None = None


class Ledger:
    """What was redeemed lately by this process."""

    def __init__(self, fingerprinter: Fingerprinter, clock: Clock) -> None:
        """``fingerprinter``: the org's; all lifetimes run on the monotonic clock."""
        self._fingerprinter = fingerprinter
        self._spent: TTLCache[Fingerprint, Spent] = TTLCache(LARGEST, REMEMBERED_SECONDS, timer=clock.monotonic)
        self._bounced: TTLCache[Fingerprint, bool] = TTLCache(LARGEST, REMEMBERED_SECONDS, timer=clock.monotonic)
        self._judged: TTLCache[Fingerprint, bool] = TTLCache(LARGEST, REMEMBERED_SECONDS, timer=clock.monotonic)
        self._undelivered: TTLCache[tuple[Fingerprint, bytes], Answer] = TTLCache(
            MOST_UNDELIVERED, 2 * UNDELIVERED_SECONDS, timer=clock.monotonic
        )
        self._behind: TTLCache[Fingerprint, tuple[int, ...]] = TTLCache(LARGEST, REMEMBERED_SECONDS, timer=clock.monotonic)
        self._begun = 0
        self._neighbours: TTLCache[bytes, int] = TTLCache(LARGEST, NEIGHBOUR_SECONDS, timer=clock.monotonic)

    def fingerprint(self, token: SessionToken) -> Fingerprint:
        """The fingerprint under which a token, or a reference to a pushed one, is remembered."""
        return self._fingerprinter.of_token(token)

    def spend(self, tokens: Iterable[Fingerprint]) -> Spent:
        """Write the tokens down as sent, before they are; returns the entry to complete when the answer is there."""
        entry = Spent()
        for token in tokens:
            self._spent[token] = entry
        return entry

    def note_neighbour(self, neighbour: bytes) -> None:
        """A client that looks so has got a session."""
        self._begun += 1
        self._neighbours[neighbour] = self._begun

    def unspend(self, tokens: Iterable[Fingerprint]) -> None:
        """Take the tokens out again: the request provably never left."""
        for token in tokens:
            self._spent.pop(token, None)

    def spent(self, tokens: Iterable[Fingerprint]) -> Spent | None:
        """The redemption that sent one of these tokens, if this process remembers one."""
        return next((entry for token in tokens if (entry := self._spent.get(token)) is not None), None)

    def bounce(self, tokens: Iterable[Fingerprint]) -> bool:
        """True the first time only: whether the browser may be sent back to its own URL to bring the cookies it has now."""
        keys = tuple(tokens)
        if not keys or any(key in self._bounced for key in keys):
            return False
        for key in keys:
            self._bounced[key] = True
        return True

    def bounce_behind(self, tokens: Iterable[Fingerprint], neighbour: bytes) -> bool:
        """The same for a browser without a cookie: True when a client that looks the same got a session since the last time.

        It may be another tab of the same browser; or somebody else behind the same address, so three times are enough.
        """
        keys, latest = tuple(tokens), self._neighbours.get(neighbour, 0)
        before = [self._behind.get(key, ()) for key in keys]
        if not keys or any(len(numbers) == MOST_BOUNCES or latest <= max(numbers, default=0) for numbers in before):
            return False
        for key, numbers in zip(keys, before, strict=True):
            self._behind[key] = (*numbers, latest)
        return True

    def keep_undelivered(self, tokens: Iterable[Fingerprint], neighbour: bytes, answer: Answer) -> None:
        """Keep the answer of a redemption whose client left before it arrived (the first half of a double click)."""
        for token in tokens:
            self._undelivered[token, neighbour] = answer

    def take_undelivered(self, tokens: Iterable[Fingerprint], neighbour: bytes) -> Answer | None:
        """That answer, once, for the same token from the same client."""
        found = None
        for token in tokens:
            found = self._undelivered.pop((token, neighbour), found)
        return found

    def judge_reference(self, request_uri: Fingerprint, may_hold_token: bool) -> None:
        """Remember of a pushed request whether it may still hold a token."""
        self._judged[request_uri] = may_hold_token

    def reference_may_hold_token(self, request_uri: Fingerprint) -> bool | None:
        """What is known of a pushed request; None where it was not pushed through this process."""
        return self._judged.get(request_uri)


def neighbour_of(head: RequestHead) -> bytes:
    """What two tabs of one browser have in common before they hold any cookie: address and User-Agent, hashed."""
    agent = b"\0".join(head.values(b"user-agent"))
    return hashlib.blake2b(head.client.encode() + b"\0" + agent, digest_size=16, person=b"neighbour").digest()
