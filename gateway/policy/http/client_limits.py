"""Limits for requests of one client, and for connections of all clients together; and what counts as one client.

One client is an IPv4 address, or the first 64 bits of an IPv6 address, which belong to one customer. The text form of this is called
*network*. A client that a trusted proxy does not name must never be counted, because many clients would share one limit.

Above a limit the answer is 503 with ``Retry-After``. Front proxies and browsers understand this as "not now", and nginx answers the same
for ``limit_conn``.
"""

import ipaddress
from typing import Final

from gateway.memo import Memo

_MOST_NETWORKS: Final = 4096
_ROOM_AGAIN: Final = 0.9


def network_of(client: str) -> str | None:
    """The key of one client: its IPv4 address as text, or the first 64 bits of its IPv6 address in hex; None if the text is no address."""
    return _networks[client]


def _network(client: str) -> str | None:
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return address.packed[:8].hex() if address.ipv4_mapped is None else str(address.ipv4_mapped)


_networks: Final = Memo(_network, most=_MOST_NETWORKS)


class ClientLimit:
    """Limits the running requests of each client, including open WebSockets and streams.

    Each ``enter`` that returned True must be followed by exactly one ``leave``.
    """

    __slots__ = ("_counts", "_most", "refused_count")

    def __init__(self, most: int) -> None:
        """``most``: running requests of one client; 0 for no limit. ``refused_count``: how many requests were refused."""
        self._most = most
        self._counts: dict[str, int] = {}
        self.refused_count = 0

    def enter(self, client: str) -> bool:
        """Count one more request of this client. Returns False, without counting, if the client is at its limit."""
        network = _networks[client]
        # A client without an address was not named by its proxy. It is not counted, because many clients would share the count.
        if network is None or not self._most:
            return True
        count = self._counts.get(network, 0)
        if count >= self._most:
            self.refused_count += 1
            return False
        self._counts[network] = count + 1
        return True

    def leave(self, client: str) -> None:
        """A request of this client ended."""
        network = _networks[client]
        count = self._counts.get(network, 0) if network is not None else 0
        if count > 1 and network is not None:
            self._counts[network] = count - 1
        elif network is not None:
            self._counts.pop(network, None)

    def __len__(self) -> int:
        """How many clients have running requests."""
        return len(self._counts)


class ConnectionLimit:
    """Limits the connections of all clients together.

    When the limit is reached, one log line says so. The next line is possible only after a tenth of the connections has closed: so there is
    not a line for each refused connection.
    """

    __slots__ = ("_most", "is_full", "refused_count")

    def __init__(self, most: int) -> None:
        """``most``: connections at the same time. ``refused_count``: how many connections were refused."""
        self._most = most
        self.is_full = False
        self.refused_count = 0

    def admits(self, present: int) -> bool:
        """Whether one more connection is accepted when ``present`` are open."""
        if present >= self._most:
            self.refused_count += 1
            return False
        return True

    def turned(self, present: int) -> bool | None:
        """What to log now: True if the limit was just reached, False if there is room again, None if nothing changed."""
        if not self.is_full and present >= self._most:
            self.is_full = True
            return True
        if self.is_full and present < self._most * _ROOM_AGAIN:
            self.is_full = False
            return False
        return None
