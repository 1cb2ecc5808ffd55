"""The figures as Markdown for people and as JSON for programs.

Owns what is shown and how it is rounded. A figure that is not known is a dash.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from tests.bench.proxies.bulk import Bulk
from tests.bench.proxies.figures import Figures, ratio
from tests.bench.proxies.held import Held
from tests.bench.proxies.own import NAME
from tests.bench.proxies.targets import Target

BUSY = (
    "The app runs on the load's core and is there for comparison. A contestant whose core is not busy (under about 0.95) was held back by\n"
    "that core, or by neighbours on this machine; `by CPU time` below compares what each would answer with a core of its own, fully used."
)
VERDICTS = {True: "yes", False: "**no**", None: "not measured"}


def markdown(all_figures: Sequence[Figures], targets: Sequence[Target], about: Mapping[str, str]) -> str:
    """Everything, as tables."""
    own = next((one for one in all_figures if one.name == NAME), Figures(NAME))
    parts = (
        "  \n".join(f"{name}: {value}" for name, value in about.items()),
        "\n".join(table(_load_head(), [_load_row(one, own) for one in all_figures])),
        BUSY if any(one.rounds for one in all_figures) else "",
        "\n".join(table(_memory_head(all_figures), [_memory_row(one) for one in all_figures if one.idle or one.sockets])),
        "\n".join(table(_bulk_head(), [_bulk_row(one) for one in all_figures if one.down or one.up])),
        promises(targets),
    )
    return "\n\n".join(part for part in parts if part)


def as_json(all_figures: Sequence[Figures], targets: Sequence[Target], about: Mapping[str, str]) -> dict[str, object]:
    """Everything, every round."""
    return {
        "about": dict(about),
        "contestants": {one.name: asdict(one) | _medians(one) for one in all_figures},
        "targets": [asdict(one) | {"held": one.is_held} for one in targets],
    }


def _medians(one: Figures) -> dict[str, object]:
    return {"rate": one.rate, "cpu_microseconds": one.cpu, "added_p50_ms": one.added_p50, "added_p99_ms": one.added_p99}


def _load_head() -> tuple[str, ...]:
    return (
        *("contestant, one core", "requests/s", "least to most", "gateway is", "CPU µs each", "of it kernel", "core busy"),
        *("failed", "at rate/s", "adds p50 ms", "adds p99 ms"),
    )


def _load_row(one: Figures, own: Figures) -> tuple[str, ...]:
    rates = [each.rate for each in one.rounds]
    return (
        one.name,
        number(one.rate, 0),
        f"{min(rates):.0f} to {max(rates):.0f}" if rates else "–",
        number(ratio(own.rate, one.rate), 2, " x"),
        number(one.cpu, 1),
        number(one.middle(lambda each: each.kernel * 100), 0, " %"),
        number(one.middle(lambda each: each.busy), 2),
        str(sum(each.failed for each in one.rounds)) if rates else "–",
        number(one.half_rate, 0),
        number(one.added_p50, 2),
        number(one.added_p99, 2),
    )


def _memory_head(all_figures: Sequence[Figures]) -> tuple[str, ...]:
    idle = next((one.idle.count for one in all_figures if one.idle), 0)
    sockets = next((one.sockets.count for one in all_figures if one.sockets), 0)
    return "memory", f"{idle} idle connections, MB", "KB each", f"{sockets} WebSockets, MB", "KB each"


def _memory_row(one: Figures) -> tuple[str, ...]:
    return one.name, *_held(one.idle), *_held(one.sockets)


def _held(held: Held | None) -> tuple[str, str]:
    return ("–", "–") if held is None else (number(held.megabytes, 0), number(held.kilobytes_each, 1))


def _bulk_head() -> tuple[str, ...]:
    return "one long body", "download GB/s", "memory grew MB", "upload GB/s", "memory grew MB"


def _bulk_row(one: Figures) -> tuple[str, ...]:
    return one.name, *_carried(one.down), *_carried(one.up)


def _carried(bulk: Bulk | None) -> tuple[str, str]:
    return ("–", "–") if bulk is None else (number(bulk.gigabytes_per_second, 2), number(bulk.grown, 1))


def promises(targets: Sequence[Target]) -> str:
    """What is wanted and what was reached, as a table."""
    return "\n".join(table(("promise", "wanted", "reached", "kept", ""), [_target_row(one) for one in targets]))


def _target_row(one: Target) -> tuple[str, ...]:
    return one.what, f"{'≥' if one.is_over else '<'} {one.wanted:.3g}", number(one.reached, 2), VERDICTS[one.is_held], one.aside


def number(value: float | None, places: int, unit: str = "") -> str:
    """A figure, or a dash where it is not known."""
    return "–" if value is None else f"{value:.{places}f}{unit}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table; none without a row."""
    if rows:
        yield f"| {' | '.join(head)} |"
        yield f"|{'|'.join('---' if place == 0 else '--:' for place in range(len(head)))}|"
        yield from (f"| {' | '.join(row)} |" for row in rows)
