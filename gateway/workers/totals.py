"""Adds the metrics of all workers up to the metrics of one gateway.

Owns the sums. They hold all metrics of running workers, and the counters and histograms of dead ones, so that no counter falls when a
worker dies. A gauge that is a point in time (``_MOMENTS``) is not added: the earliest value is taken.
Must never count a worker twice, or show a number that no worker reported. Rules from: Prometheus on counters.
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
    """The sums of the metrics of some workers."""

    def __init__(self) -> None:
        """No metrics yet."""
        self._families: dict[str, Metric] = {}
        self._samples: dict[str, Samples] = {}

    def add(self, families: Iterable[Metric]) -> None:
        """Add these metrics to those with the same name and labels. ValueError if a name is used for two types."""
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
        """Only the counters and histograms: metrics that never fall."""
        return (family for family in self.collect() if family.type in _ONLY_GROW)

    def collect(self) -> Iterator[Metric]:
        """The sums. Each family has the documentation and the type of its first report."""
        for name, family in self._families.items():
            summed = Metric(name, family.documentation, family.type)
            for (sample, labels), value in self._samples[name].items():
                summed.add_sample(sample, dict(labels), value)
            yield summed


def _joined(name: str, one: float, other: float) -> float:
    return min(one, other) if name.endswith(_MOMENTS) else one + other


class Totals:
    """The last report of every running worker, and the sums of the dead ones."""

    def __init__(self) -> None:
        """No reports yet."""
        self._last: dict[object, tuple[Metric, ...]] = {}
        self._dead = WorkerTotals()

    def report(self, worker: object, exposition: str) -> None:
        """Store the current metrics of a worker. ``exposition``: Prometheus' text format; ValueError if it cannot be parsed."""
        self._last[worker] = tuple(text_string_to_metric_families(exposition))

    def died(self, worker: object) -> None:
        """A worker is dead: keep its counters and histograms, forget the rest."""
        last = WorkerTotals()
        last.add(self._last.pop(worker, ()))
        self._dead.add(last.growing())

    def exposition(self) -> bytes:
        """All sums, in Prometheus' text format."""
        everything = WorkerTotals()
        everything.add(self._dead.collect())
        for families in self._last.values():
            everything.add(families)
        registry = CollectorRegistry()
        registry.register(everything)
        return generate_latest(registry)
