"""`python -m tests.bench.pages`: measure pages of many users, print the tables, and say which promises are kept.

Owns the switches, the rounds and the promises. A request that the app did not get, or got for another user, counts as failed. Contestants
take turns in each round. Exits 1 where a promise is broken or anything failed, and 2 where neighbours on this machine left a gateway too
little of its core to judge a ratio.
"""

import argparse
import json
import os
import signal
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.pages.contestants import CADDY, COOKIE, NGINX, REDIS
from tests.bench.pages.people import NotIn
from tests.bench.pages.shapes import SHAPES
from tests.bench.pages.system import PagesSystem, Ready, all_ready, system
from tests.bench.proxies.figures import LEAST_BUSY, Figures, Round
from tests.bench.proxies.machine import machine, versions
from tests.bench.proxies.own import NAME, OLDER, cannot_compare, is_compiled
from tests.bench.proxies.processes import NotRunning, found
from tests.bench.proxies.report import number, promises, table
from tests.bench.proxies.targets import Target
from tests.bench.proxies.wrk import Messages, varied_load

CONNECTIONS = 32
USERS, SHARES = (60, 500), (0.0, 0.3, 1.0)
MANY = 500
WANTED = ((OLDER, 2.0), (NGINX, 0.6), (CADDY, 3.0), (COOKIE, 3.0), (REDIS, 3.0))
WANTED_NEW = ((OLDER, 1.95),)
"""Where every head has a cookie that changed."""
Results = dict[tuple[int, float], dict[str, Figures]]


@dataclass(frozen=True, slots=True)
class PagesExtent:
    """How much is measured."""

    rounds: int
    seconds: float
    users: Sequence[int]
    shares: Sequence[float]


def say(line: str) -> None:
    """A line about the progress."""
    print(line, file=sys.stderr, flush=True)


def switches() -> argparse.ArgumentParser:
    """The command line."""
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pages", description=__doc__)
    parser.add_argument("--old", type=Path, metavar="CHECKOUT", help="an older checkout, whose gateway is measured beside this one")
    parser.add_argument("--quick", action="store_true", help="two rounds of a second")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--users", nargs="+", type=int, default=USERS)
    parser.add_argument("--shares", nargs="+", type=float, default=SHARES, help="which part of the heads has a changed cookie")
    parser.add_argument(
        "--only", nargs="+", metavar="WORD", default=[], help="contestants whose names contain one of these, and the gateway"
    )
    parser.add_argument("--cores", nargs=2, type=int, default=(cores[0], cores[-1]), metavar=("CONTESTANT", "LOAD"), help="which to use")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures of all rounds")
    return parser


def one_round(made: PagesSystem, guard: Ready, messages: Messages, seconds: float) -> Round:
    """One guard under full load."""
    user, system = guard.program.cpu_seconds()
    arrived = made.arrived()
    load = varied_load(messages, guard.port, seconds, CONNECTIONS, made.folder)
    user_after, system_after = guard.program.cpu_seconds()
    never_arrived = max(0, load.requests - (made.arrived() - arrived))  # a redirect to the sign-in is no failure for wrk
    failed, used, in_kernel = load.failed + never_arrived, user_after - user + system_after - system, system_after - system
    rate = max(0, load.requests - failed) / load.seconds
    return Round(rate, failed, used / max(load.requests, 1) * 1e6, in_kernel / max(used, 1e-9))


def measure(made: PagesSystem, ready: Sequence[Ready], extent: PagesExtent) -> Results:
    """All rounds."""
    results: Results = {}
    for users in extent.users:
        files = {guard.name: guard.messages(users, made.folder) for guard in ready}
        for guard in ready:
            varied_load(Messages(files[guard.name], len(SHAPES)), guard.port, 1, CONNECTIONS, made.folder)
        for share in extent.shares:
            figures = results[users, share] = {guard.name: Figures(guard.name) for guard in ready}
            for _ in range(extent.rounds):
                for guard in ready:
                    done = one_round(made, guard, Messages(files[guard.name], len(SHAPES), share), extent.seconds)
                    figures[guard.name].rounds.append(done)
                    failed = f", {done.failed} FAILED" if done.failed else ""
                    where = f"{users} users, {share:.0%} new: {guard.name}"
                    say(f"{where}: {done.rate:.0f}/s, {done.cpu:.1f} µs of CPU{failed}")
    return results


def targets(results: Results) -> Iterator[Target]:
    """All promises, and what was reached."""
    for (users, share), figures in results.items():
        wanted = WANTED_NEW if share == 1.0 else WANTED if users >= MANY else ()
        for name, times in wanted:
            own, peer = figures[NAME], figures.get(name, Figures(name))
            pairs = [mine.rate / theirs.rate for mine, theirs in zip(own.rounds, peer.rounds, strict=False) if theirs.rate]
            asides = [f"{peer.cpu / own.cpu:.2f} by CPU time"] if peer.cpu and own.cpu else []
            idle = [one for one in (own, peer) if one.name in (NAME, OLDER) and one.rounds and one.busy < LEAST_BUSY]
            asides += [f"not judged: {one.name} got only {one.busy:.2f} of its core" for one in idle]
            reached = statistics.median(pairs) if pairs and not idle else None
            yield Target(f"{users} users, {share:.0%} new: requests/s, times {name}", times, reached, aside="; ".join(asides))
    failed = sum(one.failed for figures in results.values() for each in figures.values() for one in each.rounds)
    yield Target("requests that failed", 1, failed, is_over=False)


def tables(results: Results) -> Iterator[str]:
    """A table for each number of users and each part of new heads."""
    for (users, share), figures in results.items():
        own = figures[NAME]
        head = (
            f"{users} users, {share:.0%} of heads new",
            "requests/s",
            "least to most",
            "gateway is",
            "CPU µs each",
            "core busy",
            "failed",
        )
        rows = []
        for one in figures.values():
            rates = [each.rate for each in one.rounds]
            times = own.rate / one.rate if own.rate and one.rate else None
            figures_of_one = number(one.rate, 0), f"{min(rates):.0f} to {max(rates):.0f}", number(times, 2, " x"), number(one.cpu, 1)
            rows.append((one.name, *figures_of_one, number(one.busy, 2), str(sum(each.failed for each in one.rounds))))
        yield "\n".join(table(head, rows))


def report(results: Results, file: Path | None) -> int:
    """Print everything; the exit status."""
    about: Mapping[str, str] = machine() | {"versions": ", ".join(f"{name} {version}" for name, version in versions().items())}
    wanted = list(targets(results))
    print("\n\n".join(("  \n".join(f"{name}: {value}" for name, value in about.items()), *tables(results), promises(wanted))))
    if file is not None:
        rounds = {f"{users} users, {share:.0%} new": list(map(asdict, figures.values())) for (users, share), figures in results.items()}
        file.write_text(json.dumps({"about": about, "figures": rounds, "targets": list(map(asdict, wanted))}, indent=1) + "\n", "utf-8")
    if any(one.is_held is False for one in wanted):
        return 1
    return 2 if any("not judged" in one.aside for one in wanted) else 0


def main() -> int:
    """Everything."""
    given = switches().parse_args()
    missing = [f"{name} is needed" for name in ("wrk", "nginx", "taskset", "setpriv") if found(name) is None]
    if given.cores[0] == given.cores[1]:
        missing.append("two different cores are needed: one for the contestants, one for the load and the app")
    if missing or (why := cannot_compare(given.old)):
        say("\n".join(missing) or why)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything that was started is ended
    if not is_compiled():
        say("the gateway is measured as Python: there is no compiled build of these sources (make compiled)")
    rounds, seconds = (2, 1.0) if given.quick else (5, 2.0)
    extent = PagesExtent(given.rounds or rounds, given.seconds or seconds, given.users, given.shares)
    try:
        with system(given.cores[0], given.cores[1], max(given.users)) as made, all_ready(made, given.old, given.only, say) as ready:
            return report(measure(made, ready, extent), given.json)
    except (NotRunning, NotIn) as error:
        say(f"a program that nothing can be measured without did not start: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
