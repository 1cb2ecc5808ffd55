"""Owns how the cost of one call is measured. Prints nothing."""

import statistics
import time
from collections.abc import Callable


def microseconds(work: Callable[[], object], rounds: int, repeats: int) -> tuple[float, float]:
    """CPU time of one call: the median and the least over the rounds."""
    times = []
    for _ in range(rounds):
        started = time.thread_time()
        for _ in range(repeats):
            work()
        times.append((time.thread_time() - started) / repeats * 1e6)
    return statistics.median(times), min(times)
