"""Okta's event hook deliveries: which events they contain, and what the gateway does for the users they are about.

    kind     event types                                       what follows
    ENDS     clear, suspend, deactivate, delete, lock,         the user's sessions that Okta created before the event are
             password, Universal Logout                        revoked; for all others of the user, Okta is asked again
    ASKS     a session's end, its context, risk                Okta is asked again: other browsers of the user may go on
    BEGINS   a session's start                                 nothing; it shows that the hook works

Deliveries arrive late, twice and out of order. The result does not depend on their order: only the latest event that ends sessions counts
for a user, and it leaves sessions alone that began after it. This module must never raise an exception, whatever the bytes are. Sources:
Okta, Event Hooks (concept) and System Log API (LogEvent).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.policy.http.messages import Malformed
from gateway.policy.session.session import moment

LARGEST_DELIVERY_BYTES: Final = 1024 * 1024
"""Okta documents no limit. An event has 2 to 10 kB, and one delivery holds the events of a short time: at least a hundred fit in here."""

LONGEST_ID: Final = 200
LONGEST_SOURCE: Final = 2048
SKEW_SECONDS: Final = 60.0
MOST_USERS: Final = 1000
"""Users in one delivery. A hundred events name about two hundred users."""

BEGINS: Final = frozenset({"user.session.start"})
ASKS: Final = frozenset(
    {"user.session.end", "user.session.context.change", "user.risk.change", "user.risk.detect", "policy.auth_reevaluate.fail"}
)
ENDS: Final = frozenset(
    {
        "user.session.clear",
        "user.lifecycle.suspend",
        "user.lifecycle.deactivate",
        "user.lifecycle.delete.initiated",
        "user.account.lock",
        "user.account.reset_password",
        "user.account.update_password",
        "user.authentication.universal_logout",
    }
)
"""The event types that the operator subscribes the hook to."""

_LOCKED: Final = "user.account.lock"
"""It ends sessions although its outcome is FAILURE: failed sign-ins cause it. Another failed event of ``ENDS`` changed nothing at Okta."""
_FAILED: Final = "FAILURE"
_USER: Final = "user"


@dataclass(frozen=True, slots=True)
class OktaEvent:
    """One event. ``published``: Unix seconds by Okta's clock. ``targets``: ids of the users it is about. ``actor``: id of the user who did
    it, or "".
    """

    type: str
    published: float
    targets: tuple[str, ...]
    actor: str
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """The content of one delivery, the earliest event first. ``unreadable``: how many of its events could not be understood.

    ``host``: the host of the org that sent it, from its ``source`` field; "" if that has none.
    """

    id: str
    events: tuple[OktaEvent, ...]
    unreadable: int = 0
    host: str = ""


@dataclass(frozen=True, slots=True)
class Consequences:
    """What the gateway must do after a delivery, by user id.

    ``ends``: the sessions that Okta created before this Unix second are revoked. ``asks``: the users about whom Okta is asked again.
    ``begins``: the Unix second of each user's last sign-in.
    """

    ends: Mapping[str, float]
    asks: frozenset[str]
    begins: Mapping[str, float]


def read_delivery(body: bytes) -> EventDelivery | Malformed:
    """The events of a delivery, sorted by ``published``; 400 if it is not a delivery of an event hook, 413 if it names too many users."""
    try:
        content: Any = json.loads(body)
    except (ValueError, RecursionError):
        return Malformed(400, "not_json")
    if not isinstance(content, dict) or content.get("eventType") != "com.okta.event_hook":
        return Malformed(400, "no_event_hook")
    event_id: Any = content.get("eventId") or content.get("eventID")  # older samples of Okta's have the second spelling
    events = _member(content.get("data"), "events")
    if not _is_id(event_id) or not isinstance(events, list):
        return Malformed(400, "incomplete_event_hook")
    read = tuple(map(_event, events))
    known = tuple(event for event in read if event is not None)
    if sum(len(event.targets) + 1 for event in known) > MOST_USERS:
        return Malformed(413, "too_many_users")
    ordered = tuple(sorted(known, key=lambda event: event.published))
    return EventDelivery(event_id, ordered, len(read) - len(known), _host(content.get("source")))


def consequences(delivery: EventDelivery, wall: float) -> Consequences:
    """What the gateway must do after all events of a delivery. ``wall``: now, in Unix seconds.

    The time of an event is at most ``SKEW_SECONDS`` after now. Otherwise an event from the future would end sessions that have not begun
    yet.
    """
    ends: dict[str, float] = {}
    asks: set[str] = set()
    begins: dict[str, float] = {}
    for event in delivery.events:
        everybody = (*event.targets, *((event.actor,) if event.actor else ()))
        if event.type in BEGINS and not event.has_failed:
            begins |= dict.fromkeys(everybody, event.published)
        elif event.type in ASKS or (event.type in ENDS and event.has_failed and event.type != _LOCKED):
            asks |= set(everybody)
        elif event.type in ENDS:
            # An administrator who suspends a user stays signed in. Okta is asked again about her too, which does no harm.
            ended = event.targets or everybody
            asks |= set(everybody) - set(ended)
            ends |= dict.fromkeys(ended, max(0.0, min(event.published, wall + SKEW_SECONDS)))
    return Consequences(ends, frozenset(asks - set(ends)), begins)


def _host(source: object) -> str:
    """The host of a URL; "" if it has none."""
    try:
        return (urlsplit(source).hostname or "") if isinstance(source, str) and len(source) <= LONGEST_SOURCE else ""
    except ValueError:
        return ""


def _event(content: object) -> OktaEvent | None:
    """The event; None if its type or time cannot be read, or if it names no user although its type needs one."""
    event_type, published = _member(content, "eventType"), moment(_member(content, "published"))
    if not isinstance(event_type, str) or published is None:
        return None
    if event_type not in BEGINS | ASKS | ENDS:
        return OktaEvent(event_type, published.timestamp(), (), "")
    targets = _member(content, "target")
    users = tuple(dict.fromkeys(_users(targets if isinstance(targets, list) else ())))
    actor = next(_users((_member(content, "actor"),)), "")
    if not users and not actor:
        return None
    has_failed = _member(_member(content, "outcome"), "result") == _FAILED
    return OktaEvent(event_type, published.timestamp(), users, actor, has_failed)


def _users(entities: Iterable[object]) -> Iterator[str]:
    for entity in entities:
        kind, name = _member(entity, "type"), _member(entity, "id")
        if isinstance(kind, str) and kind.lower() == _USER and _is_id(name):
            yield name


def _member(content: object, name: str) -> Any:
    return content.get(name) if isinstance(content, dict) else None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID and value.isascii() and value.isprintable()
