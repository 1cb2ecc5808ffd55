"""The Redis engine: the shared state of all replicas, in Redis or Valkey.

This module maps each call to a Lua script, and keeps the revocations that could not be written. All times are the server's. It must never
wait longer than the configured deadline. If the server has just not answered, it must not ask it again; ``redis_reader`` finds out when the
server is back.
"""

import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from gateway.clock import Clock
from gateway.errors import LeaseLost, StateFailed
from gateway.observe import Tell
from gateway.revocations import Remembered, Report, Revocation
from gateway.shared_state.interface import DEFAULT_BOUNDS, REVOCATION_BOUNDS, Bounds, Lease, OnRevocation
from gateway.shared_state.published import FORGOTTEN_PART, KINDS
from gateway.shared_state.redis_address import RedisAddress
from gateway.shared_state.redis_keys import FORGOTTEN_BYTES, FORGOTTEN_KEY, Keys, arguments_of, milliseconds
from gateway.shared_state.redis_reader import RedisReader
from gateway.shared_state.redis_scripts import (
    ALL,
    CLAIM,
    DELETE,
    GET,
    LEASE,
    LEASE_LOST,
    PUBLISH,
    PUT,
    RELEASE,
    RENEW,
    REPORT,
    TAKE,
    Script,
)
from gateway.shared_state.redis_server import RedisServer

MOST_UNWRITTEN = 10_000


class RedisState:
    """The state under one prefix of one Redis. Make it in the process that uses it; close it with ``aclose``."""

    is_shared = True
    hearing_seconds = 0.05  # Redis sends news at once: this is for the network, and for a process that is busy just then

    def __init__(self, address: RedisAddress, clock: Clock, tell: Tell, bounds: Mapping[str, Bounds] | None = None) -> None:
        """It connects at the first call. ``bounds``: by kind, if they differ from the default."""
        self._server = RedisServer(address, clock.monotonic)
        self._keys = Keys(address.prefix)
        self._bounds = {**dict.fromkeys(KINDS, REVOCATION_BOUNDS), **(bounds or {})}
        self._monotonic = clock.monotonic
        self._writer = secrets.token_hex(8).encode()
        self._reader = RedisReader(address, self._keys, self._writer, clock.monotonic, tell, self._is_away)
        self._heard: OnRevocation | None = None
        self.forgotten = 0

    @property
    def epoch(self) -> str:
        """The name of this state; known after ``follow``."""
        return self._reader.epoch

    @property
    def ready(self) -> bool:
        """Whether this process has received all that others published, and all that it published itself is written."""
        return self._reader.is_up_to_date and not self._is_away() and not self._reader.unwritten

    @property
    def problem(self) -> str:
        """The text of the last failure; empty if it is ready."""
        return "" if self.ready else self._reader.problem or self._server.failed_because

    async def follow(self, heard: OnRevocation) -> None:
        """Call ``heard`` with every stored revocation, oldest first; from then on a task calls it with those that others publish."""
        self._heard = heard
        await self._reader.follow(heard, self._publish_again)
        self._server.away_since = None

    def poll(self) -> None:
        """It does nothing, because the reader's task receives revocations by itself."""

    async def publish(self, revocation: Revocation) -> None:
        """Store the revocation. The others receive it within milliseconds, or when they reach the server again."""
        self._reader.remember(revocation)
        given = arguments_of(revocation, 0.0, self._bounds)
        try:
            await self._publish(given, "")
        except StateFailed:
            self._write_later(revocation)
            raise

    async def report(self, report: Report) -> bool:
        """Store the report in one step; False if any replica has done so before."""
        for revocation in report.revocations:
            self._reader.remember(revocation)
        parts = [each for revocation in report.revocations for each in arguments_of(revocation, 0.0, self._bounds)]
        most, keys = self._of(report.kind), (*self._keys.log, *self._keys.of_kind(report.kind))
        claim = (report.key, milliseconds(report.seconds), most.entries, most.bytes)
        marks: tuple[bytes | int, ...] = (milliseconds(report.mark_seconds), len(report.marks), *report.marks)
        try:
            answer = await self._call(REPORT, keys, *self._about(""), *claim, *marks, *parts)
        except StateFailed:
            self._write_later(*report.revocations)
            raise
        return self._took(*answer)

    async def lease(self, keys: Iterable[bytes], owner: bytes, seconds: float) -> Lease | None:
        """A lease of all these keys, or None while another owner holds one of them."""
        names = tuple(sorted(set(keys)))
        if not names:
            raise ValueError("a lease without a key")
        most = self._of("lease").entries
        answer = await self._call(LEASE, self._keys.leases, owner, milliseconds(seconds), most, *names)
        if answer == b"full":
            raise StateFailed(f"{self._server.address}: there are as many leases as there may be")
        if not answer:
            return None
        lease = Lease(names, owner, int(answer))
        try:
            # The new holder must know what the earlier holder published, even if the reader's task is behind.
            if self._reader.runs:
                await self._reader.hear_now(self._server)
        except BaseException:
            with suppress(StateFailed):
                await self.release(lease)
            raise
        return lease

    async def renew(self, lease: Lease, seconds: float) -> bool:
        """Set the end of the lease to ``seconds`` from now; False if it was lost."""
        return bool(await self._call(RENEW, self._keys.leases, lease.number, milliseconds(seconds), *lease.keys))

    async def release(self, lease: Lease) -> None:
        """End the lease."""
        await self._call(RELEASE, self._keys.leases, lease.number, *lease.keys)

    async def claim(self, kind: str, key: bytes, seconds: float) -> bool:
        """True for the first caller of all replicas; False for others until ``seconds`` after that."""
        most = self._of(kind)
        gone = await self._call(CLAIM, self._keys.of_kind(kind), key, milliseconds(seconds), most.entries, most.bytes)
        self.forgotten += max(0, gone)
        return bool(gone >= 0)

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float, *, under: Lease | None = None) -> None:
        """Store the value for ``seconds``."""
        most, size = self._of(kind), len(key) + len(value)
        if size > most.bytes:
            raise StateFailed(f"an entry of {size} bytes is larger than all of {kind} together may be")
        given = (key, value, milliseconds(seconds), most.entries, most.bytes)
        self.forgotten += await self._change(PUT, kind, given, under)

    async def get(self, kind: str, key: bytes) -> bytes | None:
        """The value, or None."""
        found: bytes | None = await self._call(GET, self._keys.of_kind(kind), key)
        return found

    async def take(self, kind: str, key: bytes) -> bytes | None:
        """Read and delete the value in one step; None if there is none."""
        found: bytes | None = await self._call(TAKE, self._keys.of_kind(kind), key)
        return found

    async def delete(self, kind: str, key: bytes, *, under: Lease | None = None) -> None:
        """Delete the entry."""
        await self._change(DELETE, kind, (key,), under)

    async def entries(self, kind: str) -> list[tuple[bytes, bytes]]:
        """All keys with their values, oldest first."""
        found = iter(await self._call(ALL, self._keys.of_kind(kind)))
        return list(zip(found, found, strict=True))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._reader.aclose()
        await self._server.aclose()

    async def _change(self, script: Script, kind: str, given: tuple[bytes | int, ...], under: Lease | None) -> int:
        keys = self._keys.of_kind(kind)
        if under is not None:
            keys, given = keys + self._keys.leases[:2], (*given, under.number, *under.keys)
        answer = int(await self._call(script, keys, *given))
        if answer == LEASE_LOST:
            raise LeaseLost("the lease had ended before the change")
        return answer

    async def _call(self, script: Script, keys: tuple[bytes, ...], *given: bytes | int | str) -> Any:
        if self._is_away():
            raise StateFailed(self._server.failed_because)
        return await self._server.call(script, keys, *given)

    async def _publish(self, given: list[bytes | int], where: str) -> None:
        if not given:
            return
        self._took(*await self._call(PUBLISH, self._keys.log, *self._about(where), *given))

    def _about(self, where: str) -> tuple[bytes | str, ...]:
        return secrets.token_hex(8), self._writer, where, FORGOTTEN_KEY, FORGOTTEN_BYTES

    def _took(self, pushed_out: int, youngest_gone: bytes) -> bool:
        """Whether the server stored what it was given. Entries that were dropped for it are counted and reported."""
        self.forgotten += max(0, pushed_out)
        if int(youngest_gone) >= 0 and self._heard is not None:
            self._heard(Remembered(FORGOTTEN_PART.revocation, int(youngest_gone) / 1000))
        return pushed_out >= 0

    def _write_later(self, *revocations: Revocation) -> None:
        unwritten = self._reader.unwritten
        unwritten.update(dict.fromkeys(revocations, self._monotonic()))
        while len(unwritten) > MOST_UNWRITTEN:
            del unwritten[next(iter(unwritten))]

    async def _publish_again(self, revocation: Revocation, age_seconds: float) -> None:
        await self._publish(arguments_of(revocation, age_seconds, self._bounds), "if absent")

    def _is_away(self) -> bool:
        """Whether a call was not answered and the reader has not reached the server since. Another call would only wait in vain."""
        since = self._server.away_since
        return since is not None and self._reader.runs and self._reader.looked_at <= since

    def _of(self, kind: str) -> Bounds:
        return self._bounds.get(kind, DEFAULT_BOUNDS)
