"""What the workers and replicas of one gateway must agree on: claims, short records and revocations.

Owns one interface and its engines. Must never see a raw cookie or a token: callers hand in fingerprints, ids and sealed values, and the
engines treat values as opaque bytes.
"""

from gateway.shared_state.folder import folder_problem
from gateway.shared_state.interface import Bounds, Heard, Lease, SharedState, Tell
from gateway.shared_state.memory import MemoryState
from gateway.shared_state.opening import open_state
from gateway.shared_state.redis import RedisState
from gateway.shared_state.redis_check import check_redis
from gateway.shared_state.redis_server import RedisPlace
from gateway.shared_state.sqlite import SqliteState

__all__ = [
    "Bounds",
    "Heard",
    "Lease",
    "MemoryState",
    "RedisPlace",
    "RedisState",
    "SharedState",
    "SqliteState",
    "Tell",
    "check_redis",
    "folder_problem",
    "open_state",
]
