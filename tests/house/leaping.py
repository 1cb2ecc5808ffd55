"""Programs whose clocks leap ahead when a test says so. Checks nothing by itself."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

COMPILER = shutil.which("gcc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no gcc; on Debian: apt-get install gcc libc6-dev")


class Leap:
    """By how much the clocks of the programs with this environment are ahead."""

    def __init__(self, folder: Path) -> None:
        """Nothing yet. ``environ``: what makes a program's clocks follow."""
        self._file, library = folder / "leap", folder / "leap.so"
        self.seconds = 0
        self.ahead(0)
        source = Path(__file__).with_name("leap.c")
        subprocess.run([str(COMPILER), "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True, timeout=60)
        self.environ = {"LD_PRELOAD": str(library), "TEST_CLOCK_LEAP": str(self._file)}

    def ahead(self, seconds: int) -> None:
        """Leap so many seconds further."""
        self.seconds += seconds
        with self._file.open("r+b" if self._file.exists() else "wb") as opened:
            opened.write(struct.pack("d", self.seconds))
