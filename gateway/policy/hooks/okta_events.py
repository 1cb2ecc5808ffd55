"""Okta's event hook deliveries: which events they hold, and what follows for the users that these are about.

Owns the list of event types, the reading of a delivery, and the decision. Must never raise for any bytes, and never end a session that
began after the event. Rules from: Okta, Event Hooks (concept) and System Log API (LogEvent).

    kind     event types                                       what follows
    ENDS     clear, suspend, deactivate, delete, lock,         sessions that Okta created before the event are revoked;
             password, Universal Logout                        what else was asked about the user is asked again
    ASKS     a session's end, its context, risk                Okta is asked again: the user's other browsers go on
    BEGINS   a session's start                                 nothing; it shows that the hook works

Deliveries come late, twice and out of order. Nothing here depends on their order: of each user only the latest event that ends sessions
counts, and an event that is older than a session leaves that session alone.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.policy.http.messages import Malformed
from gateway.policy.session.session import moment

LARGEST_DELIVERY_BYTES: Final = 1024 * 1024
"""Okta names no bound. An event has 2 to 10 kB, and those of a short time travel together: this holds a hundred of them at least."""

LONGEST_ID: Final = 200
LONGEST_SOURCE: Final = 2048
SKEW_SECONDS: Final = 60.0
MOST_USERS: Final = 1000
"""Users of one delivery; a hundred events name some two hundred."""

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
EVENT_TYPES: Final = (*sorted(BEGINS), *sorted(ASKS), *sorted(ENDS))
"""What the hook is to be subscribed to."""

_LOCKED: Final = "user.account.lock"
_FAILED: Final = "FAILURE"
_USER: Final = "user"


@dataclass(frozen=True, slots=True)
class OktaEvent:
    """One event. ``published``: Unix seconds by Okta's clock. ``targets``: ids of the users it is about; ``actor``: who did it, or ""."""

    type: str
    published: float
    targets: tuple[str, ...]
    actor: str
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """What one request of Okta's holds, the earliest event first; ``unreadable``: events of which nobody can say what they mean.

    ``host``: of the org that sends it, as its ``source`` says; "" where it does not.
    """

    id: str
    events: tuple[OktaEvent, ...]
    unreadable: int = 0
    host: str = ""


@dataclass(frozen=True, slots=True)
class Consequences:
    """What follows from a delivery, by user id. ``ends``: the Unix second before which Okta created what is revoked.

    ``asks``: users about whom Okta is asked again. ``begins``: the Unix second at which they last signed in.
    """

    ends: Mapping[str, float]
    asks: frozenset[str]
    begins: Mapping[str, float]


def read_delivery(body: bytes) -> EventDelivery | Malformed:
    """The events of a delivery, in the order of ``published``; 400 where it is none."""
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
    """What follows from all events of a delivery together. ``wall``: now, in Unix seconds.

    An event from a future that no two clocks differ by counts as one of now: else it would end sessions that are yet to begin.
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
            # An administrator who suspends somebody stays signed in; her own answer is asked for again, which costs nothing.
            ended = event.targets or everybody
            asks |= set(everybody) - set(ended)
            ends |= dict.fromkeys(ended, max(0.0, min(event.published, wall + SKEW_SECONDS)))
    return Consequences(ends, frozenset(asks - set(ends)), begins)


def _host(source: object) -> str:
    """The host of a URL; "" where there is none."""
    try:
        return (urlsplit(source).hostname or "") if isinstance(source, str) and len(source) <= LONGEST_SOURCE else ""
    except ValueError:
        return ""


def _event(content: object) -> OktaEvent | None:
    """The event; None where its type or its time cannot be read, or no user where one is needed."""
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
