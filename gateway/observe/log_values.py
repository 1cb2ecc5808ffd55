"""What a log line may hold: values under the names in ``NAMES``, checked and shortened.

Owns the rule that a log line cannot hold a secret. It holds for every value in both formats, and for errors. Must never let through a
field, a body, a cookie, a token or a query, or the text of a foreign exception, which may quote any of them.
"""

import re
import traceback

NAMES = frozenset(
    {
        # of a request
        *("door", "status", "method", "app", "route", "verdict", "reason", "peer", "client", "fingerprint", "request_id", "milliseconds"),
        # of the process
        *("address", "admin", "apps", "engine", "error", "field", "frames", "library", "location", "lost", "org", "problem", "seconds"),
        *("template", "version", "worker", "workers"),
        # of servers
        *("cause", "count", "detail", "limit", "wait_seconds"),
        # of sessions and switches
        *("backlog", "before", "by", "code", "cookies", "everybody", "goal", "older_than_seconds", "outcome", "remaining", "rounds"),
        *("stage", "started_by", "state", "step", "tries", "ttl_seconds", "until", "user", "users"),
    }
)
"""The names that a line may hold. `cookies` is a number of cookies, `location` a place in our own source, `lost` a number of lines, `field`
the name of a field that the gateway knows. `user`, `before` (the user who was signed in before) and `users` are Okta's ids, or the login if
the request named the user by it. They are logged, because an audit asks who was signed out."""

LARGEST_VALUE = 200
LONGEST_LIST = 20

_SECRET_LOOKING = re.compile(r"[A-Za-z0-9_\-+/=.~%]{100,}|[?&;]\s*\w*token\w*=|\b(?:sid|idx)\s*=", re.IGNORECASE)


def plain(value: object) -> object:
    """The value as it may be written. Texts that look like secrets are withheld, long texts are cut, objects become their class name."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, str):
        return "(withheld)" if _SECRET_LOOKING.search(value) else value[:LARGEST_VALUE]
    if isinstance(value, tuple | list):
        return [plain(item) for item in value[:LONGEST_LIST]]
    return f"({type(value).__name__})"


def kinds(error: BaseException) -> str:
    """The class names of an error and of its causes (at most five), the outermost first."""
    names: list[str] = []
    current: BaseException | None = error
    while current is not None and len(names) < 5:
        names.append(type(current).__name__)
        current = current.__cause__ or current.__context__
    return " < ".join(names)


def frames(error: BaseException) -> list[str]:
    """The places of an error in the source, the innermost first, at most twelve; no line of source, no local value."""
    places = traceback.extract_tb(error.__traceback__)
    return [f"{place.filename.rpartition('/')[2]}:{place.lineno} {place.name}" for place in reversed(places)][:12]
