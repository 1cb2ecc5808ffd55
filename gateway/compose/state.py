"""Opens the shared state of one process, and loads the revocations that it holds.

Owns the error text for a state that cannot be opened, and the wait for a Redis that is away. Must never go on without the revocations in
the state.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from yarl import URL

from gateway.clock import Clock
from gateway.compose.parts import folder_of
from gateway.config import Settings, redis_pair, secret_of, state_folder
from gateway.errors import BadConfig, StateFailed
from gateway.observe import Tell
from gateway.revocations import LocalRevocations, SharedRevocations
from gateway.shared_state import RedisAddress, SharedState, open_state

_SHORTEST_WAIT, _LONGEST_WAIT = 0.1, 2.0


def opened_state(settings: Settings, clock: Clock, tell: Tell) -> SharedState:
    """The state that the configuration names, opened. Raises `BadConfig` with place and remedy if it cannot be opened."""
    folder = state_folder(settings.config, folder_of(settings))
    try:
        return open_state(redis_address(settings) if settings.config.state.is_redis else folder, clock, tell)
    except StateFailed as error:
        raise _bad(settings, error) from error


async def loaded_revocations(
    memory: LocalRevocations, state: SharedState, settings: Settings, waits: Callable[[], None]
) -> SharedRevocations:
    """``memory`` with all revocations of the state. Waits and raises like ``until_read``."""
    revocations = SharedRevocations(memory, state)
    await until_read(revocations.follow, settings, waits)
    return revocations


async def until_read(reads: Callable[[], Awaitable[None]], settings: Settings, waits: Callable[[], None]) -> None:
    """Read from the state what must be known before any request is answered. Raises `BadConfig` if that is not possible.

    While Redis is away it tries again without an end. ``waits`` is called after each failed try.
    """
    wait_seconds = _SHORTEST_WAIT
    while True:
        try:
            return await reads()
        except StateFailed as error:
            if not settings.config.state.is_redis:
                raise _bad(settings, error) from error
            waits()
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, _LONGEST_WAIT)


def redis_address(settings: Settings) -> RedisAddress:
    """Where Redis is, with its secrets read from their files. Raises `BadConfig` if one cannot be read any more."""
    state, folder, url = settings.config.state, folder_of(settings), URL(settings.config.state.url)
    secrets = {name: secret_of(getattr(state, name), folder) for name in ("user_file", "password_file", "sentinel_password_file")}
    problems = tuple(settings.problem(("state", name), found.problem) for name, found in secrets.items() if found.problem)
    if problems:
        raise BadConfig(problems)
    pair = redis_pair(settings.config, folder)
    return RedisAddress(
        url.host or "",
        url.port or 6379,
        int(url.path.strip("/") or 0),
        is_tls=url.scheme == "rediss",
        user=secrets["user_file"].text,
        password=secrets["password_file"].text,
        ca_file=_path(folder, state.ca_file),
        certificate=str(pair.certificate) if pair is not None else "",
        key=str(pair.key) if pair is not None else "",
        sentinels=tuple(_host_and_port(one) for one in state.sentinel),
        sentinel_password=secrets["sentinel_password_file"].text,
        is_cluster=state.cluster,
        timeout_seconds=state.timeout,
        prefix=state.prefix or f"session-gateway:{URL(settings.config.okta.org).host}",
    )


def _path(folder: Path, name: str) -> str:
    return str(folder / Path(name).expanduser()) if name else ""


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _bad(settings: Settings, error: StateFailed) -> BadConfig:
    return BadConfig((settings.problem(("state", "directory"), str(error)),))
