"""The shared state of one process, opened for its settings, and the revocations that it holds.

Owns the sentence about a state that cannot be opened. Must never go on without the revocations that a state holds.
"""

from gateway.clock import Clock
from gateway.compose.parts import Tell, folder_of
from gateway.config import Settings, state_folder
from gateway.errors import BadConfig, StateFailed
from gateway.revocations import LocalRevocations, SharedRevocations
from gateway.shared_state import SharedState, open_state


def opened_state(settings: Settings, clock: Clock, tell: Tell) -> SharedState:
    """The state that the configuration names, open in this process; `BadConfig` with file and remedy where it cannot be had."""
    if settings.config.state.is_redis:
        raise BadConfig((settings.problem(("state", "url"), "this version cannot use Redis yet; leave state.url out"),))
    try:
        return open_state(state_folder(settings.config, folder_of(settings)), clock, tell)
    except StateFailed as error:
        raise _bad(settings, error) from error


async def loaded_revocations(memory: LocalRevocations, state: SharedState, settings: Settings) -> SharedRevocations:
    """This memory with everything that the state holds; `BadConfig` where that cannot be read."""
    revocations = SharedRevocations(memory, state)
    try:
        await revocations.follow()
    except StateFailed as error:
        raise _bad(settings, error) from error
    return revocations


def _bad(settings: Settings, error: StateFailed) -> BadConfig:
    return BadConfig((settings.problem(("state", "directory"), str(error)),))
