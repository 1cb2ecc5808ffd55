"""Every code that the log, a page or an answer may hold, with what happened and what to do.

Owns the words that an operator reads about a code. `deploy/TROUBLESHOOTING.md` is made of them (`deploy/troubleshooting.py`), and a
test finds codes of the source that are missing here. Must never decide anything.
"""

from gateway.observe.reasons.apps import APPS, CAUSES
from gateway.observe.reasons.entries import Event, Level, Reason
from gateway.observe.reasons.events import EVENTS
from gateway.observe.reasons.hooks import HOOKS
from gateway.observe.reasons.not_in_front import NOT_IN_FRONT
from gateway.observe.reasons.requests import REQUESTS
from gateway.observe.reasons.sessions import SESSIONS
from gateway.observe.reasons.sign_in import SIGN_IN

__all__ = ["CAUSES", "EVENTS", "GROUPS", "REASONS", "Event", "Level", "Reason", "level_of"]

GROUPS = {
    "Requests": REQUESTS,
    "Sessions": SESSIONS,
    "Signing in and out": SIGN_IN,
    "Apps and front proxies": APPS,
    "Okta's hooks": HOOKS,
    "Orgs that browsers reach by themselves": NOT_IN_FRONT,
}
REASONS = {code: reason for group in GROUPS.values() for code, reason in group.items()}


def level_of(event: str) -> Level:
    """At which level the log writes this event."""
    found = EVENTS.get(event)
    return found.level if found is not None else "info"
