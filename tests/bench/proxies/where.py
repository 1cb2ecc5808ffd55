"""Where the gateway's time goes: py-spy looks at it under full load, and what it saw is summed up by function.

``own`` is time in the function itself, C code that it calls included; ``with what it calls`` is everything below it too.
Source: py-spy's ``raw`` format: frames from the outermost in, joined by ``;``, then a count.
"""

import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.bench.proxies.arena import Arena, RunningContestant
from tests.bench.proxies.processes import found
from tests.bench.proxies.wrk import full_load

RATE, LINES = 250, 35
FRAME = re.compile(r"^(?P<name>.+?) \((?P<file>[^)]*?)(?::\d+)?\)$")


def profile(arena: Arena, seconds: float, flame: Path | None) -> str:
    """A table of functions; ``flame`` gets a flame graph (SVG) of a second run."""
    if found("py-spy") is None:
        return "no profile: py-spy is not installed: pip install py-spy"
    with arena.running(arena.system.contestant) as running:
        full_load(arena.asked, running.port, 1, 32, arena.folder)
        recorded = arena.folder / "stacks"
        user, system = running.program.cpu_seconds()
        rate = _recorded(arena, running, seconds, "raw", recorded)
        user_after, system_after = running.program.cpu_seconds()
        if flame is not None:
            _recorded(arena, running, seconds, "flamegraph", flame)
    kernel = (system_after - system) / max(user_after - user + system_after - system, 1e-9)
    head = f"{rate:.0f} requests/s while watched; {kernel:.0%} of the CPU time is the kernel's (sockets)"
    return "\n".join((head, "", *_table(recorded.read_text("utf-8", "replace"))))


def _recorded(arena: Arena, running: RunningContestant, seconds: float, form: str, file: Path) -> float:
    """Watch under load; the rate of that time."""
    words = (found("py-spy") or "", "record", "-p", str(running.program.pid), "-r", str(RATE), "-f", form, "-o", str(file), "-d", "600")
    watching = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        return full_load(arena.asked, running.port, seconds, 32, arena.folder).rate
    finally:
        watching.send_signal(signal.SIGINT)
        said = watching.communicate(timeout=60)[0]
        if not file.exists():
            raise RuntimeError(f"py-spy: {said.decode()[-400:]}")


def _table(stacks: str) -> Iterator[str]:
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for line in stacks.splitlines():
        frames, _, count = line.rpartition(" ")
        names = [_named(frame) for frame in frames.split(";")]
        own[names[-1]] += int(count)
        whole.update(dict.fromkeys(names, int(count)))
    total = max(own.total(), 1)
    yield "| own | with what it calls | function |"
    yield "|--:|--:|---|"
    for name, samples in own.most_common(LINES):
        yield f"| {samples / total:.1%} | {whole[name] / total:.1%} | {name} |"


def _named(frame: str) -> str:
    matched = FRAME.match(frame)
    return frame if matched is None else f"`{matched['name']}` {'/'.join(Path(matched['file']).parts[-3:])}"
