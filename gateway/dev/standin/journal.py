"""The journal: a list of the requests that reached the org, in order of arrival.

Owns: what tests can see of a request: names, fingerprints, status.
Must never: hold a cookie value, a token or a body; grow without bound; record the control paths.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.dev.standin.clock import date_time

MOST_ROWS = 10_000


def fingerprint(value: str) -> str:
    """Return the first 16 hexadecimal characters of the value's SHA-256. The journal writes them instead of a secret."""
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:16]


@dataclass(slots=True)
class Row:
    """One request. `status` is None until it is answered, and 0 if the org closed the connection without an answer."""

    n: int
    at: float
    method: str
    host: str
    path: str
    query_names: Sequence[str]
    cookies: Mapping[str, str]
    cookie_names: Sequence[str]
    token: str | None
    status: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return the row as the control path shows it."""
        return {
            "n": self.n,
            "at": date_time(self.at),
            "method": self.method,
            "host": self.host,
            "path": self.path,
            "query_names": list(self.query_names),
            "cookies": dict(self.cookies),
            "cookie_names": list(self.cookie_names),
            "token": self.token,
            "status": self.status,
        }


class Journal:
    """The last 10,000 requests, numbered from 1."""

    def __init__(self) -> None:
        self._rows: deque[Row] = deque(maxlen=MOST_ROWS)
        self._count = 0
        self._arrival = asyncio.Event()

    @property
    def rows(self) -> list[Row]:
        """The rows kept, oldest first."""
        return list(self._rows)

    def next_number(self) -> int:
        """Return the number of the next row."""
        self._count += 1
        return self._count

    def record(self, row: Row) -> None:
        """Add a row when a request arrives. Its status is set later."""
        self._rows.append(row)
        arrival, self._arrival = self._arrival, asyncio.Event()
        arrival.set()

    def clear(self) -> None:
        """Remove all rows. Their numbers are not used again."""
        self._rows.clear()

    async def seen(self, method: str, path: str, times: int = 1) -> Row:
        """Wait until the org has received this request so many times, and return the last row. The caller must set a deadline."""
        while True:
            arrival = self._arrival
            found = [row for row in self._rows if row.method == method and row.path == path]
            if len(found) >= times:
                return found[times - 1]
            await arrival.wait()
