"""What the memory of sessions counts by itself, for the metrics. Must never hold anything of anybody."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Since the start: questions begun, answers from memory, callers that joined a question, findings that stayed unknown."""

    asked: int = 0
    hits: int = 0
    coalesced: int = 0
    unknown: int = 0
