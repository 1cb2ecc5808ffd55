"""The state that the workers and replicas of one gateway share: claims, short records, leases and revocations.

This package owns one interface and its three engines (memory, SQLite, Redis). It must never see a raw cookie or a token: callers pass
fingerprints, ids and sealed values, and the engines treat values as opaque bytes.
"""

from gateway.shared_state.folder import folder_problem
from gateway.shared_state.interface import Bounds, Lease, OnRevocation, SharedState
from gateway.shared_state.memory import MemoryState
from gateway.shared_state.opening import check_redis, open_state
from gateway.shared_state.redis_address import RedisAddress
from gateway.shared_state.sqlite import SqliteState

__all__ = [
    "Bounds",
    "Lease",
    "MemoryState",
    "OnRevocation",
    "RedisAddress",
    "SharedState",
    "SqliteState",
    "check_redis",
    "folder_problem",
    "open_state",
]
