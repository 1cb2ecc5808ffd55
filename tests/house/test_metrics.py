"""What Prometheus reads."""

from gateway.metrics import Metrics


def test_requests_are_counted_by_door_verdict_and_status() -> None:
    metrics = Metrics()
    for status in (200, 200, 503):
        metrics.began()
        metrics.answered("app", "admit" if status == 200 else "unavailable", status, 0.2)
    metrics.began()
    told = metrics.exposition().decode()
    assert 'session_gateway_requests_total{door="app",status="200",verdict="admit"} 2.0' in told
    assert 'session_gateway_requests_total{door="app",status="503",verdict="unavailable"} 1.0' in told
    assert 'session_gateway_request_seconds_bucket{door="app",le="0.25"} 3.0' in told
    assert "session_gateway_requests_running 1.0" in told
    assert "_created" not in told


def test_numbers_of_others_are_asked_for_when_they_are_told() -> None:
    metrics, kept = Metrics(), [1]
    metrics.watch_total("hits_total", "Hits.", lambda: kept[0])
    metrics.watch_level("pending", "Pending.", lambda: -kept[0])
    kept[0] = 7
    told = metrics.exposition().decode()
    assert "session_gateway_hits_total 7.0" in told
    assert "session_gateway_pending -7.0" in told


def test_two_gateways_in_one_process_share_nothing() -> None:
    one, other = Metrics(), Metrics()
    one.happened("close_unproven")
    assert 'session_gateway_events_total{event="close_unproven"} 1.0' in one.exposition().decode()
    assert "close_unproven" not in other.exposition().decode()
