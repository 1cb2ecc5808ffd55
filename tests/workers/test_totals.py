"""The metrics of several workers read as one gateway's, and nothing falls that may only grow."""

from functools import partial

import pytest

from gateway.observe.metrics import Metrics
from gateway.workers.totals import Totals


def worker(requests: int, level: float = 1.0) -> str:
    metrics = Metrics()
    metrics.watch_total("hits_total", "Hits.", lambda: requests * 10)
    metrics.watch_level("streams_open", "Streams.", lambda: level)
    for _ in range(requests):
        metrics.request_started()
        metrics.answered("app", "admit", 200, 0.2)
    return metrics.exposition().decode()


def shown(totals: Totals) -> dict[str, float]:
    lines = [line for line in totals.exposition().decode().splitlines() if not line.startswith("#")]
    assert len({line.rpartition(" ")[0] for line in lines}) == len(lines)
    return {line.rpartition(" ")[0].removeprefix("session_gateway_"): float(line.rpartition(" ")[2]) for line in lines}


REQUESTS = 'requests_total{door="app",status="200",verdict="admit"}'
QUICK = 'request_seconds_bucket{door="app",le="0.25"}'


def test_counters_histograms_and_levels_are_added_up() -> None:
    totals = Totals()
    totals.report("one", worker(2))
    totals.report("other", worker(3, 5.0))
    found = shown(totals)
    assert (found[REQUESTS], found[QUICK], found["hits_total"], found["streams_open"]) == (5, 5, 50, 6)
    assert found['request_seconds_count{door="app"}'] == 5


def test_of_a_moment_the_earliest_is_shown() -> None:
    totals = Totals()
    for worker_name, until in (("one", 1_900_000_000.0), ("other", 1_800_000_000.0), ("third", 1_850_000_000.0)):
        metrics = Metrics()
        metrics.watch_level("certificate_until_seconds", "Until.", partial(float, until))
        totals.report(worker_name, metrics.exposition().decode())
    assert shown(totals)["certificate_until_seconds"] == 1_800_000_000.0


def test_what_a_worker_tells_again_takes_the_place_of_what_it_told() -> None:
    totals = Totals()
    totals.report("one", worker(2))
    totals.report("one", worker(3))
    assert shown(totals)[REQUESTS] == 3


def test_what_the_dead_counted_stays_and_what_they_held_is_gone() -> None:
    totals = Totals()
    totals.report("one", worker(2))
    totals.report("other", worker(3))
    totals.died("one")
    assert (shown(totals)[REQUESTS], shown(totals)["hits_total"], shown(totals)["streams_open"]) == (5, 50, 1)
    totals.report("successor", worker(1))
    totals.died("other")
    totals.died("other")
    totals.died("somebody who told nothing")
    assert (shown(totals)[REQUESTS], shown(totals)[QUICK], shown(totals)["streams_open"]) == (6, 6, 1)


def test_what_cannot_be_read_is_not_added() -> None:
    totals = Totals()
    with pytest.raises(ValueError, match=r"\w"):
        totals.report("one", "no such { metric")
    assert shown(totals) == {}
