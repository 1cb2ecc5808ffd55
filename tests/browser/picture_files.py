"""Owns pictures that documents show: written where that is asked for, else held against what a test sees.

`GATEWAY_PICTURES=1 pytest …` writes them anew; without it they must be whole PNGs of the same size as what was taken just now.
"""

import os
import struct
from pathlib import Path

ARE_TAKEN = os.environ.get("GATEWAY_PICTURES") == "1"
LARGEST_BYTES = 200_000


def size(picture: bytes) -> tuple[int, int]:
    """Width and height in pixels (PNG specification, section 11.2.1)."""
    assert picture[:8] == b"\x89PNG\r\n\x1a\n" and picture[12:16] == b"IHDR" and picture[-8:-4] == b"IEND"
    width, height = struct.unpack(">II", picture[16:24])
    return int(width), int(height)


def keep(file: Path, picture: bytes) -> None:
    """Write the picture where that was asked for; hold it against the one that is there otherwise."""
    assert len(picture) < LARGEST_BYTES
    if ARE_TAKEN:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(picture)
    assert size(file.read_bytes()) == size(picture)
