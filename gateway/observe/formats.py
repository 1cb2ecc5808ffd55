"""The two formats of a log line, JSON and text, and the time at its beginning.

Owns the two formats. In both, one event is exactly one line, and control characters in a value are escaped: no value can send a command
to a terminal.
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
    """One JSON object. Characters outside of ASCII are escaped."""
    return json.dumps(line)


def as_text(line: Mapping[str, object]) -> str:
    """``name=value name="two words"``. Characters that cannot be printed are escaped, so that no value can move a terminal's cursor."""
    shown = {name: _printable(value) if isinstance(value, str) else value for name, value in line.items()}
    return str(_logfmt(None, "", shown))


RENDER: dict[Format, Render] = {"json": as_json, "text": as_text}


def _printable(value: str) -> str:
    # The renderer escapes line breaks itself.
    if value.replace("\n", "").isprintable():
        return value
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in value)


class Moments:
    """The time for log lines: UTC with microseconds, always of the same width. The part up to the second is formatted once per second."""

    def __init__(self, wall: Wall = time.time) -> None:
        """``wall``: Unix seconds."""
        self._wall = wall
        self._second = 0
        self._until_second = "1970-01-01T00:00:00."

    def now(self) -> str:
        """The time now, such as ``2031-05-04T03:02:01.000123Z``."""
        moment = self._wall()
        past = moment - self._second
        if not 0.0 <= past < 1.0:
            self._second = floor(moment)
            self._until_second = datetime.fromtimestamp(self._second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
            past = moment - self._second
        return f"{self._until_second}{str(int(past * 1e6)).zfill(6)}Z"
