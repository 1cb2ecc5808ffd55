"""Load balancing: which of an app's servers gets the next request.

How a server is chosen:

- The server with the fewest running requests, relative to its weight. Among equal servers the choice rotates by weight, evenly spread (3:1
  gives a, a, b, a).
- A sticky app sends each session to one server, the one with the highest weighted rendezvous hash (Thaler and Ravishankar 1998). The hash
  is keyed, so that a client cannot choose its server by choosing a cookie. When a server fails, only its own sessions move, and they return
  when it returns.
- While all servers are out (``server_health``), one request per second is let through. So an app without active health checks is found
  again.
- With a single server there is no choice. Failed requests never put it out, because no other server could take over.

Least-requests and smooth weighted rotation work as in nginx and Envoy. This module must never connect, wait or read a clock: ``now`` is a
parameter, in seconds of a monotonic clock.
"""

import hashlib
import math
from collections.abc import Collection, Sequence

from gateway.policy.routing.server_health import Server, ServerHealth, Tolerance


class Balancer:
    """The servers of one app.

    Call ``choose`` first; then ``request_started``, ``answered`` and ``request_ended`` for each request that is sent.
    """

    def __init__(self, servers: Sequence[Server], secret: bytes | None = None, tolerance: Tolerance | None = None) -> None:
        """``secret`` (1 to 64 bytes) makes the app sticky. ValueError without a server, or if two servers have the same name."""
        forgiven = tolerance if tolerance is not None else Tolerance()
        self.servers = tuple(ServerHealth(server, forgiven) for server in servers)
        self._by_name = {health.server.name: health for health in self.servers}
        if not servers or len(self._by_name) < len(servers):
            raise ValueError("an app needs servers, each with a name of its own")
        self._only = self.servers[0] if len(servers) == 1 else None
        self._tolerance = forgiven
        self._next_probe = self._chosen_at = -math.inf
        self._hashes = {} if secret is None else {name: _hash(name, secret) for name in self._by_name}

    def choose(self, now: float, key: bytes | None = None, avoid: Collection[Server] = ()) -> Server | None:
        """The server for the next request, or None if no server may be used (503).

        ``key``: the value that a sticky app is sticky by; None if the request has none. ``avoid``: servers that failed for this request
        already.
        """
        only = self._only
        if only is not None:
            return only.server if only.is_up and not avoid else None
        able = [health for health in self.servers if health.takes(now) and health.server not in avoid]
        if not able:
            chosen = self._last_resort(now, avoid)
        elif key is not None and self._hashes:
            chosen = max(able, key=lambda health: self._affinity(health.server, key))
        else:
            chosen = _least(able)
        self._chosen_at = now
        return chosen.server if chosen is not None else None

    @property
    def is_open(self) -> bool:
        """Whether the only server is up. Always True for several servers: ``choose`` finds one that is."""
        return self._only is None or self._only.is_up

    def request_started(self, server: Server) -> None:
        """Record that a request is sent to the server that ``choose`` returned. ``request_ended`` must follow, exactly once.

        ``choose`` by itself does not change the state of the server.
        """
        health = self._by_name[server.name]
        if health.is_out:
            self._next_probe = self._chosen_at + self._tolerance.between_probes
        health.request_started(self._chosen_at)

    def answered(self, server: Server) -> bool:
        """Record that the head of a response arrived. Returns whether this brought the server back.

        The head alone proves that the server works, however long the body takes.
        """
        return self._by_name[server.name].answered()

    def request_ended(self, server: Server, failed: bool | None, now: float) -> bool:
        """Record the end of a request. Returns whether the server went out or came back because of it.

        ``failed``: False if the response's head arrived, whatever happened to the body. True if the server failed before that. None if the
        cause is not known: the client left first, or a kept connection was found closed.
        """
        health = self._by_name[server.name]
        health.running -= 1
        if failed is None:
            return False
        if not failed:
            return health.answered()
        # With a single server a failure changes nothing: no other server could take over.
        return self._only is None and health.failed(now)

    def checked(self, server: Server, healthy: bool) -> bool:
        """Record the result of an active health check. Returns whether the server went up or down because of it."""
        return self._by_name[server.name].checked(healthy)

    def _last_resort(self, now: float, avoid: Collection[Server]) -> ServerHealth | None:
        """While all servers are out: the one whose time-out ends first; None if a trial began less than ``between_probes`` seconds ago."""
        out = [health for health in self.servers if health.is_up and health.is_out and health.server not in avoid]
        if not out or now < self._next_probe:
            return None
        return min(out, key=lambda health: health.until)

    def _affinity(self, server: Server, key: bytes) -> float:
        state = self._hashes[server.name].copy()
        state.update(key)
        share = (
            (int.from_bytes(state.digest(), "big") >> 12) + 0.5
        ) / 2**52  # strictly between 0 and 1: log(0) does not exist, and log(1) is 0, which cannot divide
        return -server.weight / math.log(share)


def _hash(name: str, secret: bytes) -> "hashlib.blake2b":
    return hashlib.blake2b(len(name.encode()).to_bytes(4, "big") + name.encode(), digest_size=8, key=secret)


def _least(able: list[ServerHealth]) -> ServerHealth:
    """The server with the fewest running requests for its weight; among equal ones smooth weighted rotation, as in nginx."""
    least, equals = able[0], [able[0]]
    for health in able[1:]:
        mine, best = health.running * least.server.weight, least.running * health.server.weight
        if mine < best:
            least, equals = health, [health]
        elif mine == best:
            equals.append(health)
    if len(equals) == 1:
        return least
    for health in equals:
        health.pull += health.server.weight
    chosen = max(equals, key=lambda health: health.pull)
    chosen.pull -= sum(health.server.weight for health in equals)
    return chosen
