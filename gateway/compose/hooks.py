"""What Okta calls by itself, put together: the event hook, Universal Logout, and what every process must do for them.

Owns the wiring. Must never make a feature that the configuration does not name.
"""

from contextlib import AsyncExitStack

from gateway.compose.hosts import org_deadlines
from gateway.compose.parts import Parts
from gateway.core.session import Session
from gateway.doors.hooks import (
    UNIVERSAL_LOGOUT_PATH,
    EventHook,
    Hooks,
    HookWatch,
    KnownUsers,
    OrgKeys,
    OrgTokens,
    UniversalLogout,
    WatchRules,
)
from gateway.metrics import Metrics
from gateway.policy.hooks.hook_trust import WINDOW_SECONDS
from gateway.policy.hooks.universal_logout import Expected

NO_HOOKS = Hooks(None, None)


class HookRooms:
    """What one process has for Okta's calls. ``watch``: None without an event hook."""

    def __init__(self, hooks: Hooks, watch: HookWatch | None) -> None:
        """``hooks`` answer on the login host."""
        self.hooks = hooks
        self.watch = watch


def hook_rooms(parts: Parts, opened: AsyncExitStack, metrics: Metrics) -> HookRooms:
    """The rooms for these parts; what runs in the background ends with ``opened``."""
    watch = _watch(parts, opened) if parts.hook_secrets else None
    known = _known_users(parts, opened) if parts.config.hooks.universal_logout_apps else None

    def named(session: Session, is_new: bool) -> None:
        if watch is not None and is_new:
            watch.begun(session)
        if known is not None:
            known.note(session)

    parts.sessions.on_named = named
    if watch is not None:
        metrics.watch_level("event_hook_trusted", "1 while Okta's event hook works.", lambda: float(watch.is_trusted))
    return HookRooms(Hooks(_event_hook(parts, watch), _universal_logout(parts, known)), watch)


def _watch(parts: Parts, opened: AsyncExitStack) -> HookWatch:
    rules = WatchRules(min(WINDOW_SECONDS, max(0.3, parts.config.session.ttl)))
    watch = HookWatch(parts.state, parts.sessions, parts.clock, parts.tell, rules)
    watch.start()
    opened.push_async_callback(watch.aclose)
    return watch


def _known_users(parts: Parts, opened: AsyncExitStack) -> KnownUsers:
    known = KnownUsers(parts.state, parts.clock.monotonic)
    opened.push_async_callback(known.aclose)
    return known


def _event_hook(parts: Parts, watch: HookWatch | None) -> EventHook | None:
    if watch is None:
        return None
    return EventHook(parts.hook_secrets, parts.revocations, parts.state, watch, parts.clock, parts.tell)


def _universal_logout(parts: Parts, known: KnownUsers | None) -> UniversalLogout | None:
    if known is None:
        return None
    keys = OrgKeys(parts.asking_client, parts.place.destination, org_deadlines(parts.config), parts.clock)
    return UniversalLogout(OrgTokens(expected(parts), keys, parts.clock), known, parts.revocations, parts.state, parts.clock, parts.tell)


def expected(parts: Parts) -> Expected:
    """What the tokens of Universal Logout must name. The org signs as the org, or by its custom domain."""
    config = parts.config
    issuers = frozenset((config.okta.org, config.login.url, parts.place.own_origin))
    return Expected(issuers, config.login.url + UNIVERSAL_LOGOUT_PATH, frozenset(config.hooks.universal_logout_apps))
