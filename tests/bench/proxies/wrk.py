"""Full load: wrk with 32 connections, each asking again as soon as it is answered.

Owns what wrk is told and what it says. Source: wrk's SCRIPTING file (``done``, ``summary.errors``, latency in microseconds).
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.proxies.asked import TARGET
from tests.bench.proxies.processes import found

SCRIPT = """done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n@{"microseconds": %d, "requests": %d, "failed": %d, "p50": %d, "p99": %d}\\n', summary.duration,
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


class Fielded(Protocol):
    """What is asked, apart from its target."""

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Names and values."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one run: requests answered in ``seconds``, those that failed, and times to the answer in milliseconds."""

    seconds: float
    requests: int
    failed: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Answers in a second; a quick refusal is no answer."""
        return (self.requests - self.failed) / self.seconds


def full_load(asked: Fielded, port: int, seconds: float, connections: int, folder: Path, target: str = TARGET) -> Load:
    """Ask as fast as the server answers. Runs on the core of whoever calls."""
    script = folder / "wrk.lua"
    script.write_text(SCRIPT, "ascii")
    fields = [word for name, value in asked.fields for word in ("-H", f"{name}: {value}")]
    words = [found("wrk") or "wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(script), *fields]
    done = subprocess.run([*words, f"http://127.0.0.1:{port}{target}"], capture_output=True, text=True, timeout=seconds + 30, check=True)
    told = json.loads(done.stdout.rpartition("@")[2])
    return Load(told["microseconds"] / 1e6, told["requests"], told["failed"], told["p50"] / 1e3, told["p99"] / 1e3)
