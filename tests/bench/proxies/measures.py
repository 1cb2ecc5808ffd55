"""The measurements, one after the other; each takes contestants in turn, so that a slow minute of the machine hits everybody.

Must never stop at one contestant's failure: it is said, and its figure stays empty.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tests.bench.proxies.app_request import AppRequest
from tests.bench.proxies.arena import Arena, RunningContestant, all_running
from tests.bench.proxies.bulk import Bulk, bulk, download, upload
from tests.bench.proxies.contestants import Contestant
from tests.bench.proxies.figures import Figures, Round
from tests.bench.proxies.held import Held, asks_once, held, opens_websocket
from tests.bench.proxies.own import NAME, OLDER
from tests.bench.proxies.paced import MOST, paced_load
from tests.bench.proxies.processes import NotRunning
from tests.bench.proxies.wrk import full_load

Say = Callable[[str], None]
Figure = TypeVar("Figure")
IN_BULK = (NAME, OLDER, "nginx")


@dataclass(frozen=True, slots=True)
class ProxiesExtent:
    """How much is measured."""

    rounds: int = 5
    seconds: float = 5
    connections: int = 32
    idle: int = 10_000
    sockets: int = 1_000
    gigabytes: float = 10
    wanted: frozenset[str] = frozenset(("load", "latency", "idle", "sockets", "bulk"))


QUICK = ProxiesExtent(rounds=3, seconds=2, gigabytes=1)


def measure(arena: Arena, contestants: list[Contestant], extent: ProxiesExtent, say: Say) -> list[Figures]:
    """Everything that is wanted of everybody; the first figures are the app's own."""
    present = [one for one in contestants if one.missing is None]
    for one in contestants:
        if one.missing:
            say(one.missing)
    figures = {name: Figures(name) for name in (arena.app.name, *(one.name for one in present))}
    if extent.wanted & {"load", "latency"}:
        with all_running(arena, present, say) as running:
            _under_load(arena, [arena.app, *running], extent, figures, say)
    for one in present:
        _memory(arena, one, extent, figures[one.name], say)
        if "bulk" in extent.wanted and one.name in IN_BULK:
            _in_bulk(arena, one, extent, figures[one.name], say)
    return list(figures.values())


def _under_load(arena: Arena, running: list[RunningContestant], extent: ProxiesExtent, figures: dict[str, Figures], say: Say) -> None:
    for one in running:
        full_load(arena.what_is_asked(one), one.port, 1, extent.connections, arena.folder)
    for number in range(extent.rounds):
        for one in running:
            made = _full(arena, one, extent)
            figures[one.name].rounds.append(made)
            failed = f", {made.failed} FAILED" if made.failed else ""
            say(f"round {number + 1}: {one.name}: {made.rate:.0f}/s, {made.cpu:.1f} µs of CPU, busy {made.busy:.2f}{failed}")
    if "latency" in extent.wanted:
        for _ in range(max(1, extent.rounds // 2)):
            for one in running[1:]:
                _half(arena, one, extent, figures[one.name], say)


def _full(arena: Arena, one: RunningContestant, extent: ProxiesExtent) -> Round:
    user, system = one.program.cpu_seconds()
    load = full_load(arena.what_is_asked(one), one.port, extent.seconds, extent.connections, arena.folder)
    user_after, system_after = one.program.cpu_seconds()
    wrong = arena.trouble(one)  # wrk takes a redirect to the sign-in for an answer
    failed = load.requests if wrong else load.failed
    used, in_kernel = user_after - user + system_after - system, system_after - system
    return Round(0.0 if wrong else load.rate, failed, used / max(load.requests, 1) * 1e6, in_kernel / max(used, 1e-9))


def _half(arena: Arena, one: RunningContestant, extent: ProxiesExtent, figures: Figures, say: Say) -> None:
    rate = min((figures.rate or 0) / 2, MOST)
    try:
        through = paced_load(arena.what_is_asked(one), one.port, rate, extent.seconds)
        straight = paced_load(arena.asked, arena.app.port, rate, extent.seconds)
    except OSError as error:
        say(f"{one.name}: no latency: {error}")
        return
    figures.paced.append((through, straight))
    say(f"at {rate:.0f}/s: {one.name}: p50 {through.p50:.2f} ms, p99 {through.p99:.2f}; the app {straight.p50:.2f}, {straight.p99:.2f}")


def _memory(arena: Arena, one: Contestant, extent: ProxiesExtent, figures: Figures, say: Say) -> None:
    def idle() -> Held:
        with arena.running(one) as running:
            return held(running.program, running.port, extent.idle, asks_once(arena.what_is_asked(running)))

    def sockets() -> Held:
        with arena.server("echo") as echo, arena.running(one, echo) as running:
            return held(running.program, running.port, extent.sockets, opens_websocket(arena.what_is_asked(running)))

    if "idle" in extent.wanted:
        figures.idle = _tried(f"{one.name}, idle connections", idle, say)
    if "sockets" in extent.wanted and one.speaks_websocket:
        figures.sockets = _tried(f"{one.name}, WebSockets", sockets, say)


def _in_bulk(arena: Arena, one: Contestant, extent: ProxiesExtent, figures: Figures, say: Say) -> None:
    def carried(way: Callable[[AppRequest, int, int], None]) -> Bulk:
        with arena.server("well") as well, arena.running(one, well) as running:
            return bulk(running.program, lambda count: way(arena.what_is_asked(running), running.port, count), int(extent.gigabytes * 1e9))

    figures.down = _tried(f"{one.name}, download", lambda: carried(download), say)
    figures.up = _tried(f"{one.name}, upload", lambda: carried(upload), say)


def _tried(what: str, work: Callable[[], Figure], say: Say) -> Figure | None:
    """What ``work`` measures; None, and a line that says why, where it fails."""
    try:
        figure = work()
    except (NotRunning, OSError) as error:
        say(f"{what}: not measured: {type(error).__name__}: {error}")
        return None
    say(f"{what}: {figure}")
    return figure
