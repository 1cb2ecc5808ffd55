"""Okta's JSON error object: adds one cause to it, or makes a new one.

Must never change a body that is not such an object. Source: Okta's API reference (``errorCode``, ``errorSummary``, ``errorLink``,
``errorId``, ``errorCauses``).
"""

import json
from typing import Any

from gateway.policy.http.messages import Fields


def is_json(fields: Fields) -> bool:
    """Whether an answer is uncompressed JSON, so that a cause can be added to it."""
    kinds = [value for name, value in fields if name.lower() == b"content-type"]
    is_packed = any(name.lower() == b"content-encoding" and value.strip().lower() not in (b"", b"identity") for name, value in fields)
    return len(kinds) == 1 and kinds[0].partition(b";")[0].strip().lower() == b"application/json" and not is_packed


def with_cause(body: bytes, sentence: str) -> bytes | None:
    """The same error object with this sentence as its last cause; None if the body is not an error object."""
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
    """An error object in Okta's form. ``error_id`` distinguishes it from other errors."""
    return {
        "errorCode": code,
        "errorSummary": summary,
        "errorLink": code,
        "errorId": error_id,
        "errorCauses": [{"errorSummary": sentence}],
    }
