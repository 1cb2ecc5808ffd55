"""`python -m tests.bench.proxies`: measure, print the tables, and say which promises are kept.

Owns the switches. The tables go to standard output, what happens meanwhile to standard error. Exits 1 where a promise is broken.
"""

import argparse
import json
import os
import resource
import signal
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

from tests.bench.proxies.arena import Arena, arena
from tests.bench.proxies.contestants import PEERS
from tests.bench.proxies.machine import machine, versions
from tests.bench.proxies.measures import QUICK, ProxiesExtent, measure
from tests.bench.proxies.own import cannot_compare, is_compiled
from tests.bench.proxies.plot import picture
from tests.bench.proxies.processes import NotRunning, found
from tests.bench.proxies.report import as_json, markdown
from tests.bench.proxies.targets import targets
from tests.bench.proxies.where import profile

NEEDED = {"wrk": "apt-get install wrk", "nginx": "apt-get install nginx (it is the app)", "taskset": "util-linux", "setpriv": "util-linux"}


def say(line: str) -> None:
    """A line about the progress."""
    print(line, file=sys.stderr, flush=True)


def switches() -> argparse.ArgumentParser:
    """The command line."""
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="python -m tests.bench.proxies", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three short rounds, 1 GB instead of 10")
    parser.add_argument("--rounds", type=int, help="rounds at full load; a third to a half as many at half load")
    parser.add_argument("--seconds", type=float, help="how long each run takes")
    parser.add_argument("--gigabytes", type=float, help="how long the long body is")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="contestants whose names contain one of these; the gateway is always there"
    )
    parser.add_argument("--measure", nargs="+", choices=sorted(ProxiesExtent().wanted), help="only these measurements; latency needs load")
    parser.add_argument("--cores", nargs=2, type=int, default=(cores[0], cores[-1]), metavar=("CONTESTANT", "LOAD"), help="which to use")
    parser.add_argument("--old", type=Path, metavar="CHECKOUT", help="an older checkout, whose gateway is measured beside this one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures of all rounds")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw an SVG")
    parser.add_argument("--profile", action="store_true", help="instead of all that: where the gateway's time goes under load")
    parser.add_argument("--flame", type=Path, metavar="FILE", help="with --profile: draw a flame graph, an SVG")
    return parser


def extent(given: argparse.Namespace) -> ProxiesExtent:
    """How much is measured."""
    base = QUICK if given.quick else ProxiesExtent()
    asked = {name: value for name in ("rounds", "seconds", "gigabytes") if (value := getattr(given, name)) is not None}
    return replace(base, wanted=frozenset(given.measure or base.wanted), **asked)


def measured(made: Arena, given: argparse.Namespace) -> int:
    """Measure and report; the exit status."""
    about = machine() | {"versions": ", ".join(f"{name} {number}" for name, number in versions().items())}
    peers = [peer for peer in PEERS if not given.only or any(word.lower() in peer.name.lower() for word in given.only)]
    if not is_compiled():
        say("the gateway is measured as Python: there is no compiled build of these sources (make compiled)")
    figures = measure(made, [made.system.contestant, *made.system.others, *peers], extent(given), say)
    wanted = targets({one.name: one for one in figures})
    print(markdown(figures, wanted, about))
    if given.json:
        given.json.write_text(json.dumps(as_json(figures, wanted, about), indent=1) + "\n", "utf-8")
    if given.plot:
        given.plot.write_text(picture(figures, (about["processor"], *textwrap.wrap(about["versions"], 140))), "utf-8")
    return 1 if any(one.is_held is False for one in wanted) else 0


def main() -> int:
    """Everything."""
    given = switches().parse_args()
    missing = [f"{name} is needed: {source}" for name, source in NEEDED.items() if found(name) is None]
    if given.cores[0] == given.cores[1]:
        missing.append("two different cores are needed: one for the contestants, one for the load and the app")
    if missing or (why := cannot_compare(given.old)):
        say("\n".join(missing) or why)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything that was started is ended
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        with arena(given.cores[0], given.cores[1], given.old) as made:
            if given.profile:
                print(profile(made, extent(given).seconds, given.flame))
                return 0
            return measured(made, given)
    except NotRunning as error:
        say(f"a program that nothing can be measured without did not start: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
