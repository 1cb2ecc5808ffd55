"""The counters of the session cache, for the metrics. They must never hold anything about a user."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Counts since the start.

    ``questions``: those sent to Okta. ``hits``: answers from the cache. ``coalesced``: callers that joined a question under way.
    ``unknown``: callers that got no clear answer.
    """

    questions: int = 0
    hits: int = 0
    coalesced: int = 0
    unknown: int = 0
