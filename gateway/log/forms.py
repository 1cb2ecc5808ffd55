"""How a line looks: JSON, or words for a terminal; and the moment that stands first in both.

Owns the two forms. Every line is one line in both, and in neither can a value reach a terminal as anything but characters to read.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import floor
from typing import Literal

import structlog

Format = Literal["json", "text"]
Render = Callable[[Mapping[str, object]], str]
Wall = Callable[[], float]

_logfmt = structlog.processors.LogfmtRenderer(bool_as_flag=False)


def as_json(line: Mapping[str, object]) -> str:
    """One JSON object; what is not ASCII is escaped."""
    return json.dumps(line)


def as_text(line: Mapping[str, object]) -> str:
    """``name=value name="two words"``; what cannot be printed is escaped, so that no value moves the cursor of who reads it."""
    shown = {name: _printable(value) if isinstance(value, str) else value for name, value in line.items()}
    return str(_logfmt(None, "", shown))


RENDER: dict[Format, Render] = {"json": as_json, "text": as_text}


def _printable(value: str) -> str:
    # The line break is left to the renderer, which has a sign of its own for it.
    if value.replace("\n", "").isprintable():
        return value
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in value)


class Moments:
    """What time it is, as lines say it: UTC with microseconds, always equally wide. The date is written once a second."""

    def __init__(self, wall: Wall = time.time) -> None:
        """``wall``: Unix seconds."""
        self._wall = wall
        self._second = 0
        self._until_second = "1970-01-01T00:00:00."

    def now(self) -> str:
        """``2031-05-04T03:02:01.000123Z``."""
        moment = self._wall()
        past = moment - self._second
        if not 0.0 <= past < 1.0:
            self._second = floor(moment)
            self._until_second = datetime.fromtimestamp(self._second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
            past = moment - self._second
        return f"{self._until_second}{str(int(past * 1e6)).zfill(6)}Z"
