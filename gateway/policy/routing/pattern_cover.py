"""Whether the pattern of one rule matches every path that another one matches. Then a later rule with that other pattern has no effect.

The comparison is made once, when the configuration is checked. It may miss a case that depends on the letters of both patterns. It must
never report a cover that does not exist, because a valid configuration would then be refused.
"""

from gateway.policy.http.messages import Malformed
from gateway.policy.http.paths import case_folded, normalised

_REST = "**"


def covers(wide: str, narrow: str, case_insensitive: bool) -> bool:
    """Whether every path that ``narrow`` matches is also matched by ``wide``."""
    segments = [_segments(pattern, case_insensitive) for pattern in (wide, narrow)]
    return all(segments) and _covers(tuple(segments[0]), tuple(segments[1]))


def _segments(pattern: str, case_insensitive: bool) -> list[str]:
    canonical = normalised(pattern)
    if isinstance(canonical, Malformed):
        return []
    return (case_folded(canonical).lower() if case_insensitive else canonical).split("/")[1:]


def _covers(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    """Works segment by segment through ``wide``: ``reached[n]`` says whether these segments cover the first n of ``narrow``."""
    reached = [True] + [False] * len(narrow)
    for segment in wide:
        following = [False] * len(reached)
        for end, is_covered in enumerate(reached):
            if segment == _REST:
                following[end] = is_covered or (end > 0 and following[end - 1])
            elif end > 0:
                following[end] = reached[end - 1] and _segment_covers(segment, narrow[end - 1])
        reached = following
    return reached[-1]


def _segment_covers(wide: str, narrow: str) -> bool:
    if narrow == _REST:
        return False  # ** may stand for no segment, or for several
    if wide == "*":
        return bool(narrow.replace("*", "")) or narrow == "*"  # a segment of several stars may be empty, * may not
    if "*" not in wide or "*" in narrow:
        return wide == narrow
    first, *between, last = wide.split("*")
    if not narrow.startswith(first) or not narrow.endswith(last) or len(narrow) < len(first) + len(last):
        return False
    at, end = len(first), len(narrow) - len(last)
    for piece in between:
        at = narrow.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True
