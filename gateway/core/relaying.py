"""A request that one worker relays to another: its head as it came, although it crosses one hop more.

Owns the fields that carry what only the first worker can know: who the client is, and the lines of the client's own hop, so that the second
worker judges exactly what it would have judged itself. Must never take these fields from a client: whatever of their names a request brings
is dropped before they are set. Rules from: RFC 9110 §7.6.1; ATTACKS F3, F5, H1.
"""

from dataclasses import replace

from gateway.core.hop import HOP_BY_HOP
from gateway.core.messages import Fields, Received, RequestHead

CAME_NAME = b"X-Gateway-Relayed"
"""``peer client``: the socket's peer and the believed client address."""
HOP_PREFIX = b"X-Gateway-Hop-"
"""Before the name of each line that this hop must not act upon."""

ADDED_BYTES = 256
ADDED_BYTES_EACH = len(HOP_PREFIX)
"""How much larger a head may become on the way: once, and for each of its fields."""

_CAME, _HOP = CAME_NAME.lower(), HOP_PREFIX.lower()
_SET_ASIDE = HOP_BY_HOP | {b"expect"}  # whoever relays the body has told the client to go on


def relayed(head: RequestHead) -> Fields:
    """The fields to send to the other worker: end-to-end all of them."""
    own = tuple((name, value) for name, value in head.fields if not _is_ours(name.lower()))
    aside = tuple((HOP_PREFIX + name if name.lower() in _SET_ASIDE else name, value) for name, value in own)
    return (*aside, (CAME_NAME, f"{head.peer} {head.client}".encode("ascii", "replace")))


def as_it_came(received: Received) -> Received:
    """The request as the first worker received it. ValueError where no worker relayed it: then nobody may be believed."""
    came = [value.decode("ascii").split(" ") for name, value in received.fields if name.lower() == _CAME]
    if len(came) != 1 or len(came[0]) != 2:
        raise ValueError("not relayed by a worker")
    peer, client = came[0]
    kept = (line for line in received.fields if line[0].lower() != _CAME and line[0].lower() not in _SET_ASIDE)
    restored = ((name[len(HOP_PREFIX) :] if name.lower().startswith(_HOP) else name, value) for name, value in kept)
    return replace(received, fields=tuple(restored), peer=peer, client=client)


def _is_ours(lower_name: bytes) -> bool:
    return lower_name == _CAME or lower_name.startswith(_HOP)
