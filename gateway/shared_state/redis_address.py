"""The address of a Redis server, and what a check of it found.

These values are all that a gateway without Redis needs of it. This module must never import the Redis library.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

DEFAULT_PORT = 6379


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """The address of Redis and how to connect to it. With ``sentinels``, ``host`` is the name of the service."""

    host: str
    port: int = DEFAULT_PORT
    database: int = 0
    is_tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    certificate: str = ""
    key: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
    sentinel_password: str = field(default="", repr=False)
    is_cluster: bool = False
    timeout_seconds: float = 1.0
    prefix: str = "session-gateway"

    def __str__(self) -> str:
        if self.sentinels:
            return f'Redis "{self.host}" of Sentinel {", ".join(f"{host}:{port}" for host, port in self.sentinels)}'
        return f"Redis at {self.host}:{self.port}"


class Checked(NamedTuple):
    """``problems``: why the server cannot be used. ``warnings``: settings that are unwise."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
