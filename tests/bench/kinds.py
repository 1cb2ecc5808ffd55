"""What one core does with each kind of request: heads seen before, heads new each time, forms, sub-requests, and the login host.

Run: ``python -m tests.bench.kinds [--old CHECKOUT] [--only WORD …]``. The gateway as shipped on one core, wrk and the app on the other.
With an older checkout its gateway runs beside ours, and rounds alternate; what is wanted is a median of the ratios of neighbouring rounds.
Each gateway is asked once, and its answer checked, before all and after every round: wrk takes a redirect to the sign-in for an answer.
Exits 1 where a ratio is under the wanted one, an answer is wrong, or our best round of sub-requests is under its limit. Exits 2
where neighbours on this machine took a gateway's core, so that a figure says nothing.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.proxies.app_request import END, HOST, TARGET, AppRequest, answer_to
from tests.bench.proxies.arena import Arena, RunningContestant, arena
from tests.bench.proxies.figures import LEAST_BUSY
from tests.bench.proxies.own import NAME, OLDER, ROOT, cannot_compare, is_compiled
from tests.bench.proxies.processes import NotRunning, found
from tests.bench.proxies.wrk import NEW, Messages, varied_load, written

ROUNDS, SECONDS, CONNECTIONS = 5, 3.0, 32
DECISIONS = 12_000
FORM = b"month=3&slip=7&note=" + b"words+of+a+person+" * 10
LOOPBACK = '"127.0.0.1/32"'


def _again(asked: AppRequest) -> bytes:
    return asked.message()


def _new_each_time(asked: AppRequest) -> bytes:
    """Path, query, Referer and a cookie of the app are never the same."""
    new = NEW.decode()
    target, referer = f"/payroll/{new}/slips?month={new}", f"https://{HOST}/payroll/{new}"
    return AppRequest(f"{asked.cookie}; last={new}").message("GET", target, ("Referer", referer))


def _form(asked: AppRequest) -> bytes:
    about = ("Origin", f"https://{HOST}"), ("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", str(len(FORM)))
    return asked.message("POST", TARGET, *about) + FORM


def _sub_request(asked: AppRequest) -> bytes:
    """What Traefik sends: the browser's fields, and the rest in fields of its own."""
    told = (("Method", "GET"), ("Proto", "https"), ("Host", HOST), ("Uri", TARGET), ("For", "192.0.2.7"))
    more = tuple((f"X-Forwarded-{name}", value) for name, value in told)
    return asked.message("GET", "/.gateway/auth/traefik", *more).replace(f"Host: {HOST}".encode(), b"Host: 127.0.0.1", 1)


def _stranger(asked: AppRequest) -> bytes:
    """A browser without a cookie asks for the sign-in page."""
    text = asked.message("GET", "/login/login.htm").replace(f"Host: {HOST}".encode(), b"Host: login.example.com", 1)
    return b"\r\n".join(line for line in text.split(b"\r\n") if not line.startswith(b"Cookie:"))


@dataclass(frozen=True, slots=True)
class MeasuredKind:
    """``message`` makes the request; ``wanted``: times the older gateway; ``expected`` must be in the answer."""

    name: str
    message: Callable[[AppRequest], bytes]
    wanted: float | None
    share: float = 0.0
    proxies: str = ""
    is_forwarded: bool = False
    """Whether it goes to the org, whose place the app takes: the stand-in is no match for wrk."""
    expected: bytes = END


KINDS = (
    MeasuredKind("heads seen before", _again, 0.97),
    MeasuredKind("heads new each time", _new_each_time, 1.95, share=1.0),
    MeasuredKind("posted forms", _form, 2.9),
    MeasuredKind("sub-requests", _sub_request, 1.45, proxies=LOOPBACK, expected=b"Remote-User: alice@example.com"),
    MeasuredKind("pages of the login host", _stranger, None, is_forwarded=True),
)


@dataclass(slots=True)
class RequestKindFigures:
    """One gateway with one kind of request: answers in a second, and CPU microseconds for each, by round."""

    running: RunningContestant
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def busy(self) -> float:
        """The part of its core that it got."""
        return statistics.median(rate * cost / 1e6 for rate, cost in zip(self.rates, self.costs, strict=True))

    def measure(self, made: Arena, messages: Messages, kind: MeasuredKind, seconds: float = SECONDS) -> None:
        """One round."""
        before = sum(self.running.program.cpu_seconds())
        load = varied_load(messages, self.running.port, seconds, CONNECTIONS, made.folder)
        self.costs.append((sum(self.running.program.cpu_seconds()) - before) / max(load.requests, 1) * 1e6)
        self.rates.append(load.rate)
        self.failed += load.failed
        checked(self.running, messages.file.read_bytes(), kind.expected)


def checked(running: RunningContestant, message: bytes, expected: bytes) -> None:
    """NotRunning where the answer is not the one that is measured."""
    answer = answer_to(message.replace(NEW, b"1"), running.port)
    lines = "\n".join(f"{name}: {value}" for name, value in answer.fields).encode()
    if answer.status != 200 or expected not in lines + answer.body:
        raise NotRunning(f"{running.name}: not the answer that is wanted: {answer.status}, {lines[:300]!r}")


def measured(made: Arena, kind: MeasuredKind, old: Path | None, rounds: int) -> dict[str, RequestKindFigures]:
    """All rounds of one kind, by the names of the gateways."""
    checkouts: Mapping[str, Path] = {NAME: ROOT} | ({OLDER: old} if old is not None else {})
    environ = {"SESSION_GATEWAY__OKTA__ORG": f"http://127.0.0.1:{made.app.port}"} if kind.is_forwarded else {}
    with ExitStack() as opened:
        rows, messages = {}, {}
        for name, checkout in checkouts.items():
            contestant = made.system.setting.gateway(name, checkout, kind.proxies, environ)
            row = rows[name] = RequestKindFigures(opened.enter_context(made.running(contestant)))
            text = kind.message(made.what_is_asked(row.running))
            messages[name] = Messages(written([text], made.folder / f"{name}.messages"), share=kind.share)
            checked(row.running, text, kind.expected)
            varied_load(messages[name], row.running.port, 1, CONNECTIONS, made.folder)
        for _ in range(rounds):
            for name, row in rows.items():
                row.measure(made, messages[name], kind)
    return rows


def reported(kind: MeasuredKind, rows: Mapping[str, RequestKindFigures]) -> int:
    """Print the rows of one kind; 0 where everything is as wanted, 1 where something is not, 2 where that could not be judged."""
    print(f"{kind.name}:")
    for name, row in rows.items():
        rate, cost = statistics.median(row.rates), statistics.median(row.costs)
        failed = f", {row.failed} FAILED" if row.failed else ""
        span = f"({min(row.rates):.0f} to {max(row.rates):.0f})"
        print(f"  {name:24} {rate:7.0f}/s {span}, {cost:6.1f} µs of CPU each, core busy {row.busy:.2f}{failed}")
    own, older, held = rows[NAME], rows.get(OLDER), [not any(row.failed for row in rows.values())]
    if older is not None:
        times = _middle(own.rates, older.rates)
        by_cpu = _middle(older.costs, own.costs)
        print(f"  {times:.2f} times the older one's rate, {by_cpu:.2f} by CPU time; wanted {kind.wanted or 'nothing'}")
        held.append(times >= (kind.wanted or 0.0))
    if kind.message is _sub_request:
        print(f"  wanted {DECISIONS}/s in the best round")
        held.append(max(own.rates) >= DECISIONS)
    is_judged = not held[0] or min(row.busy for row in rows.values()) >= LEAST_BUSY  # a failure needs no core to be one
    status = int(not all(held)) if is_judged else 2
    print(f"  {('held', 'BROKEN', 'NOT JUDGED: neighbours on this machine had the core')[status]}")
    return status


def status_of(made: Arena, kind: MeasuredKind, given: argparse.Namespace) -> int:
    """Measure and report one kind."""
    try:
        return reported(kind, measured(made, kind, given.old, given.rounds))
    except (NotRunning, OSError) as error:
        print(f"{kind.name}: not measured: {error}")
        return 1


def _middle(these: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median([one / other for one, other in zip(these, others, strict=True) if other] or [0.0])


def switches() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.kinds", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--old", type=Path, metavar="CHECKOUT", help="an older checkout, whose gateway is measured beside this one")
    parser.add_argument("--only", nargs="+", metavar="WORD", default=[""], help="kinds whose names contain one of these")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    return parser


def main() -> int:
    """Measure, print, and return the exit status."""
    given, cores = switches().parse_args(), sorted(os.sched_getaffinity(0))
    if found("wrk") is None or found("nginx") is None or len(cores) < 2:
        print("skipped: needs wrk, nginx and two cores")
        return 0
    if why := cannot_compare(given.old):
        print(why)
        return 2
    print(f"measured {'compiled' if is_compiled() else 'as Python: there is no compiled build of these sources'}")
    kinds = [kind for kind in KINDS if any(word in kind.name for word in given.only)]
    try:
        with arena(cores[0], cores[-1], given.old) as made:
            found_out = {status_of(made, kind, given) for kind in kinds}
    except NotRunning as error:
        print(f"did not start: {error}")
        return 2
    return 1 if 1 in found_out else max(found_out, default=0)


if __name__ == "__main__":
    sys.exit(main())
