"""Okta's error object, with one cause more.

Owns its form. Must never touch what is no such object.
Rules from: Okta's API reference (``errorCode``, ``errorSummary``, ``errorLink``, ``errorId``, ``errorCauses``).
"""

import json
from typing import Any

from gateway.policy.http.messages import Fields


def is_json(fields: Fields) -> bool:
    """Whether an answer is plain JSON, so that a cause can be added to it."""
    kinds = [value for name, value in fields if name.lower() == b"content-type"]
    is_packed = any(name.lower() == b"content-encoding" and value.strip().lower() not in (b"", b"identity") for name, value in fields)
    return len(kinds) == 1 and kinds[0].partition(b";")[0].strip().lower() == b"application/json" and not is_packed


def with_cause(body: bytes, sentence: str) -> bytes | None:
    """The same object with this sentence as its last cause; None for what is no error object."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("errorCode"), str):
        return None
    causes = found.get("errorCauses")
    known = causes if isinstance(causes, list) else []
    return json.dumps(found | {"errorCauses": [*known, {"errorSummary": sentence}]}).encode("ascii")


def error_object(code: str, summary: str, sentence: str, error_id: str) -> dict[str, object]:
    """An error object as Okta writes it; ``error_id`` tells two of them apart."""
    return {
        "errorCode": code,
        "errorSummary": summary,
        "errorLink": code,
        "errorId": error_id,
        "errorCauses": [{"errorSummary": sentence}],
    }
