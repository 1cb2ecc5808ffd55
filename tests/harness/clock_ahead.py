"""A clock for other processes that a test can move forward. Gateways and servers that are started with ``environ`` use it.

Owns the offset, in a mapped file, and the library that adds it to the system's time (``ahead.c``). A step forward looks like a machine that
was suspended: no timer fired meanwhile, and all due timers fire at the next wake-up. Checks nothing by itself.
"""

import mmap
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="no C compiler; on Debian: apt-get install gcc libc6-dev")


class ClockAhead:
    """``seconds``: how far it is ahead of this machine's. It never goes back."""

    def __init__(self, folder: Path) -> None:
        """The library and the file are made in this folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.seconds = 0.0
        library, file = folder / "ahead.so", folder / "ahead"
        subprocess.run(
            [GCC or "gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(Path(__file__).with_name("ahead.c"))], check=True, timeout=60
        )
        file.write_bytes(struct.pack("d", 0.0))
        with file.open("r+b") as opened:
            self._mapped = mmap.mmap(opened.fileno(), 8)
        self.environ: Mapping[str, str] = {"LD_PRELOAD": str(library), "TEST_CLOCK_AHEAD": str(file)}

    def advance(self, seconds: float) -> None:
        """So many seconds pass for all of them at once."""
        self.seconds += seconds
        struct.pack_into("d", self._mapped, 0, self.seconds)
