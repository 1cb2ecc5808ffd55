"""Fields that came before: what follows from them alone, so that the next request that brings the very same need not be read again.

A browser's next request differs from its last in the first line, and in a few values that decide nothing here (``core.varying``); the rest
below it is the same bytes. Nothing that changes is kept: the path is judged, the session recalled, and the rules asked, each time.

Owns what is kept and how much of it. Must never let one address speak with what another sent (the bytes may be equal, the socket is not),
nor keep what a request has beside its fields.
Rules from: ATTACKS K2 (identity is remembered, decisions are not), K10 (bounded), STYLE "Fast is a feature" of the house.
"""

from gateway.core.messages import Fields, RequestHead
from gateway.core.passes import OpenedPass
from gateway.core.routing import App
from gateway.core.session import Session
from gateway.doors.gate import Comer
from gateway.doors.protected.going import Going
from gateway.policy.http.caching import use_of
from gateway.sessions import Good

MOST_BLOCKS = 2048
LARGEST_BLOCK = 4096
"""Together at most 8 MiB of fields, and about three times as much of what is known of them."""


class Familiar:
    """One block of fields, and what was found for it; ``head`` is that of the request that brought it first."""

    __slots__ = ("app", "comer", "going", "good", "head", "pairs", "pieces", "presented", "told", "use")

    def __init__(self, head: RequestHead, app: App, pairs: Fields = ()) -> None:
        """``pairs``: those of its fields whose values may be others. ``presented``: the pass, or nobody; ``comer`` (while ``good``),
        ``going``: the last; ``pieces``: the app's lines for ``told``, around the values of ``pairs``; empty where nothing may be put there.
        """
        self.head = head
        self.app = app
        self.pairs = pairs
        self.use = use_of(head)
        self.presented: OpenedPass | Comer | None = None
        self.comer: Comer | None = None
        self.good: Good | None = None
        self.going: Going | None = None
        self.told: Session | None = None
        self.pieces: tuple[bytes, ...] = ()


class Familiars(dict[tuple[bytes, ...], Familiar]):
    """By the bytes of the fields, their end included, but for values that vary. A full memory begins anew."""

    __slots__ = ()

    def keep(self, rest: tuple[bytes, ...], known: Familiar) -> None:
        """Remember it, where it is not too large and asks for nothing but an answer."""
        if sum(map(len, rest)) > LARGEST_BLOCK or b"upgrade" in known.head.named:
            return
        if len(self) >= MOST_BLOCKS:
            self.clear()
        self[rest] = known
