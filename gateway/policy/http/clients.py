"""The key of a client, for everything that is counted per client.

Two customers of one provider must never count as one client, and one customer must never count as many: an IPv6 customer has a whole /64,
and may use every address in it (RFC 6177).
"""

from gateway.policy.http.client_limits import network_of


def client_key(address: str) -> str:
    """The key under which this client is counted: its IPv4 address, or the /64 of its IPv6 address as 16 hex digits.

    An IPv4 address written as IPv6 (``::ffff:192.0.2.7``) has the key of the IPv4 address. Text that is not an address has the empty key.
    Many clients share that key: those that a proxy did not name.
    """
    return network_of(address) or ""
