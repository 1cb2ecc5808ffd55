"""The admin address of a gateway with several workers: it asks each worker, and answers for all of them.

Each worker answers health and metrics on a Unix socket of its own, in the same way as a single gateway on its admin address.
Owns what readiness says about a worker. Workers are asked only when a request arrives here.
Must never wait for a worker longer than ``TOLD_SECONDS``, or report the gateway as ready while one worker is not.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

import aiohttp
from aiohttp import DummyCookieJar

from gateway.doors.health import Health
from gateway.edge.request import Request
from gateway.edge.responses import Response
from gateway.observe.metrics import Metrics
from gateway.workers.process import WorkerProcess
from gateway.workers.slot import WorkerSlot
from gateway.workers.totals import Totals

TOLD_SECONDS = 1.0
"""How long a worker may take to answer with its metrics or its readiness."""
_ANSWERS = ("waiting", "listening")


@dataclass(frozen=True, slots=True)
class WorkerAddress:
    """A slot, and the path of the Unix socket on which its worker answers."""

    slot: WorkerSlot
    path: str


class AdminAddress:
    """Answers the requests at the admin address. Set ``workers`` before it listens."""

    def __init__(self, name: str | None, own: Metrics) -> None:
        """``name``: the configured host of this listener. ``own``: the metrics of the supervisor itself."""
        self.workers: Sequence[WorkerAddress] = ()
        self.is_stopping = False
        self._own = own
        self._totals = Totals()
        self._unready: Mapping[str, str] = {}
        self._details: Mapping[str, str] = {}
        self._health = Health(self._totals, lambda: self._unready, name, lambda: self._details)
        own.watch_level("workers_listening", "Workers that serve now.", self._listening)

    async def handle(self, request: Request) -> Response:
        """The answer of ``Health``. For ``/metrics`` and ``/readyz`` the workers are asked first."""
        match request.target.partition("?")[0]:
            case "/metrics":
                self._totals.report(self, self._own.exposition().decode())
                await asyncio.gather(*map(self._count, self.workers))
            case "/readyz":
                excluded = parse_qs(request.target.partition("?")[2]).get("exclude", [])
                said = await asyncio.gather(*(_readiness(worker, excluded) for worker in self.workers))
                reasons = tuple(_unready(worker, answer) for worker, answer in zip(self.workers, said, strict=True))
                hooks = {str(answer["event_hook"]) for answer in said if isinstance(answer, dict) and "event_hook" in answer}
                self._details = {"event_hook": ", ".join(sorted(hooks))} if hooks else {}
                stopping = {"process": "stopping"} if self.is_stopping else {}
                self._unready = stopping | {part: reason for parts in reasons for part, reason in parts.items()}
        return await self._health.handle(request)

    def left(self, process: WorkerProcess, last_metrics: str) -> None:
        """A worker is dead. Its counters stay in the sums, as far as it reported them. ``last_metrics``: its last metrics, or empty."""
        if last_metrics:
            self._totals.report(process, last_metrics)
        self._totals.died(process)

    async def _count(self, worker: WorkerAddress) -> None:
        process = worker.slot.process
        if process is None or worker.slot.state != "listening":
            return
        metrics = await _answer(worker.path, "/metrics")
        if isinstance(metrics, str) and worker.slot.process is process:
            self._totals.report(process, metrics)

    def _listening(self) -> int:
        return sum(worker.slot.state == "listening" for worker in self.workers)


async def _readiness(worker: WorkerAddress, excluded: Sequence[str]) -> object:
    """The worker's answer to ``/readyz`` without the ``excluded`` parts; None if it does not answer."""
    return await _answer(worker.path, "/readyz", excluded) if worker.slot.state in _ANSWERS else None


def _unready(worker: WorkerAddress, answer: object) -> Mapping[str, str]:
    """The reasons why this worker is not ready, from its ``answer``; empty if it is ready."""
    name = f"worker {worker.slot.number}"
    if worker.slot.state not in _ANSWERS:
        return {name: worker.slot.state}
    match answer:
        case {"reasons": dict(reasons)}:
            return {f"{name}: {part}": str(reason) for part, reason in reasons.items()}
        case {"status": "ready"}:
            return {}
        case _:
            return {name: "no answer"}


async def _answer(socket_path: str, target: str, excluded: Sequence[str] = ()) -> object:
    """The worker's answer: text, or the value of its JSON; None if it does not answer in time."""
    try:
        async with (
            asyncio.timeout(TOLD_SECONDS),
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(socket_path), cookie_jar=DummyCookieJar()) as client,
            client.get(f"http://localhost{target}", params=[("exclude", part) for part in excluded]) as answer,
        ):
            return await (answer.json() if target == "/readyz" else answer.text())
    except (aiohttp.ClientError, OSError, ValueError):
        return None
