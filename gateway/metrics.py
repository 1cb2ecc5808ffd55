"""What the gateway counts, for Prometheus.

Owns the names and labels of all metrics, in a registry of its own. Must never carry a user, an address, a path or a fingerprint in a label:
labels are words from short lists. Rules from: DESIGN section 8, ATTACKS D12, S16; Prometheus naming.
"""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "session_gateway_"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class _Watched(Collector):
    """A counter that somebody else keeps; asked when Prometheus asks."""

    def __init__(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        self._name, self._documentation, self._read = name, documentation, read

    def collect(self) -> Iterator[CounterMetricFamily]:
        yield CounterMetricFamily(self._name, self._documentation, value=self._read())


class Metrics:
    """All metrics of one gateway; two gateways in one process share nothing."""

    def __init__(self) -> None:
        """Begin with every counter at zero. No series say when a counter began: that switch of the library is the whole process's."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves this one function without types
        self.registry = CollectorRegistry()
        self._requests = Counter(_PREFIX + "requests_total", "Requests answered.", ("door", "verdict", "status"), registry=self.registry)
        self._seconds = Histogram(
            _PREFIX + "request_seconds", "Time from head to last byte.", ("door",), buckets=_SECONDS, registry=self.registry
        )
        self._running = Gauge(_PREFIX + "requests_running", "Requests being answered now.", registry=self.registry)
        self._events = Counter(_PREFIX + "events_total", "What the log told, by event.", ("event",), registry=self.registry)

    def began(self) -> None:
        """A request is being answered."""
        self._running.inc()

    def answered(self, door: str, verdict: str, status: int, seconds: float) -> None:
        """A request was answered, or its client left (status 499)."""
        self._running.dec()
        self._requests.labels(door, verdict or "none", str(status)).inc()
        self._seconds.labels(door).observe(seconds)

    def happened(self, event: str) -> None:
        """Something that the log tells took place: a close that could not be proven, an open circuit."""
        self._events.labels(event).inc()

    def watch_total(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Show a number that only grows and that somebody else keeps."""
        self.registry.register(_Watched(_PREFIX + name, documentation, read))

    def watch_level(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Show a number that rises and falls and that somebody else keeps."""
        Gauge(_PREFIX + name, documentation, registry=self.registry).set_function(read)

    def exposition(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)
