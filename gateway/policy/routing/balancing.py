"""Which of an app's servers gets the next request.

Owns the choice. Must never connect, wait or ask the time: ``now`` is given, in seconds of a clock that never goes back. With one
server nothing is weighed and nothing is put out: there is nowhere else to go, so each request finds out for itself.

The choice is the server with the fewest running requests for its weight; among equals each in turn by weight, spread (3:1 is a a b a).
A sticky app sends one session to one server: the highest of weighted rendezvous hashes, keyed, so that nobody chooses a server by
choosing a cookie; a server that goes moves its own sessions and no other, and gets them back when it returns. While all servers are
out (``standing``) one request a second is let through, so that an app without active checks is found again. Rules from: Thaler and
Ravishankar 1998 (rendezvous hashing); least requests and smooth turns as nginx and Envoy know them.
"""

import hashlib
import math
from collections.abc import Collection, Sequence

from gateway.policy.routing.server_health import Server, ServerHealth, Tolerance


class Balancer:
    """The servers of one app: ``choose`` one, say when a request ``began``, when it was ``answered``, and how it ``ended``."""

    def __init__(self, servers: Sequence[Server], secret: bytes | None = None, tolerance: Tolerance | None = None) -> None:
        """``secret`` (1 to 64 bytes) makes the app sticky. ValueError for no server, or two of one name."""
        forgiven = tolerance if tolerance is not None else Tolerance()
        self.standings = tuple(ServerHealth(server, forgiven) for server in servers)
        self._by_name = {standing.server.name: standing for standing in self.standings}
        if not servers or len(self._by_name) < len(servers):
            raise ValueError("an app needs servers, each with a name of its own")
        self._only = self.standings[0] if len(servers) == 1 else None
        self._tolerance = forgiven
        self._next_probe = self._chosen_at = -math.inf
        self._hashes = {} if secret is None else {name: _hash(name, secret) for name in self._by_name}

    def choose(self, now: float, key: bytes | None = None, avoid: Collection[Server] = ()) -> Server | None:
        """The server for the next request, or None where nobody may be asked (503).

        ``key``: what a sticky app is sticky by, None where there is none. ``avoid``: servers that this request tried in vain.
        """
        only = self._only
        if only is not None:
            return only.server if only.is_up and not avoid else None
        able = [standing for standing in self.standings if standing.takes(now) and standing.server not in avoid]
        if not able:
            chosen = self._last_resort(now, avoid)
        elif key is not None and self._hashes:
            chosen = max(able, key=lambda standing: self._affinity(standing.server, key))
        else:
            chosen = _least(able)
        self._chosen_at = now
        return chosen.server if chosen is not None else None

    @property
    def is_open(self) -> bool:
        """Whether the only server may be asked; True where there are several, and ``choose`` says which."""
        return self._only is None or self._only.is_up

    def began(self, server: Server) -> None:
        """A request goes to the server that was chosen; ``ended`` must follow, once. A choice alone changes nothing for the server."""
        standing = self._by_name[server.name]
        if standing.is_out:
            self._next_probe = self._chosen_at + self._tolerance.between_probes
        standing.began(self._chosen_at)

    def answered(self, server: Server) -> bool:
        """The head of an answer arrived, which proves the server at once, however long the body takes; whether that brought it back."""
        return self._by_name[server.name].answered()

    def ended(self, server: Server, failed: bool | None, now: float) -> bool:
        """A request is over; whether the server went out or came back by it.

        ``failed``: False when its head arrived, whatever became of the body; True when the server was at fault before that; None when
        nobody can tell: the client left first, or a kept connection was found closed.
        """
        standing = self._by_name[server.name]
        standing.running -= 1
        if failed is None:
            return False
        if not failed:
            return standing.answered()
        return self._only is None and standing.failed(now)

    def checked(self, server: Server, healthy: bool) -> bool:
        """An active check of the server ended; whether it went up or down by it."""
        return self._by_name[server.name].checked(healthy)

    def _last_resort(self, now: float, avoid: Collection[Server]) -> ServerHealth | None:
        out = [standing for standing in self.standings if standing.is_up and standing.is_out and standing.server not in avoid]
        if not out or now < self._next_probe:
            return None
        return min(out, key=lambda standing: standing.until)

    def _affinity(self, server: Server, key: bytes) -> float:
        state = self._hashes[server.name].copy()
        state.update(key)
        share = (
            (int.from_bytes(state.digest(), "big") >> 12) + 0.5
        ) / 2**52  # in (0, 1), exactly: neither end has a logarithm to divide by
        return -server.weight / math.log(share)


def _hash(name: str, secret: bytes) -> "hashlib.blake2b":
    return hashlib.blake2b(len(name.encode()).to_bytes(4, "big") + name.encode(), digest_size=8, key=secret)


def _least(able: list[ServerHealth]) -> ServerHealth:
    least, equals = able[0], [able[0]]
    for standing in able[1:]:
        mine, best = standing.running * least.server.weight, least.running * standing.server.weight
        if mine < best:
            least, equals = standing, [standing]
        elif mine == best:
            equals.append(standing)
    if len(equals) == 1:
        return least
    for standing in equals:
        standing.pull += standing.server.weight
    chosen = max(equals, key=lambda standing: standing.pull)
    chosen.pull -= sum(standing.server.weight for standing in equals)
    return chosen
