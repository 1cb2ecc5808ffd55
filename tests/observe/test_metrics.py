"""The metrics that Prometheus reads."""

import prometheus_client
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gateway.observe.metrics import LARGEST_SERIES, Metrics

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

requests = st.lists(
    st.tuples(
        st.sampled_from(["app", "login", "none"]),
        st.sampled_from(["", "none", "admit", 'a "quoted" \\ word\n']),
        st.integers(100, 599),
        st.one_of(st.sampled_from((0.0, *BUCKETS)), st.floats(0.0, 100.0)),
    )
)


def _by_the_library(answered: list[tuple[str, str, int, float]], events: list[str], running: int) -> bytes:
    """The same numbers, counted and shown by the library's own counters."""
    registry = prometheus_client.CollectorRegistry()
    prefix = "session_gateway_"
    counter = prometheus_client.Counter(prefix + "requests_total", "Requests answered.", ("door", "verdict", "status"), registry=registry)
    seconds = prometheus_client.Histogram(
        prefix + "request_seconds", "Time from head to last byte.", ("door",), buckets=BUCKETS, registry=registry
    )
    prometheus_client.Gauge(prefix + "requests_running", "Requests being answered now.", registry=registry).set(running)
    told = prometheus_client.Counter(prefix + "events_total", "What the log told, by event.", ("event",), registry=registry)
    for door, verdict, status, took in answered:
        counter.labels(door, verdict or "none", str(status)).inc()
        seconds.labels(door).observe(took)
    for event in events:
        told.labels(event).inc()
    return _without_creation(prometheus_client.generate_latest(registry))


def _without_creation(exposition: bytes) -> bytes:
    """The library also says when a series began, unless the whole process is told not to."""
    return b"".join(line for line in exposition.splitlines(keepends=True) if b"_created" not in line)


@given(answered=requests, events=st.lists(st.sampled_from(["one", "two"])), running=st.integers(0, 5))
def test_the_exposition_is_the_librarys_own(answered: list[tuple[str, str, int, float]], events: list[str], running: int) -> None:
    metrics = Metrics()
    for door, verdict, status, took in answered:
        metrics.request_started()
        metrics.answered(door, verdict, status, took)
    for event in events:
        metrics.happened(event)
    for _ in range(running):
        metrics.request_started()
    assert metrics.exposition() == _by_the_library(answered, events, running)


def test_requests_are_counted_by_door_verdict_and_status() -> None:
    metrics = Metrics()
    for status in (200, 200, 503):
        metrics.request_started()
        metrics.answered("app", "admit" if status == 200 else "unavailable", status, 0.2)
    metrics.request_started()
    told = metrics.exposition().decode()
    assert 'session_gateway_requests_total{door="app",status="200",verdict="admit"} 2.0' in told
    assert 'session_gateway_requests_total{door="app",status="503",verdict="unavailable"} 1.0' in told
    assert 'session_gateway_request_seconds_bucket{door="app",le="0.25"} 3.0' in told
    assert "session_gateway_requests_running 1.0" in told
    assert "_created" not in told


def test_labels_from_a_list_that_turns_out_long_are_counted_as_others() -> None:
    metrics = Metrics()
    for number in range(LARGEST_SERIES + 5):
        metrics.request_started()
        metrics.answered(f"door {number}", "admit", number, 0.2)
        metrics.happened(f"event {number}")
    metrics.answered("door 1", "admit", 1, 0.2)
    told = metrics.exposition().decode()
    assert 'session_gateway_requests_total{door="other",status="other",verdict="other"} 5.0' in told
    assert 'session_gateway_requests_total{door="door 1",status="1",verdict="admit"} 2.0' in told
    assert 'session_gateway_request_seconds_count{door="other"} 5.0' in told
    assert 'session_gateway_events_total{event="other"} 5.0' in told
    families = {family.name: family.samples for family in text_string_to_metric_families(told)}
    assert len(families["session_gateway_requests"]) == LARGEST_SERIES + 1
    assert len(families["session_gateway_events"]) == LARGEST_SERIES + 1


def test_numbers_of_others_are_asked_for_when_they_are_told() -> None:
    metrics, kept = Metrics(), [1]
    metrics.watch_total("hits_total", "Hits.", lambda: kept[0])
    metrics.watch_level("pending", "Pending.", lambda: -kept[0])
    kept[0] = 7
    told = metrics.exposition().decode()
    assert "# TYPE session_gateway_hits_total counter\nsession_gateway_hits_total 7.0" in told
    assert "# HELP session_gateway_pending Pending.\n# TYPE session_gateway_pending gauge\nsession_gateway_pending -7.0" in told


def test_two_gateways_in_one_process_share_nothing() -> None:
    one, other = Metrics(), Metrics()
    one.happened("close_unproven")
    assert 'session_gateway_events_total{event="close_unproven"} 1.0' in one.exposition().decode()
    assert "close_unproven" not in other.exposition().decode()
