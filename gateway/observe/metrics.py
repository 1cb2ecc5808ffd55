"""The gateway's metrics for Prometheus.

Owns the names and labels of all metrics, in a registry of its own, and the counting. Counting is cheap: two calls per request, on the event
loop's thread, into plain dictionaries. Nothing is locked, and nothing is formatted before Prometheus asks.
Must never put a user, an address, a path or a fingerprint into a label. Labels are words from short lists. If a list becomes longer than
``LARGEST_SERIES``, new combinations are counted as "other". Rules from: Prometheus naming and text format 0.0.4.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LARGEST_SERIES: Final = 1000
"""The most label combinations of one metric. Usually there are some dozens; an app that invents statuses cannot make more than this."""

_PREFIX: Final = "session_gateway_"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BOUNDS: Final = (*map(str, _SECONDS), "+Inf")
_OTHER: Final = "other"

Read = Callable[[], float]


class _Watched(Collector):
    """A metric whose number is kept by another object. It is read when Prometheus asks."""

    def __init__(self, family: type[CounterMetricFamily] | type[GaugeMetricFamily], name: str, documentation: str, read: Read) -> None:
        self._family, self._name, self._documentation, self._read = family, name, documentation, read
        self._before = 0.0

    def collect(self) -> Iterator[Metric]:
        yield self._family(self._name, self._documentation, value=self._before + self._read())

    def follow(self, read: Read) -> None:
        """Read the number from another object from now on. A counter continues from its present value."""
        if self._family is CounterMetricFamily:
            self._before += self._read()
        self._read = read


class _Durations:
    """The durations of one door's requests: the number of requests in each bucket, and the sum of the durations."""

    __slots__ = ("counts", "total_seconds")

    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        self.total_seconds = 0.0


class _Requests:
    """The number of requests with the same labels, and the durations of their door, so that one look-up finds both."""

    __slots__ = ("count", "durations")

    def __init__(self, durations: _Durations) -> None:
        self.count = 0
        self.durations = durations


class _Counters(Collector):
    """The numbers that this module itself counts, in the order in which they are shown."""

    def __init__(self) -> None:
        self.running = 0
        self.requests: dict[tuple[str, str, int | str], _Requests] = {}
        self.durations: dict[str, _Durations] = {}
        self.events: dict[str, int] = {}

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(_PREFIX + "requests_total", "Requests answered.", labels=("door", "verdict", "status"))
        for (door, verdict, status), alike in self.requests.items():
            requests.add_metric((door, verdict, str(status)), alike.count)
        yield requests
        seconds = HistogramMetricFamily(_PREFIX + "request_seconds", "Time from head to last byte.", labels=("door",))
        for door, took in self.durations.items():
            seconds.add_metric((door,), list(zip(_BOUNDS, accumulate(took.counts), strict=True)), took.total_seconds)
        yield seconds
        yield GaugeMetricFamily(_PREFIX + "requests_running", "Requests being answered now.", value=self.running)
        events = CounterMetricFamily(_PREFIX + "events_total", "What the log told, by event.", labels=("event",))
        for event, count in self.events.items():
            events.add_metric((event,), count)
        yield events


class Metrics:
    """All metrics of one gateway; two gateways in one process share nothing."""

    def __init__(self) -> None:
        """Every counter is zero."""
        self.registry = CollectorRegistry()
        self._counters = _Counters()
        self._watched: dict[str, _Watched] = {}
        self.registry.register(self._counters)

    def request_started(self) -> None:
        """Count the start of a request."""
        self._counters.running += 1

    def answered(self, door: str, verdict: str, status: int, seconds: float) -> None:
        """Count the end of a request: it was answered, or its client left (``status`` 499). ``seconds``: its duration."""
        counters = self._counters
        counters.running -= 1
        try:
            alike = counters.requests[door, verdict or "none", status]
        except KeyError:
            alike = self._first(door, verdict or "none", status)
        alike.count += 1
        alike.durations.counts[bisect_left(_SECONDS, seconds)] += 1
        alike.durations.total_seconds += seconds

    def happened(self, event: str) -> None:
        """Count an event of the log, such as a session whose end could not be proven."""
        events = self._counters.events
        if event not in events and len(events) >= LARGEST_SERIES:
            event = _OTHER
        events[event] = events.get(event, 0) + 1

    def watch_total(self, name: str, documentation: str, read: Read) -> None:
        """Add a counter whose number another object keeps. ``read`` returns it; it must never fall."""
        self._watch(CounterMetricFamily, name, documentation, read)

    def watch_level(self, name: str, documentation: str, read: Read) -> None:
        """Add a gauge whose number another object keeps. ``read`` returns it."""
        self._watch(GaugeMetricFamily, name, documentation, read)

    def _watch(self, family: type[CounterMetricFamily] | type[GaugeMetricFamily], name: str, documentation: str, read: Read) -> None:
        known = self._watched.get(name)
        # Known already: after a reload the new objects of the gateway add the same names again.
        if known is not None:
            return known.follow(read)
        self._watched[name] = _Watched(family, _PREFIX + name, documentation, read)
        self.registry.register(self._watched[name])

    def exposition(self) -> bytes:
        """All metrics, in Prometheus' text format."""
        return generate_latest(self.registry)

    def _first(self, door: str, verdict: str, status: int) -> _Requests:
        """Make the counter for requests with these labels; the one of "other" if there are too many."""
        requests, durations = self._counters.requests, self._counters.durations
        if len(requests) < LARGEST_SERIES:
            return requests.setdefault((door, verdict, status), _Requests(durations.setdefault(door, _Durations())))
        return requests.setdefault((_OTHER, _OTHER, _OTHER), _Requests(durations.setdefault(_OTHER, _Durations())))
