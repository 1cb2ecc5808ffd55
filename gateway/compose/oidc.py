"""Builds the door of the gateway's own host, for an org that is not behind the gateway.

Owns which objects that door gets. Must never decide anything.
"""

from contextlib import AsyncExitStack

from gateway.compose.hooks import NO_HOOKS
from gateway.compose.parts import Parts
from gateway.doors.announced_starts import AnnouncedStarts
from gateway.doors.hooks import Hooks
from gateway.doors.oidc import OidcDoor, OidcParts
from gateway.doors.oidc.bounces import Bounces
from gateway.doors.oidc.front_records import FrontRecords
from gateway.doors.oidc.front_switch import FrontRules, FrontSwitches
from gateway.doors.oidc.handoff import OidcHandoff
from gateway.doors.oidc.own_sessions import OwnSessions
from gateway.doors.oidc.pages import OidcPages
from gateway.doors.oidc.sign_out import OidcSignOut
from gateway.doors.own.handoff_starts import HandoffStarts
from gateway.policy.switch.start import StartRules


def oidc_door(parts: Parts, opened: AsyncExitStack, hooks: Hooks = NO_HOOKS) -> OidcDoor:
    """The door of the gateway's host."""
    config, login, sealer, state, clock = parts.config, parts.table.login, parts.sealer, parts.state, parts.clock
    host, org, client = str(login.authority), config.okta.org, parts.oidc
    if client is None:
        raise ValueError("the configuration names another source of truth")
    bounces = Bounces(host, client.org, sealer, state, clock)
    own = OwnSessions(host, sealer, parts.sessions, client.proofs, state, clock)
    signing_out = OidcSignOut(parts.table, sealer, own, parts.closer, bounces, clock, org, config.switch.return_origins)
    start = StartRules(parts.table.origins, config.switch.trusted_origins, config.switch.same_site)
    leads_to = (*(app.url for app in config.apps), *config.switch.return_origins, *config.switch.trusted_origins)
    front_switches = FrontSwitches(FrontRules(login.origin, org, start, leads_to), FrontRecords(state, sealer), own, bounces, state, clock)
    for part in (own, front_switches):
        opened.push_async_callback(part.aclose)
    objects = OidcParts(
        bounces=bounces,
        handoff=OidcHandoff(HandoffStarts(parts.table, sealer, parts.tickets, clock), own, bounces, clock),
        sign_out=signing_out,
        pages=OidcPages(login, own, bounces, (*parts.table.origins, org), clock),
        front_switches=front_switches,
        portals=AnnouncedStarts(state, parts.portal_secrets),
        hooks=hooks,
    )
    return OidcDoor(objects, login.authority.host, clock)
