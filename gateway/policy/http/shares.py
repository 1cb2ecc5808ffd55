"""How many connections of a limited set one client may hold: the connections of all clients, or those to one app's servers.

While less than three quarters are in use, there is no limit for one client. From then on, a client gets a further connection only if it
holds fewer than a quarter of all (at least eight). So a client that keeps many connections busy, with uploads that do not end, leaves room
for others.
"""

from dataclasses import dataclass

LEAST_SHARE = 8
"""Each client may hold so many connections, as long as the whole set is not used up."""


@dataclass(frozen=True, slots=True)
class Shares:
    """The limits for a set of ``most`` connections. While fewer than ``ample`` are in use, one client has no limit; then it may hold
    ``each``.
    """

    most: int
    ample: int
    each: int

    @classmethod
    def of(cls, most: int) -> "Shares":
        """The limits for a set of this size. With up to eight connections, one client may hold all of them."""
        each = max(LEAST_SHARE, most // 4)
        return cls(most, most - most // 4 if most > each else most, each)

    def may_take(self, held: int, in_use: int) -> bool:
        """Whether a client that holds ``held`` connections may have one more, when ``in_use`` are in use by all clients."""
        return in_use < self.most and (in_use < self.ample or held < self.each)
