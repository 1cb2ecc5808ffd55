"""The org's own clock: real time plus an offset that tests move forward.

Owns: the time of the stand-in, and the format of times and durations.
Must never: sleep, or go backwards.
Rules: Okta API conventions (dates are `YYYY-MM-DDTHH:mm:ss.SSSZ`, UTC, milliseconds).
"""

import re
import time
from datetime import UTC, datetime

_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")


class Clock:
    """Real time plus an offset, in seconds since 1970 UTC."""

    __slots__ = ("_offset_seconds",)

    def __init__(self) -> None:
        self._offset_seconds = 0.0

    def now(self) -> float:
        """Return the org's time in seconds since 1970 UTC."""
        return time.time() + self._offset_seconds

    def advance(self, seconds: float) -> None:
        """Move the org's time forward; a negative step is a ValueError."""
        if seconds < 0:
            raise ValueError("the clock only goes forward")
        self._offset_seconds += seconds


def duration_seconds(spelled: object) -> float:
    """Return the seconds of a duration: `"10m"`, `"2s"`, `"500ms"`, or a number of seconds. ValueError for anything else."""
    if isinstance(spelled, (int, float)) and not isinstance(spelled, bool):
        return float(spelled)
    found = _DURATION.fullmatch(spelled.strip()) if isinstance(spelled, str) else None
    if found is None:
        raise ValueError(f"not a duration: {spelled!r}")
    return float(found[1]) * _UNIT_SECONDS[found[2] or "s"]


def whole_seconds(at: float) -> str:
    """Return a time as Okta writes those of sessions and transactions: in whole seconds, `2026-01-02T03:04:05.000Z`."""
    return date_time(float(int(at)))


def date_time(at: float) -> str:
    """Return a time as Okta's API writes it: `2026-01-02T03:04:05.678Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
