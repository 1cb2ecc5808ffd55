"""The names of the keys in Redis, the arguments of the scripts, and the fields of stream entries. Values in, values out."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from gateway.errors import StateFailed
from gateway.revocations import Revocation
from gateway.shared_state.interface import Bounds
from gateway.shared_state.published import FORGOTTEN_PART, KINDS, key_of, parts_of
from gateway.shared_state.serialization import BadSerialization, serialized

Id = tuple[int, int]
"""The id of an entry in a stream: milliseconds and a sequence number."""
BEGINNING: Id = (0, 0)


class Keys:
    """The keys of one prefix. All have the same hash tag, so a Cluster stores them on one node."""

    def __init__(self, prefix: str) -> None:
        """``prefix``: without braces."""
        self._prefix = f"{{{prefix}}}:".encode()
        self.leases = tuple(self._key(f"lease:{part}") for part in ("held", "ends", "last"))
        self.streams = (self._key("log:known"), self._key("log:unseen"))
        indexes = (self._key(f"log:{kind}:{part}") for kind in KINDS for part in ("at", "order"))
        self.log = (self._key("log:about"), *self.streams, *indexes)

    def of_kind(self, kind: str) -> tuple[bytes, ...]:
        """The four keys of the entries of this kind."""
        return tuple(self._key(f"kind:{kind}:{part}") for part in ("values", "ends", "order", "about"))

    def _key(self, name: str) -> bytes:
        return self._prefix + name.encode()


class StreamEntry(NamedTuple):
    """An entry of a stream: its id, its writer, its age when it was written, how long it is valid, and the revocation's bytes."""

    id: Id
    writer: bytes
    age_seconds: float
    seconds: float
    revocation: bytes


def id_of(said: bytes) -> Id:
    """The id that Redis writes as ``1800000000000-0``."""
    ms, _, number = said.partition(b"-")
    return int(ms), int(number)


def spelled_id(entry_id: Id) -> str:
    """The text that Redis uses for this id."""
    return f"{entry_id[0]}-{entry_id[1]}"


def written_of(entries: Iterable[tuple[bytes, Any]]) -> list[StreamEntry]:
    """The entries of a stream. Entries without the fields that this release needs are left out."""
    found = []
    for said, fields in entries:
        try:
            age, kept = int(fields[b"age"]), int(fields[b"for"])
            found.append(StreamEntry(id_of(said), fields[b"from"], age / 1000, kept / 1000, fields[b"says"]))
        except (KeyError, TypeError, ValueError):
            continue
    return found


def arguments_of(revocation: Revocation, age_seconds: float, bounds: dict[str, Bounds]) -> list[bytes | int]:
    """The parts of a revocation as arguments of the scripts. Raises ``StateFailed`` if a part is too large."""
    given: list[bytes | int] = []
    for part in parts_of(revocation):
        try:
            written = serialized(part.revocation)
        except BadSerialization as error:
            raise StateFailed("the revocation is larger than any may be") from error
        most = bounds[part.kind]
        ms, age = milliseconds(part.seconds), milliseconds(age_seconds)
        if age < ms:
            given += [KINDS.index(part.kind) + 1, key_of(written), written, ms, age, most.entries, most.bytes]
    return given


def milliseconds(seconds: float) -> int:
    """Whole milliseconds."""
    return round(seconds * 1000)


FORGOTTEN_BYTES = serialized(FORGOTTEN_PART.revocation)
FORGOTTEN_KEY = key_of(FORGOTTEN_BYTES)
