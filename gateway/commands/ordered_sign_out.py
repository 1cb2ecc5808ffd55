"""`sign-out`: an administrator ends all users' sessions, or one user's, in all running processes.

Publishes a revocation through the shared state, from a process that serves no requests. Must never claim that other processes obey,
because it cannot know. Must never act if no other process could read the state.
"""

from datetime import UTC, datetime

from gateway.clock import Clock
from gateway.compose.parts import folder_of
from gateway.compose.state import opened_state
from gateway.config import Settings, state_folder
from gateway.errors import BadConfig, StateFailed
from gateway.observe import Log
from gateway.policy.session.session import login_key
from gateway.revocations import Revocation

_ALONE = (
    "is not set, so running gateways remember revocations by themselves and this command cannot reach them; "
    "set it, or state.url, and restart them. Until then clear the user's sessions at Okta"
)


async def order_sign_out(settings: Settings, login: str | None, clock: Clock, log: Log) -> str:
    """Publish the revocation, and return a sentence for the administrator. ``login``: as a person types it; None for all users.

    Raises `BadConfig` if the state belongs to one process alone, or cannot be used.
    """
    now = clock.wall()
    if login is None:
        revocations: tuple[Revocation, ...] = (Revocation(everybody=True, began_before=now),)
    else:
        names = dict.fromkeys((login.strip(), login_key(login.strip())))
        revocations = tuple(Revocation(user_id=name, began_before=now) for name in names)
    folder = state_folder(settings.config, folder_of(settings))
    if folder is None and not settings.config.state.is_redis:
        raise BadConfig((settings.problem(("state", "directory"), _ALONE),))
    state = opened_state(settings, clock, log.tell)
    try:
        for revocation in revocations:
            await state.publish(revocation)
    except StateFailed as error:
        raise BadConfig((settings.problem(("state", "directory" if folder is not None else "url"), str(error)),)) from error
    finally:
        await state.aclose()
    who = "everybody" if login is None else login.strip()
    log.write("warning", "sign_out_ordered", {"user": who})
    at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    kept = str(folder) if folder is not None else "Redis"
    return (
        f"written to {kept}: sessions of {who} that began before {at} are refused by every gateway that uses it, once it hears so. "
        "Their sessions at Okta are not closed: clear them there too"
    )
