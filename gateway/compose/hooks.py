"""Builds what Okta calls by itself: the event hook and Universal Logout, and what every process must do for them.

Must never build a feature that is not configured.
"""

from contextlib import AsyncExitStack
from urllib.parse import urlsplit

from gateway.compose.hosts import org_timeouts
from gateway.compose.parts import Parts
from gateway.doors.hooks import Hooks, OktaCall
from gateway.doors.hooks.event_hook import EVENT_HOOK_PATH, EventHook
from gateway.doors.hooks.hook_replies import HookParts
from gateway.doors.hooks.hook_watch import HookWatch, WatchRules
from gateway.doors.hooks.known_users import KnownUsers
from gateway.doors.hooks.org_keys import OrgKeys
from gateway.doors.hooks.org_tokens import OrgTokens
from gateway.doors.hooks.universal_logout import UNIVERSAL_LOGOUT_PATH, UniversalLogout
from gateway.observe.metrics import Metrics
from gateway.policy.hooks.hook_trust import WINDOW_SECONDS
from gateway.policy.hooks.universal_logout import ExpectedLogoutToken
from gateway.policy.session.session import Session

NO_HOOKS = Hooks({})


class WatchedHooks:
    """The hooks of one process. ``watch``: None without an event hook."""

    def __init__(self, hooks: Hooks, watch: HookWatch | None) -> None:
        """``hooks``: answer on the login host."""
        self.hooks = hooks
        self.watch = watch


def watched_hooks(parts: Parts, opened: AsyncExitStack, metrics: Metrics) -> WatchedHooks:
    """The hooks for these parts. What runs in the background ends with ``opened``."""
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
    hook_parts, calls = HookParts(parts.revocations, parts.clock, parts.tell), dict[str, OktaCall]()
    if watch is not None:
        calls[EVENT_HOOK_PATH] = EventHook(parts.hook_secrets, org_hosts(parts), watch, hook_parts)
    if known is not None:
        calls[UNIVERSAL_LOGOUT_PATH] = UniversalLogout(_org_tokens(parts), known, hook_parts)
    return WatchedHooks(Hooks(calls), watch)


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


def _org_tokens(parts: Parts) -> OrgTokens:
    keys = OrgKeys(parts.asking_client, parts.org.destination, org_timeouts(parts.config), parts.clock)
    return OrgTokens(expected(parts), keys, parts.clock)


def org_names(parts: Parts) -> frozenset[str]:
    """The origins that the org may use for itself: its own, and its custom domains."""
    return frozenset((parts.config.okta.org, parts.config.login.url, parts.org.own_origin))


def org_hosts(parts: Parts) -> frozenset[str]:
    """The host names of ``org_names``."""
    return frozenset(urlsplit(name).hostname or "" for name in org_names(parts))


def expected(parts: Parts) -> ExpectedLogoutToken:
    """What a token of Universal Logout must name."""
    config = parts.config
    return ExpectedLogoutToken(org_names(parts), config.login.url + UNIVERSAL_LOGOUT_PATH, frozenset(config.hooks.universal_logout_apps))
