"""What one code means to an operator: what happened, and what to do about it.

Owns the two kinds of rows. The rows themselves stand in the modules beside this one.
"""

from dataclasses import dataclass
from typing import Literal

Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason on a page, in an answer, or on the line about a request."""

    what: str
    do: str


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the log that is not about a request. ``floods``: it may come very often; then it is written once, and counted."""

    level: Level
    what: str
    do: str
    floods: bool = False


NOTHING = "Nothing."
