"""Owns a shared state of a real engine that writes down what it is asked. Checks nothing by itself."""

from collections.abc import Iterable
from pathlib import Path

from gateway.revocations import Report, Revocation
from gateway.shared_state import Lease, SharedState
from gateway.shared_state.interface import OnRevocation
from tests.shared_state.engines import Engine, StateClock, made

Calls = list[tuple[str, str]]
"""The name of each call that waits, and the kind of what it is about; a lease, the end of one and a revocation have no kind."""


class CountedState:
    """As the state behind it. ``calls``: what it was asked since somebody cleared that."""

    def __init__(self, state: SharedState, calls: Calls) -> None:
        self._state = state
        self.calls = calls

    @property
    def epoch(self) -> str:
        return self._state.epoch

    @property
    def forgotten(self) -> int:
        return self._state.forgotten

    @property
    def is_shared(self) -> bool:
        return self._state.is_shared

    @property
    def hearing_seconds(self) -> float:
        return self._state.hearing_seconds

    @property
    def ready(self) -> bool:
        return self._state.ready

    @property
    def problem(self) -> str:
        return self._state.problem

    async def follow(self, heard: OnRevocation) -> None:
        await self._state.follow(heard)

    def poll(self) -> None:
        self._state.poll()

    async def publish(self, revocation: Revocation) -> None:
        self.calls.append(("publish", ""))
        await self._state.publish(revocation)

    async def report(self, report: Report) -> bool:
        self.calls.append(("report", ""))
        return await self._state.report(report)

    async def lease(self, keys: Iterable[bytes], owner: bytes, seconds: float) -> Lease | None:
        self.calls.append(("lease", ""))
        return await self._state.lease(keys, owner, seconds)

    async def renew(self, lease: Lease, seconds: float) -> bool:
        self.calls.append(("renew", ""))
        return await self._state.renew(lease, seconds)

    async def release(self, lease: Lease) -> None:
        self.calls.append(("release", ""))
        await self._state.release(lease)

    async def claim(self, kind: str, key: bytes, seconds: float) -> bool:
        self.calls.append(("claim", kind))
        return await self._state.claim(kind, key, seconds)

    async def put(self, kind: str, key: bytes, value: bytes, seconds: float, *, under: Lease | None = None) -> None:
        self.calls.append(("put", kind))
        await self._state.put(kind, key, value, seconds, under=under)

    async def get(self, kind: str, key: bytes) -> bytes | None:
        self.calls.append(("get", kind))
        return await self._state.get(kind, key)

    async def take(self, kind: str, key: bytes) -> bytes | None:
        self.calls.append(("take", kind))
        return await self._state.take(kind, key)

    async def delete(self, kind: str, key: bytes, *, under: Lease | None = None) -> None:
        self.calls.append(("delete", kind))
        await self._state.delete(kind, key, under=under)

    async def entries(self, kind: str) -> list[tuple[bytes, bytes]]:
        """What looks for unfinished work again and again belongs to no request."""
        if not kind.endswith(".work"):
            self.calls.append(("entries", kind))
        return await self._state.entries(kind)

    async def aclose(self) -> None:
        await self._state.aclose()


class Folder:
    """Where gateways have their shared state, of this engine; ``calls`` are those of all of them."""

    def __init__(self, engine: Engine, folder: Path, times: StateClock) -> None:
        self._engine, self._folder, self._times = engine, folder, times
        self.calls: Calls = []

    def beside(self) -> CountedState:
        """One more gateway's view."""
        return CountedState(made(self._engine, self._folder, self._times), self.calls)
