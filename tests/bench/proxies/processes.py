"""Programs as processes: each kept to one core, watched through /proc, and ended by its own number.

Must never leave one behind: a program that we started is ended with us, and dies with us even when we are killed.
Source: proc(5), setpriv(1), taskset(1).
"""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
START_SECONDS, END_SECONDS = 60.0, 8.0
LISTENING = "0A"
"""The state of such a socket in /proc/net/tcp."""
ROUTES_SECONDS = 5.0
"""How long a server may listen without knowing its routes (Traefik reads them from a file by and by)."""


class NotRunning(Exception):
    """A program did not start, or ended by itself; the text holds the end of what it said."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to execute, and which variables it finds beside the inherited ones."""

    words: Sequence[str]
    environ: Mapping[str, str]


def found(program: str) -> str | None:
    """Where a program is: beside our own Python first, then on the path, then where the system keeps its servers."""
    return shutil.which(program, path=PATH)


def free_port() -> int:
    """A port of loopback that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


def pause(seconds: float) -> None:
    """Let time pass: figures settle by themselves, there is no event to wait for."""
    threading.Event().wait(seconds)


class Program:
    """A running program and its children. ``with`` ends it."""

    def __init__(self, command: Command, core: int | str, said: Path) -> None:
        """Start it on this core, or on these ("0,1"); what it prints goes to the file ``said``."""
        self._said = said
        words = ("taskset", "-c", str(core), "setpriv", "--pdeathsig", "KILL", *command.words)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SESSION_GATEWAY")}
        with said.open("wb") as out:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**inherited, **command.environ})

    def __enter__(self) -> "Program":
        """Itself."""
        return self

    def __exit__(self, *raised: object) -> None:
        """End it: SIGTERM, and SIGKILL for who does not listen."""
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """The number of the process itself."""
        return self._process.pid

    def listens(self, port: int) -> None:
        """Return when it listens on the port; NotRunning when that does not happen, as where somebody else took the port meanwhile."""
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._has(port):
                return
            pause(0.05)
        raise NotRunning(self._said.read_text("utf-8", "replace")[-400:].strip() or "it says nothing")

    def _has(self, port: int) -> bool:
        """Whether a listening socket with this port is one of its own or of its children."""
        lines = (line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:])
        ours = {f"socket:[{words[9]}]" for words in lines if words[3] == LISTENING and words[1].endswith(f":{port:04X}")}
        try:
            return any(os.readlink(held) in ours for pid in tree(self.pid) for held in Path(f"/proc/{pid}/fd").iterdir())
        except OSError:  # one of them, or one of its files, is gone
            return False

    def cpu_seconds(self) -> tuple[float, float]:
        """What it and its children have used so far: in their own code, and in the kernel for them."""
        user = system = 0
        for pid in tree(self.pid):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            user, system = user + int(fields[11]), system + int(fields[12])
        return user / TICKS, system / TICKS

    def resident_bytes(self) -> int:
        """What it and its children hold in memory; a page that they share counts for its part (Pss)."""
        total = 0
        for pid in tree(self.pid):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total


def tree(pid: int) -> Iterator[int]:
    """A process, and all its children."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from tree(int(child))
