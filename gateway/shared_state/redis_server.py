"""The connections to Redis: a single server, the primary that Sentinel names, or a Cluster.

This module owns the connections, the deadline of every call, and the texts of failures. It must never repeat a call by itself, or show a
password.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster, Sentinel, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from gateway.errors import StateFailed
from gateway.shared_state.redis_address import RedisAddress
from gateway.shared_state.redis_scripts import Script

CONNECTIONS = 16
"""The most calls of one process at the same time. Further calls wait, within their deadline."""

_FAILURES = (RedisError, RedisClusterException, OSError, TimeoutError, EOFError)


class RedisServer:
    """The connections to one ``RedisAddress``: ``call`` runs a script, ``ask`` runs a command."""

    def __init__(self, address: RedisAddress, monotonic: Callable[[], float], connections: int = CONNECTIONS) -> None:
        """It connects at the first call."""
        self.address = address
        self._monotonic = monotonic
        self.away_since: float | None = None
        """When a call was not answered (monotonic seconds); None if the last call was answered."""
        self.failed_because = ""
        self._free = asyncio.Semaphore(connections)
        self._client, self._sentinel = _client(address, connections)

    async def call(self, script: Script, keys: Sequence[bytes], *given: bytes | int | str) -> Any:
        """The result of the script. Raises ``StateFailed`` if there is none within the deadline."""
        try:
            return await self.ask(0.0, "EVALSHA", script.sha, len(keys), *keys, *given)
        except _Unknown:
            return await self.ask(0.0, "EVAL", script.text, len(keys), *keys, *given)

    async def ask(self, waits_seconds: float, *command: bytes | int | str) -> Any:
        """The answer to one command. Its deadline is ``waits_seconds`` longer than usual. Raises ``StateFailed`` if there is no answer."""
        try:
            async with asyncio.timeout(self.address.timeout_seconds + waits_seconds), self._free:
                answer = await self._client.execute_command(*command)
        except NoScriptError as error:
            self.away_since = None
            raise _Unknown from error
        except _FAILURES as error:
            failed = StateFailed(f"{self.address}: {_explained(error)}")
            self.failed_because = str(failed)
            if _is_away(error):
                self.away_since = self._monotonic()
            raise failed from error
        self.away_since = None
        return answer

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()
        if self._sentinel is not None:
            for one in self._sentinel.sentinels:
                await one.aclose()


class _Unknown(StateFailed):
    """The server does not know the script yet and needs its text."""


def _client(address: RedisAddress, connections: int) -> tuple[Any, Sentinel | None]:
    """The client of redis-py. It is set up to send nothing twice, and to have no timeouts longer than this module's deadlines."""
    common: dict[str, Any] = {
        "socket_timeout": None,  # each call has its own deadline
        "socket_connect_timeout": address.timeout_seconds,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    tls: dict[str, Any] = {
        "ssl_ca_certs": address.ca_file or None,
        "ssl_certfile": address.certificate or None,
        "ssl_keyfile": address.key or None,
    }
    signs_in: dict[str, Any] = {"username": address.user or None, "password": address.password or None}
    if address.is_cluster:
        wishes = common | signs_in | (tls | {"ssl": True} if address.is_tls else {})
        return RedisCluster(
            host=address.host, port=address.port, max_connections=2 * connections, require_full_coverage=False, **wishes
        ), None
    if address.sentinels:
        if address.is_tls:
            common |= tls | {"ssl": True}
        of_sentinels = common | {"password": address.sentinel_password or None}
        wishes = common | signs_in | {"db": address.database}
        sentinel = Sentinel(address.sentinels, sentinel_kwargs=of_sentinels, **wishes)  # type: ignore[no-untyped-call]  # it has no types
        return sentinel.master_for(address.host, max_connections=2 * connections), sentinel
    if address.is_tls:
        common |= tls | {"connection_class": SSLConnection}
    wishes = common | signs_in | {"host": address.host, "port": address.port, "db": address.database}
    pool = BlockingConnectionPool(connections, None, **wishes)
    return Redis.from_pool(pool), None


def _is_away(error: BaseException) -> bool:
    """Whether the error means that no server answered. A refusal is an answer, except those of a replica or of a Cluster that is down."""
    return not isinstance(error, ResponseError) or isinstance(error, ClusterDownError | ReadOnlyError)


def _explained(error: BaseException) -> str:
    """What is wrong and what to do. It never contains the server's own text, which may repeat what was sent to it."""
    match error:
        case AuthenticationError() | AuthorizationError():
            return "refuses user or password; check state.user_file and state.password_file"
        case NoPermissionError():
            return "the user may not do what is needed; run `session-gateway check --online`, deploy/README.md has the rights"
        case OutOfMemoryError():
            return "its memory is full; give it more (maxmemory), and an eye on what else it holds"
        case BusyLoadingError():
            return "still loads its data; it will answer when it has"
        case ReadOnlyError():
            return "is a replica, which takes no changes; name the primary in state.url, or use state.sentinel"
        case ClusterDownError():
            return "its Cluster is down; check that every slot has a node"
        case ResponseError():
            return "did not understand; Redis 6.2 or newer is needed"
        case TimeoutError():
            return "no answer within state.timeout; check that it runs, and the network"
        case _:
            return "cannot be reached; check state.url, that it runs, the firewall, and with TLS the certificate and state.ca_file"
