"""Measures the memory of this process. Checks nothing by itself."""

from pathlib import Path

MEBIBYTE = 1024 * 1024


def memory() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
