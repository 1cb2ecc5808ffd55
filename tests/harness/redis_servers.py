"""Owns real Redis servers on loopback, each on a free port, in a folder of its own, ended with the process. Checks nothing by itself."""

import atexit
import mmap
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

from gateway.shared_state.redis_address import RedisAddress
from tests.harness.ports import free_port

SERVER, SENTINEL = shutil.which("redis-server"), shutil.which("redis-sentinel")
needs_redis = pytest.mark.skipif(SERVER is None, reason="no redis-server; on Debian: apt-get install redis-server")
_TRIES = 4
_DEADLINE_SECONDS = 20.0


class EndedAtOnce(AssertionError):
    """The server ended before it listened; its exit code."""


class RedisProcess:
    """One process of Redis or Sentinel. ``start`` it again after ``kill``; the same port, and what its settings let it keep.

    ``within``: the words before the command that start it somewhere else, where it is reached at ``host``.
    """

    def __init__(
        self,
        folder: Path,
        *settings: str,
        port: int = 0,
        program: str | None = SERVER,
        environ: dict[str, str] | None = None,
        host: str = "127.0.0.1",
        within: tuple[str, ...] = (),
    ):
        self.host, self.port, self.folder = host, port or free_port(), folder
        self._program, self._environ, self._within = program, {**os.environ, **(environ or {})}, within
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        atexit.register(self.kill)
        for _ in range(0 if port else _TRIES):
            with suppress(EndedAtOnce):
                return self.start()
            self.port = free_port()  # another program took it between the look and the start
        self.start()

    @property
    def place(self) -> RedisAddress:
        return RedisAddress(self.host, self.port)

    def start(self) -> None:
        if self._program is None:
            pytest.skip("no redis-server; on Debian: apt-get install redis-server redis-sentinel")
        lines = [f"dir {self.folder}", f"bind {self.host}", "logfile redis.log", *self._settings]
        if not any(line.startswith("port ") for line in lines):
            lines.append(f"port {self.port}")
        if not any(line.startswith(("save", "sentinel ")) for line in lines):
            lines += ['save ""', "appendonly no"]
        (self.folder / "redis.conf").write_text("\n".join(lines) + "\n")
        self._process = subprocess.Popen([*self._within, self._program, str(self.folder / "redis.conf")], env=self._environ)
        self._until_it_listens()

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def cli(self, *words: str) -> str:
        command = ["redis-cli", "-h", self.host, "-p", str(self.port), *words]
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return found.stdout.strip()

    def _until_it_listens(self) -> None:
        assert self._process is not None
        ends = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < ends:
            try:
                with socket.create_connection((self.host, self.port), 1.0):
                    return
            except OSError:
                with suppress(subprocess.TimeoutExpired):
                    raise EndedAtOnce(self._process.wait(timeout=0.01)) from None
        raise AssertionError((self.folder / "redis.log").read_text())


class ClockOfServer:
    """The file that a server with a frozen clock reads its time from."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "clock"
        self.file.write_bytes(struct.pack("d", 1_800_000_000.0))
        with self.file.open("r+b") as opened:
            self._mapped = mmap.mmap(opened.fileno(), 8)

    def set(self, seconds: float) -> None:
        struct.pack_into("d", self._mapped, 0, seconds)


@cache
def running() -> RedisProcess:
    """The server of this process of the tests, on the clock of the machine; who uses it has a prefix of its own."""
    folder = Path(tempfile.mkdtemp(prefix="redis-running-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return RedisProcess(folder)


@cache
def frozen() -> tuple[RedisProcess, ClockOfServer]:
    """The server of this process of the tests whose clock stands still until a test moves it."""
    folder = Path(tempfile.mkdtemp(prefix="redis-frozen-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    clock = ClockOfServer(folder)
    library, source = folder / "frozen.so", Path(__file__).with_name("frozen.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True, timeout=60)
    return RedisProcess(folder / "server", environ={"LD_PRELOAD": str(library), "REDIS_TEST_CLOCK": str(clock.file)}), clock
