"""Workers among themselves, put together: the way to the keeper, and the keeper's own listener for the others.

Owns the wiring and its figures. Must never decide anything. Rules from: DESIGN section 7.
"""

import asyncio
from contextlib import AsyncExitStack, suppress

from gateway.clock import Clock
from gateway.compose.clients import ClientRules
from gateway.core.messages import HeadLimits
from gateway.core.relaying import ADDED_BYTES, ADDED_BYTES_EACH
from gateway.doors.relay import Relay
from gateway.outbound import Deadlines
from gateway.proxy.http import HttpProxy
from gateway.proxy.place import Place
from gateway.proxy.upstream import PoolRules, Upstream

RELAYED_AT_ONCE = 2000
SPARE_SECONDS = 55.0
"""What the keeper may need beside one answer of Okta's: a switch asks and closes before it redeems."""
KEPT_SECONDS = 60.0
"""Shorter than the keeper keeps an idle connection (``KEEP_ALIVE_SECONDS``)."""
IDLE_SECONDS = 330.0
"""Longer than what the keeper itself waits for: it is the keeper that tells a client what did not come."""


def relay_door(place: str, clock: Clock, opened: AsyncExitStack, first_byte_seconds: float = 60.0) -> Relay:
    """The door that leads to the keeper at this place; its connections are closed with ``opened``.

    ``first_byte_seconds``: how long the keeper itself waits for Okta.
    """
    deadlines = Deadlines(connect=5.0, first_byte=first_byte_seconds + SPARE_SECONDS, idle=IDLE_SECONDS)
    upstream = Upstream(Place("", 0, place), deadlines, PoolRules(RELAYED_AT_ONCE, KEPT_SECONDS))
    opened.push_async_callback(upstream.aclose)
    relay = Relay(HttpProxy(upstream), clock)
    opened.push_async_callback(relay.aclose)
    return relay


def rules_for_workers(limits: HeadLimits) -> ClientRules:
    """What another worker gets: a head that its client was allowed, and what relaying adds to it."""
    added = ADDED_BYTES + ADDED_BYTES_EACH * limits.most_fields
    return ClientRules(limits=HeadLimits(limits.line_bytes, limits.most_fields + 1, limits.fields_bytes + added, limits.longest_line_bytes))


async def until_alone(alone: asyncio.Event, seconds: float) -> None:
    """Returns when no other worker needs this one any more, or after so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await alone.wait()
