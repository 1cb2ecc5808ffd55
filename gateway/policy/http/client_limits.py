"""How much one client may have open at once, and all of them together.

Owns both counts, and who counts as one client: an IPv4 address, or the 64 bits of IPv6 that one customer has. Must never count a client
whom a trusted proxy does not name: under that word come many.

The answer to one too many is 503 with Retry-After, for a client as for all: a front proxy or a browser understands it as "not now", and it
is what nginx says for ``limit_conn``.
"""

import ipaddress
from typing import Final

from gateway.policy.learned import Learned

_KNOWN_PLACES: Final = 4096
_ROOM_AGAIN: Final = 0.9


def place_of(client: str) -> str | None:
    """What of an address stands for one client; None for what is no address."""
    return _places[client]


def _place(client: str) -> str | None:
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return address.packed[:8].hex() if address.ipv4_mapped is None else str(address.ipv4_mapped)


_places: Final = Learned(_place, most=_KNOWN_PLACES)


class ClientLimit:
    """The requests of each client that are being answered now, open sockets and streams among them.

    Whoever was let in by ``enter`` must ``leave`` once.
    """

    __slots__ = ("_counts", "_most", "refused")

    def __init__(self, most: int) -> None:
        """``most``: at once for one client; 0 for no limit. ``refused`` counts those who were not let in."""
        self._most = most
        self._counts: dict[str, int] = {}
        self.refused = 0

    def has_room(self, client: str) -> bool:
        """Whether ``enter`` would let this client in now; nothing is counted."""
        place = _places[client]
        return place is None or not self._most or self._counts.get(place, 0) < self._most

    def enter(self, client: str) -> bool:
        """Whether this client may have one request more."""
        place = _places[client]
        if place is None or not self._most:
            return True
        count = self._counts.get(place, 0)
        if count >= self._most:
            self.refused += 1
            return False
        self._counts[place] = count + 1
        return True

    def leave(self, client: str) -> None:
        """A request of this client is over."""
        place = _places[client]
        count = self._counts.get(place, 0) if place is not None else 0
        if count > 1 and place is not None:
            self._counts[place] = count - 1
        elif place is not None:
            self._counts.pop(place, None)

    def __len__(self) -> int:
        """How many clients are here."""
        return len(self._counts)


class ConnectionLimit:
    """The connections of all clients. Full, it has room again when a tenth has left: one line in a log says so, not one for each guest."""

    __slots__ = ("_most", "is_full", "refused")

    def __init__(self, most: int) -> None:
        """``most``: connections at once. ``refused`` counts those for whom there was no room."""
        self._most = most
        self.is_full = False
        self.refused = 0

    def admits(self, present: int) -> bool:
        """Whether one more may come, when so many are there."""
        if present >= self._most:
            self.refused += 1
            return False
        return True

    def turned(self, present: int) -> bool | None:
        """What is to be told: True where the house became full, False where it has room again, None where nothing is new."""
        if not self.is_full and present >= self._most:
            self.is_full = True
            return True
        if self.is_full and present < self._most * _ROOM_AGAIN:
            self.is_full = False
            return False
        return None
