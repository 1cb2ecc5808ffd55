"""The metrics of all workers as one gateway's.

Owns the sum: counters, histograms and gauges of the living, and of the dead what only grows, so that no counter falls because one died.
A gauge that names a moment is not added up: the earliest stands for all.
Must never count a worker twice, or show a number that nobody told. Rules from: Prometheus on counters.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

Labels = tuple[tuple[str, str], ...]
Samples = dict[tuple[str, Labels], float]

_ONLY_GROW = ("counter", "histogram")
_MOMENTS = ("_until_seconds", "_timestamp_seconds")


class WorkerTotals(Collector):
    """What was told by some, added up."""

    def __init__(self) -> None:
        """Nobody has told anything."""
        self._families: dict[str, Metric] = {}
        self._samples: dict[str, Samples] = {}

    def add(self, families: Iterable[Metric]) -> None:
        """Add these numbers to those of the same name and labels."""
        for family in families:
            kept = self._families.setdefault(family.name, family)
            if kept.type != family.type:
                raise ValueError(f"{family.name} is told as two kinds of metric")
            samples = self._samples.setdefault(family.name, {})
            for sample in family.samples:
                key = (sample.name, tuple(sample.labels.items()))
                before = samples.get(key)
                samples[key] = sample.value if before is None else _joined(sample.name, before, sample.value)

    def growing(self) -> Iterator[Metric]:
        """Only what never falls."""
        return (family for family in self.collect() if family.type in _ONLY_GROW)

    def collect(self) -> Iterator[Metric]:
        """The sums, each family as it was first told."""
        for name, family in self._families.items():
            summed = Metric(name, family.documentation, family.type)
            for (sample, labels), value in self._samples[name].items():
                summed.add_sample(sample, dict(labels), value)
            yield summed


def _joined(name: str, one: float, other: float) -> float:
    return min(one, other) if name.endswith(_MOMENTS) else one + other


class Totals:
    """What all workers told last, and what the dead had told."""

    def __init__(self) -> None:
        """Nobody has told anything."""
        self._last: dict[object, tuple[Metric, ...]] = {}
        self._dead = WorkerTotals()

    def told(self, worker: object, exposition: str) -> None:
        """This worker's metrics are these now. ValueError where they cannot be read."""
        self._last[worker] = tuple(text_string_to_metric_families(exposition))

    def died(self, worker: object) -> None:
        """This worker tells nothing any more; what it counted stays counted."""
        last = WorkerTotals()
        last.add(self._last.pop(worker, ()))
        self._dead.add(last.growing())

    def exposition(self) -> bytes:
        """Everything added up, in Prometheus' text format."""
        everything = WorkerTotals()
        everything.add(self._dead.collect())
        for families in self._last.values():
            everything.add(families)
        registry = CollectorRegistry()
        registry.register(everything)
        return generate_latest(registry)
