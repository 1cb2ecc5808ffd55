"""What a gateway is given that is one worker among several.

Owns the difference between a worker and a gateway by itself, in one value. Must never decide anything. Rules from: DESIGN section 7.
"""

import asyncio
import socket
from dataclasses import dataclass

from gateway.revocations import LocalRevocations


@dataclass(frozen=True, slots=True)
class Among:
    """``revocations``: shared with the other workers; ``alone``: set when none of them needs the keeper any more.

    ``keeper``: the Unix socket on which the others are answered, where this worker is the keeper, which alone holds what cannot be
    shared (turns of a browser, tokens that were redeemed, tickets that were used); None in the others, which reach it at ``place``.
    """

    revocations: LocalRevocations
    alone: asyncio.Event
    keeper: socket.socket | None
    place: str
