"""What one client may hold of the connections to a server, once they run short.

Everybody may take what nobody else needs. Of the last quarter a client may take only until it holds a quarter of them all (at least eight):
so one that keeps many connections busy, with uploads that do not end, leaves room for the others.
"""

from dataclasses import dataclass

LEAST_SHARE = 8


@dataclass(frozen=True, slots=True)
class Shares:
    """Of ``most`` connections. While fewer than ``ample`` are in use there is no limit; beyond, one client may hold ``each``."""

    most: int
    ample: int
    each: int

    @classmethod
    def of(cls, most: int) -> "Shares":
        """The shares of so many connections; of up to eight, one client may have all."""
        each = max(LEAST_SHARE, most // 4)
        return cls(most, most - most // 4 if most > each else most, each)

    def may_take(self, held: int, in_use: int) -> bool:
        """Whether a client that holds so many may have one more, when so many are in use by all."""
        return in_use < self.most and (in_use < self.ample or held < self.each)
