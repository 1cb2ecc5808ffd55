"""Parses bytes from the wire: the gateway's answer at the client, and the fields of a request at the app. Checks nothing by itself."""

import re
from dataclasses import dataclass, field

from tests.harness.app import Visit


@dataclass
class RawReply:
    """One answer as the client received it. A chunked body is not decoded."""

    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes
    raw: bytes = field(repr=False, default=b"")

    @classmethod
    def of(cls, raw: bytes) -> "RawReply":
        """Parse the first answer in these bytes, after a 100. Status 0 if the connection ended without an answer."""
        head, _, body = raw.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100"):
            return cls.of(body)
        lines = head.split(b"\r\n")
        pairs = [(name, value) for name, _, value in (line.partition(b": ") for line in lines[1:])]
        return cls(int(lines[0].split(b" ")[1]) if raw else 0, pairs, body, raw)

    def values(self, name: str) -> list[str]:
        return [value.decode("latin-1") for key, value in self.fields if key.lower() == name.lower().encode()]

    @property
    def location(self) -> str:
        return next(iter(self.values("Location")), "")


def told(visit: Visit, name: str) -> list[str]:
    """Return the values that the most careless server would find under this name.

    Such a server ignores case, and treats all characters except letters and digits as equal.
    """
    pairs = (line.partition(b": ")[::2] for line in visit.fields)
    return [value.decode("latin-1") for key, value in pairs if _careless(key) == _careless(name.encode())]


def _careless(name: bytes) -> bytes:
    return re.sub(rb"[^a-z0-9]", b"-", name.lower())
