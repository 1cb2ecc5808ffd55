"""The check of a Redis server for ``session-gateway check --online``, before the gateway uses it.

This module owns the calls of the check and the texts of its results. It must never leave data on the server, or publish a revocation.
"""

import secrets
import time

from gateway.clock import Clock
from gateway.errors import StateFailed
from gateway.shared_state.redis import RedisState
from gateway.shared_state.redis_address import Checked, RedisAddress
from gateway.shared_state.redis_keys import Keys
from gateway.shared_state.redis_scripts import ABOUT
from gateway.shared_state.redis_server import RedisServer

OLDEST = (6, 2)
_KIND = "check"


async def check_redis(address: RedisAddress) -> Checked:
    """Ask the server for its version and settings, and try every kind of call except publishing."""
    server = RedisServer(address, time.monotonic, 1)
    try:
        said = [one.decode() for one in (await server.call(ABOUT, Keys(address.prefix).log[:1]))[:5]]
        version, policy, largest, has_log, role = said
        if version and _numbers(version) < OLDEST:
            return Checked((f"{address}: is version {version}; 6.2 or newer is needed",))
        if role == "slave":
            return Checked((f"{address}: is a replica; name the primary in state.url, or use state.sentinel",))
        await _try(address)
    except StateFailed as error:
        return Checked((str(error),))
    finally:
        await server.aclose()
    warnings = []
    if policy.startswith("allkeys") and largest != "0":
        warnings.append(f"WARNING: {address}: evicts any key when its memory is full ({policy}), sign-outs too; use noeviction")
    if has_log == "0":
        warnings.append(f"WARNING: {address}: a restart loses what it wrote since its last snapshot; switch appendonly on")
    if not version:
        warnings.append(f"WARNING: {address}: its user may not ask INFO, so version and eviction are not known; give it +info")
    return Checked((), tuple(warnings))


async def _try(address: RedisAddress) -> None:
    """Make one call of each kind, with a random key that no other process uses."""
    state, key = RedisState(address, Clock(), lambda event, figures: None), secrets.token_bytes(16)
    try:
        await state.follow(lambda heard: None)
        lease = await state.lease([key], key, 1.0)
        await state.put(_KIND, key, b"", 1.0, under=lease)
        await state.entries(_KIND)
        await state.take(_KIND, key)
        if lease is not None:
            await state.release(lease)
    finally:
        await state.aclose()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
