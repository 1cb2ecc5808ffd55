"""The client's address of a request: taken from ``X-Forwarded-For`` only if the peer is a trusted proxy.

Also holds the limits of a request's head. Must never use a field of a peer that is not listed in ``listen.trusted_proxies``.
"""

from dataclasses import dataclass, field

from gateway.edge.upload import Networks
from gateway.memo import Memo
from gateway.policy.http.messages import HeadLimits, Named
from gateway.policy.routing.navigation import client_address


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The trusted proxies, and the limits of a head."""

    trusted_proxies: Networks
    limits: HeadLimits
    _clients: Memo[str, str] = field(init=False, repr=False, compare=False)
    _peers: Memo[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_clients", Memo(self._client))
        object.__setattr__(self, "_peers", Memo(_alone))

    def client(self, peer: str, named: Named) -> str:
        """The address of the client. ``named``: the request's fields by name.

        Addresses that a proxy names in a single field line are cached.
        """
        if not self.trusted_proxies:
            return self._peers[peer]
        claimed = named.get(b"x-forwarded-for", ())
        if isinstance(claimed, tuple):
            return client_address(peer, claimed, self.trusted_proxies)
        return self._clients[f"{peer} {claimed.decode('latin-1')}"]

    def _client(self, peer_and_claimed: str) -> str:
        peer, _, claimed = peer_and_claimed.partition(" ")
        return client_address(peer, (claimed.encode("latin-1"),), self.trusted_proxies)


def _alone(peer: str) -> str:
    """The address of a client that is not behind a trusted proxy."""
    return client_address(peer, (), ())
