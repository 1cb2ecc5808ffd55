"""Recorded answers of a real org and the stand-in's own, brought into one form in which they can be compared.

Owns: what may differ: secrets and ids (named by kind and order of appearance, so that their relations stay), times (named by their distance
to the session's beginning), counters. Nothing else does.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_ID = re.compile(r"(?<![\w-])(20111|102|00u|00o|oae)(?:example\d{3}|[\w-]{10,})")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_NONCE = re.compile(r"'nonce-[\w-]+'")
_SERVLET_SESSION = re.compile(r"JSESSIONID=[0-9A-F]{16,32};")
_COUNTERS = ("x-rate-limit-remaining", "x-rate-limit-reset")
FRAMING_OF_THIS_SERVER = frozenset({"date", "server"})
"""The recording leaves them out."""
NOT_IN_THE_RECORDING = frozenset({"x-okta-request-id"})
"""Okta documents it on every answer; the recording has none."""


@dataclass(frozen=True)
class ComparableAnswer:
    """One answer in the form that is compared."""

    status: int
    fields: list[tuple[str, str]]
    body: object


def comparable(path: str, status: int, fields: Iterable[tuple[str, str]], text: str) -> ComparableAnswer:
    """Bring an answer to a request of this path into that form."""
    names: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        kind = found[1]
        count = sum(name.startswith(kind) for name in names.values())
        return names.setdefault(found[0], f"{kind}-{count + 1}")

    _ID.sub(named, path)
    kept = [(name.lower(), _ID.sub(named, _value(name.lower(), value))) for name, value in fields]
    kept = [(name, value) for name, value in kept if name not in FRAMING_OF_THIS_SERVER | NOT_IN_THE_RECORDING]
    body = json.loads(_ID.sub(named, text)) if text else ""
    # A list sorts stably by name alone: the order of the Set-Cookie lines stays.
    return ComparableAnswer(status, sorted(kept, key=lambda field: field[0]), _with_distances(body))


def _value(name: str, value: str) -> str:
    if name in _COUNTERS:
        return "a number" if value.isdigit() else value
    return _NONCE.sub("'nonce-'", _SERVLET_SESSION.sub("JSESSIONID=;", value))


def _with_distances(body: object) -> object:
    """Name each time by its distance to `createdAt`; where there is none, by its form alone."""
    created_at = body.get("createdAt") if isinstance(body, Mapping) else None

    def walked(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: walked(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [walked(inner) for inner in value]
        if not isinstance(value, str) or not _TIME.fullmatch(value):
            return value
        parts = "whole seconds" if value.endswith(".000Z") else "milliseconds"
        return f"{(_moment(value) - _moment(created_at)).total_seconds()} s, {parts}" if isinstance(created_at, str) else parts

    return walked(body)


def _moment(spelled: str) -> datetime:
    return datetime.fromisoformat(spelled)
