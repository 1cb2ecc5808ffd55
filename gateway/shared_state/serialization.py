"""The serialization of revocations.

The format is one JSON object in ASCII with ``"v": 1`` and named fields, so that two releases of the gateway can run side by side. Absent
fields have their default, and unknown fields are ignored. It must never guess: a known field with a wrong value raises
``BadSerialization``.
Source: RFC 8259.
"""

import json
import re
from collections.abc import Mapping

from gateway.policy.session.session import Fingerprint
from gateway.revocations import Moved, Revocation, Rotation

VERSION = 1
LARGEST_BYTES = 1024 * 1024
LATEST_SECOND = 1e12
_HEX = re.compile(r"(?:[0-9a-f]{2})+")


class BadSerialization(ValueError):
    """These bytes are not a revocation of a version that this release can read."""


def serialized(revocation: Revocation) -> bytes:
    """The revocation as bytes. Raises ``BadSerialization`` if it is larger than ``LARGEST_BYTES``."""
    written = json.dumps(fields_of(revocation), separators=(",", ":")).encode("ascii")
    if len(written) > LARGEST_BYTES:
        raise BadSerialization("too large")
    return written


def deserialized(written: bytes) -> Revocation:
    """The revocation in these bytes. Raises ``BadSerialization`` for anything else."""
    if len(written) > LARGEST_BYTES:
        raise BadSerialization("too large")
    try:
        said = json.loads(written.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise BadSerialization("not JSON") from error
    return revocation_of(said)


def fields_of(revocation: Revocation) -> dict[str, object]:
    """The revocation as a JSON object. Fields with their default value are left out."""
    rotation, moved = revocation.rotation, revocation.moved
    fields: dict[str, object] = {
        "cookies": _hex(revocation.fingerprints),
        "session": revocation.session_mark,
        "user": revocation.user_id,
        "unseen": _hex(revocation.unseen),
        "held": _hex(revocation.held),
        "released": _hex(revocation.released),
        "spared_for": revocation.spared_for or None,
        "moved": {"cookies": _hex(moved.fingerprints), "user": moved.user_id, "browser": moved.browser} if moved is not None else None,
        "kin": {"olds": _hex(rotation.olds), "news": _hex(rotation.news), "user": rotation.user_id, "unseen": _hex(rotation.unseen)}
        if rotation is not None
        else None,
        "everybody": revocation.everybody or None,
        "forgotten": revocation.forgotten or None,
        "began_before": revocation.began_before,
        "doubted": _hex(revocation.doubted),
    }
    return {"v": VERSION, **{name: value for name, value in fields.items() if value is not None and value != []}}


def revocation_of(said: object) -> Revocation:
    """The revocation in this JSON value. Raises ``BadSerialization`` for anything else."""
    fields = _object(said)
    version = fields.get("v")
    if version != VERSION or isinstance(version, bool):
        raise BadSerialization("another version")
    moved, rotation = fields.get("moved"), fields.get("kin")
    return Revocation(
        _fingerprints(fields, "cookies"),
        _text(fields, "session"),
        _text(fields, "user"),
        _fingerprints(fields, "unseen"),
        _fingerprints(fields, "held"),
        _fingerprints(fields, "released"),
        _text(fields, "spared_for") or "",
        _moved(_object(moved)) if moved is not None else None,
        _rotation(_object(rotation)) if rotation is not None else None,
        _is_set(fields, "everybody"),
        _is_set(fields, "forgotten"),
        _second(fields, "began_before"),
        _fingerprints(fields, "doubted"),
    )


def _moved(fields: Mapping[str, object]) -> Moved:
    return Moved(_fingerprints(fields, "cookies"), _text(fields, "user") or "", _text(fields, "browser") or "")


def _rotation(fields: Mapping[str, object]) -> Rotation:
    return Rotation(_fingerprints(fields, "olds"), _fingerprints(fields, "news"), _text(fields, "user"), _fingerprints(fields, "unseen"))


def _object(said: object) -> Mapping[str, object]:
    if not isinstance(said, dict):
        raise BadSerialization("no object")
    return said


def _text(fields: Mapping[str, object], name: str) -> str | None:
    said = fields.get(name)
    if said is not None and not isinstance(said, str):
        raise BadSerialization(name)
    return said


def _is_set(fields: Mapping[str, object], name: str) -> bool:
    said = fields.get(name, False)
    if not isinstance(said, bool):
        raise BadSerialization(name)
    return said


def _second(fields: Mapping[str, object], name: str) -> float | None:
    said = fields.get(name)
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said < LATEST_SECOND:
        raise BadSerialization(name)
    return float(said)


def _fingerprints(fields: Mapping[str, object], name: str) -> tuple[Fingerprint, ...]:
    said = fields.get(name, [])
    if not isinstance(said, list):
        raise BadSerialization(name)
    found = tuple(Fingerprint(bytes.fromhex(one)) for one in said if isinstance(one, str) and _HEX.fullmatch(one))
    if len(found) != len(said):
        raise BadSerialization(name)
    return found


def _hex(fingerprints: tuple[Fingerprint, ...]) -> list[str]:
    return [fingerprint.hex() for fingerprint in fingerprints]
