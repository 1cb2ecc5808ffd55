"""Okta's sample events: the delivery of the Event Hooks concept, and events of other types in the form of its System Log API."""

import json
from datetime import UTC, datetime
from typing import Any

PUBLISHED = datetime(2026, 11, 20, 9, 0, tzinfo=UTC).timestamp()


def date_time(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def user(user_id: str, login: str = "") -> dict[str, Any]:
    return {"id": user_id, "type": "User", "alternateId": login or f"{user_id}@example.com", "displayName": "Somebody"}


def event(kind: str, published: float = PUBLISHED, *, actor: str = "", target: str = "", result: str = "SUCCESS") -> dict[str, Any]:
    """A LogEvent."""
    return {
        "version": "0",
        "severity": "INFO",
        "client": {"zone": "OFF_NETWORK", "device": "Unknown", "ipAddress": "203.0.113.9"},
        "actor": user(actor) if actor else {"id": "system", "type": "SystemPrincipal"},
        "target": [{"id": "0oa1", "type": "AppInstance"}, user(target)] if target else None,
        "outcome": {"result": result},
        "uuid": f"f790999f-{kind}-{published}",
        "published": date_time(published),
        "eventType": kind,
        "displayMessage": "Something happened",
        "authenticationContext": {"authenticationStep": 0, "externalSessionId": "1013FfF-DKQSvCI4RVXChzX-w"},
    }


SOURCE = "https://example.okta.com/api/v1/eventHooks/whoql0HfiLGPWc8Jx0g3"


def delivery(*events: object, event_id: str = "b5a188b9-5ece-4636-b041-482ffda96311", source: object = SOURCE) -> bytes:
    """What Okta posts."""
    return json.dumps(
        {
            "eventType": "com.okta.event_hook",
            "eventTypeVersion": "1.0",
            "cloudEventsVersion": "0.1",
            "contentType": "application/json",
            "eventId": event_id,
            "eventTime": date_time(PUBLISHED),
            "source": source,
            "data": {"events": list(events)},
        }
    ).encode()
