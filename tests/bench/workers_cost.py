"""What several workers and a shared state cost: CPU time per request on the hot path, and the login host's rate with more than one worker.

Run: ``python -m tests.bench.workers_cost [rounds]``. One worker with memory, one with SQLite, four with SQLite, and four gateways with
nothing in common, in turn on one core; wrk and the app are on the other. Then the login host on two cores, which wrk and the server behind
share: one worker, as many as there are cores, four, and four gateways with nothing in common. Those say what more processes than cores cost
by themselves: each finds cold caches when it comes to run. What four workers cost beside them is the price of what they share.

Exits 1 where four workers need more CPU than the limit beside four gateways apart, or one worker with SQLite more than one with memory,
in the best round as well as in the median.
"""

import os
import statistics
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.proxies.app_request import AppRequest
from tests.bench.proxies.arena import Arena, RunningContestant, arena
from tests.bench.proxies.contestants import ContestantAddress
from tests.bench.proxies.own import is_compiled
from tests.bench.proxies.processes import Command, NotRunning, Program, found, free_port, pause
from tests.bench.proxies.wrk import Load, full_load

LIMIT, LIMIT_OF_SHARING = 0.03, 0.1
ROUNDS, SECONDS, CONNECTIONS = 7, 2.0, 32
WORKERS = 4
LOGIN_HOST, LOGIN_PAGE = "login.example.com", "/login/login.htm"
SETTLE_SECONDS = 1.0
"""The supervisor listens when its first worker does; the others follow."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A browser without a cookie that asks for the sign-in page."""

    fields: tuple[tuple[str, str], ...] = (("Host", LOGIN_HOST), *AppRequest("").fields[1:5], *AppRequest("").fields[6:])


@dataclass(slots=True)
class WorkersCostFigures:
    """One line of the table, and what was measured of it: answers in a second, and CPU microseconds for each, by round.

    ``gateways``: all that are loaded at one time, and the port of each; ``asked``: what each of them is, in the same order.
    """

    name: str
    gateways: list[tuple[Program, int]]
    asked: list[AppRequest] | list[Stranger]
    target: str
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    failed: int = 0

    def measure(self, folder: Path) -> None:
        """One round at full load."""
        before = self._cpu_seconds()
        loads = self.load(folder, SECONDS)
        self.costs.append((self._cpu_seconds() - before) / max(sum(load.requests for load in loads), 1) * 1e6)
        self.rates.append(sum(load.rate for load in loads))
        self.failed += sum(load.failed for load in loads)

    def load(self, folder: Path, seconds: float) -> list[Load]:
        """All connections, dealt out to the gateways."""

        def one(port: int, asked: AppRequest | Stranger) -> Load:
            own = folder / f"wrk-{port}"
            own.mkdir(exist_ok=True)
            return full_load(asked, port, seconds, CONNECTIONS // len(self.gateways), own, self.target)

        with ThreadPoolExecutor(len(self.gateways)) as loading:
            return list(loading.map(one, [port for _, port in self.gateways], self.asked))

    def _cpu_seconds(self) -> float:
        return sum(sum(program.cpu_seconds()) for program, _ in self.gateways)


def main() -> int:
    """Measure, print, and return the exit status."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    cores = sorted(os.sched_getaffinity(0))
    if found("wrk") is None or found("nginx") is None or len(cores) < 2:
        print("skipped: needs wrk, nginx and two cores")
        return 0
    print(f"the gateway is measured {'compiled' if is_compiled() else 'as Python: there is no compiled build of these sources'}")
    try:
        with arena(cores[0], cores[-1]) as made:
            status = _hot_path(made, rounds)
            os.sched_setaffinity(0, cores)
            status |= _login_host(made, cores, rounds)
    except NotRunning as error:
        print(f"did not start: {error}")
        return 2
    return status


def _hot_path(made: Arena, rounds: int) -> int:
    with ExitStack() as opened:
        rows = []
        for engine, workers in (("memory", 1), ("sqlite", 1), ("sqlite", WORKERS)):
            rows.append(_row(made, opened, name_of(engine, workers), [(engine, workers)]))
        rows.append(_row(made, opened, f"{WORKERS} apart, memory", [("memory", 1)] * WORKERS))
        _take_turns(made, rows, rounds)
    _print("an app's page of a signed-in user, all on one core", rows)
    memory, sqlite, shared, apart = rows
    status = _held(memory, sqlite, LIMIT) | _held(apart, shared, LIMIT)
    _held(memory, shared, LIMIT)  # said, and not judged: more processes than cores cost this much whatever they share
    return status if not any(row.failed for row in rows) else 1


def _row(made: Arena, opened: ExitStack, name: str, engines: list[tuple[str, int]]) -> WorkersCostFigures:
    """Gateways on the one core, each asked by somebody who signed in there."""
    gateways = [opened.enter_context(gateway(made, str(made.core), engine, workers)) for engine, workers in engines]
    asked: list[AppRequest] = []
    for program, port in gateways:
        made.asked = made.system.signed_in(port)
        asked.append(made.asked)
        if (wrong := made.trouble(RunningContestant("", program, port))) is not None:
            raise NotRunning(f"{name} {wrong}")
    return WorkersCostFigures(name, gateways, asked, "/payroll/slips?month=3")


def _login_host(made: Arena, cores: list[int], rounds: int) -> int:
    where, org = ",".join(map(str, cores)), {"SESSION_GATEWAY__OKTA__ORG": f"http://127.0.0.1:{made.app.port}"}
    with ExitStack() as opened:
        rows = []
        for workers in sorted({1, len(cores), WORKERS}):
            gateways = [opened.enter_context(gateway(made, where, "sqlite", workers, org))]
            rows.append(WorkersCostFigures(name_of("sqlite", workers), gateways, [Stranger()] * len(gateways), LOGIN_PAGE))
        gateways = [opened.enter_context(gateway(made, where, "memory", 1, org)) for _ in range(WORKERS)]
        rows.append(WorkersCostFigures(f"{WORKERS} apart, memory", gateways, [Stranger()] * len(gateways), LOGIN_PAGE))
        _take_turns(made, rows, rounds)
    _print(f"https://{LOGIN_HOST}{LOGIN_PAGE}, on {len(cores)} cores together with wrk and the server behind", rows)
    one, many, apart = rows[0], next(row for row in rows if row.name == name_of("sqlite", WORKERS)), rows[-1]
    times = statistics.median(more / less for less, more in zip(one.rates, many.rates, strict=True))
    print(f"{WORKERS} workers serve {times:.2f} times the requests of one: {'more' if times > 1 else 'NOT MORE'}")
    status = _held(apart, many, LIMIT_OF_SHARING)
    return status if times > 1 and not any(row.failed for row in rows) else 1


def _held(other: WorkersCostFigures, mine: WorkersCostFigures, limit: float) -> int:
    """The exit status, and a line about it."""
    slower = statistics.median(more / less - 1 for less, more in zip(other.costs, mine.costs, strict=True))
    is_held = min(slower, min(mine.costs) / min(other.costs) - 1) <= limit
    print(
        f"{mine.name} needs {slower:+.1%} CPU per request in the median of pairs with {other.name}; "
        f"limit {limit:+.0%}: {'held' if is_held else 'BROKEN'}"
    )
    return 0 if is_held else 1


@contextmanager
def gateway(made: Arena, cores: str, engine: str, workers: int, more: Mapping[str, str] | None = None) -> Iterator[tuple[Program, int]]:
    """One gateway with a state of its own, on these cores; its port."""
    folder = made.folder / f"{engine}-{workers}-{free_port()}"
    folder.mkdir()
    place = ContestantAddress(folder, free_port(), made.app.port, made.app.port)
    command = made.system.contestant.command(place)
    environ = {
        **command.environ,
        "SESSION_GATEWAY__STATE__ENGINE": engine,
        "SESSION_GATEWAY__STATE__DIRECTORY": str(folder / "state") if engine == "sqlite" else "",
        "SESSION_GATEWAY__LISTEN__WORKERS": str(workers),
        **(more or {}),
    }
    with Program(Command(command.words, environ), cores, folder / "said") as program:
        program.listens(place.port)
        pause(SETTLE_SECONDS * workers)
        yield program, place.port


def _take_turns(made: Arena, rows: list[WorkersCostFigures], rounds: int) -> None:
    for row in rows:
        row.load(made.folder, 1)
    for _ in range(rounds):
        for row in rows:
            row.measure(made.folder)


def name_of(engine: str, workers: int) -> str:
    """How a row is called."""
    return f"{workers} worker{'s' if workers > 1 else ''}, {engine}"


def _print(what: str, rows: list[WorkersCostFigures]) -> None:
    print(f"{what}:")
    for row in rows:
        cost = statistics.median(row.costs)
        failed = f", {row.failed} FAILED" if row.failed else ""
        print(
            f"  {row.name:18} {statistics.median(row.rates):7.0f}/s, {cost:7.1f} µs of CPU each ({min(row.costs):.1f} at best): "
            f"{1e6 / cost:6.0f} per second and core{failed}"
        )


if __name__ == "__main__":
    sys.exit(main())
