"""Full load: wrk with 32 connections, each asking again as soon as it is answered.

Owns what wrk is told and what it says: one request again and again, or many different ones from a file. Source: wrk's SCRIPTING file
(``request``, ``done``, ``summary.errors``, latency in microseconds).
"""

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.proxies.app_request import TARGET
from tests.bench.proxies.processes import found

SCRIPT = """done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n@{"microseconds": %d, "requests": %d, "failed": %d, "p50": %d, "p99": %d}\\n', summary.duration,
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
"""
NEW = b"\1"
"""Stands in a message where a number goes that was never sent before, or always the same one."""
MESSAGES = """
local file, whole, parts = assert(io.open("@FILE@", "rb")), {}, {}
for message in file:read("*a"):gmatch("[^%z]+") do
  local between = {}
  for part in (message .. "\\1"):gmatch("([^\\1]*)\\1") do between[#between + 1] = part end
  parts[#parts + 1], whole[#whole + 1] = between, table.concat(between, "1000000000000")
end
file:close()
math.randomseed(3)
local random, concat, number, group, place = math.random, table.concat, @FIRST@, 0, @TOGETHER@
request = function()
  if place == @TOGETHER@ then place, group = 0, (random(#whole / @TOGETHER@) - 1) * @TOGETHER@ end
  place = place + 1
  if random() >= @SHARE@ then return whole[group + place] end
  number = number + 1
  return concat(parts[group + place], number)
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


@dataclass(frozen=True, slots=True)
class Messages:
    """Whole requests in a file. They are sent by chance in groups of ``together``; ``share`` of them with new numbers (see ``NEW``)."""

    file: Path
    together: int = 1
    share: float = 0.0

    @property
    def script(self) -> str:
        """What wrk is told; a later run has other numbers than an earlier one."""
        first = int(time.monotonic() * 10) * 10**6
        values = {"FILE": self.file, "FIRST": first, "TOGETHER": self.together, "SHARE": self.share}
        text = MESSAGES
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        return text


def written(messages: Sequence[bytes], file: Path) -> Path:
    """The file, with these messages in it."""
    file.write_bytes(b"\0".join(messages))
    return file


def full_load(asked: Fielded, port: int, seconds: float, connections: int, folder: Path, target: str = TARGET) -> Load:
    """Ask as fast as the server answers. Runs on the core of whoever calls."""
    fields = [word for name, value in asked.fields for word in ("-H", f"{name}: {value}")]
    return _load("", fields, f"http://127.0.0.1:{port}{target}", seconds, connections, folder)


def varied_load(messages: Messages, port: int, seconds: float, connections: int, folder: Path) -> Load:
    """The same with many different requests; their first ones are the same in each run."""
    return _load(messages.script, [], f"http://127.0.0.1:{port}/", seconds, connections, folder)


def _load(more: str, fields: Sequence[str], url: str, seconds: float, connections: int, folder: Path) -> Load:
    script = folder / "wrk.lua"
    script.write_text(SCRIPT + more, "ascii")
    words = [found("wrk") or "wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(script), *fields, url]
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds + 30, check=True)
    told = json.loads(done.stdout.rpartition("@")[2])
    return Load(told["microseconds"] / 1e6, told["requests"], told["failed"], told["p50"] / 1e3, told["p99"] / 1e3)
