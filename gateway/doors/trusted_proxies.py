"""What the configuration believes of a message: whose forwarding fields, and how large a head.

Owns the client's address as far as this process may know it. Must never take the word of a peer that is not listed.
"""

from dataclasses import dataclass, field

from gateway.edge.upload import Networks
from gateway.policy.http.messages import HeadLimits, Named
from gateway.policy.learned import Learned
from gateway.policy.routing.navigation import client_address


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The listed proxies, and the limits."""

    trusted_proxies: Networks
    limits: HeadLimits
    _clients: Learned[str, str] = field(init=False, repr=False, compare=False)
    _peers: Learned[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_clients", Learned(self._client))
        object.__setattr__(self, "_peers", Learned(_alone))

    def client(self, peer: str, named: Named) -> str:
        """The believed address of the client; of those whom a proxy names in one line it is learnt. ``named``: the fields by name."""
        if not self.trusted_proxies:
            return self._peers[peer]
        claimed = named.get(b"x-forwarded-for", ())
        if isinstance(claimed, tuple):
            return client_address(peer, claimed, self.trusted_proxies)
        return self._clients[f"{peer} {claimed.decode('latin-1')}"]

    def _client(self, told: str) -> str:
        peer, _, claimed = told.partition(" ")
        return client_address(peer, (claimed.encode("latin-1"),), self.trusted_proxies)


def _alone(peer: str) -> str:
    """The address of a client that no proxy is believed to speak for."""
    return client_address(peer, (), ())
