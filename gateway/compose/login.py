"""The login door, put together.

Owns the wiring of the login host's rooms. Must never decide anything. Rules from: DESIGN section 4.
"""

from contextlib import AsyncExitStack

from gateway.compose.hosts import forward_deadlines, place_of
from gateway.compose.parts import Parts
from gateway.config import Config
from gateway.doors.carrying import Carrying
from gateway.doors.login import LoginDoor, Start
from gateway.doors.login.confirming import Confirming
from gateway.doors.login.forwarding import OrgForwarding, Origins
from gateway.doors.login.ledger import Ledger
from gateway.doors.login.outcomes import Wording
from gateway.doors.login.redeeming import Redeemer
from gateway.doors.login.successors import Successors
from gateway.doors.login.switching import ConfirmedSwitch
from gateway.doors.login_handoff import LoginHandoff
from gateway.doors.own_pages import LoginPages
from gateway.doors.own_paths import LoginOwnPaths
from gateway.doors.sign_out import LoginSignOut
from gateway.proxy.http import HttpProxy
from gateway.proxy.upstream import PoolRules, Upstream

LEAST_REDEEMING = 10


def login_door(parts: Parts, opened: AsyncExitStack) -> LoginDoor:
    """The door behind the login host; redemptions under way end with ``opened``."""
    config, login = parts.config, parts.table.login
    host, form_targets = str(login.authority), (*parts.table.origins, *config.switch.trusted_origins)
    proxy, redeeming = (HttpProxy(_org(parts, rules, opened), parts.place.destination.host.encode()) for rules in _pools(config))
    successors = Successors(parts.fingerprinter, parts.clock)
    forwarding = OrgForwarding(proxy, redeeming, parts.sessions, parts.closer, successors, Origins(parts.place.own_origin, login.origin))
    confirming = Confirming(host, parts.sealer, parts.sessions, parts.clock, form_targets)
    ledger = Ledger(parts.fingerprinter, parts.clock)
    redeemer = Redeemer(parts.sessions, parts.closer, Carrying(host, parts.sealer), ledger, successors, forwarding.redeem)
    opened.push_async_callback(redeemer.aclose)
    return LoginDoor(
        _own_paths(parts),
        redeemer,
        forwarding,
        ConfirmedSwitch(confirming, login.origin),
        Wording(confirming, login.origin, parts.clock),
        Start(login.origin, config.switch.trusted_origins, config.switch.unknown_request_uri == "redemption"),
    )


def _pools(config: Config) -> tuple[PoolRules, PoolRules]:
    """For what is passed on, and for redemptions, which no slow upload may hold up."""
    return PoolRules(config.okta.connections), PoolRules(max(LEAST_REDEEMING, config.okta.connections // 4))


def _org(parts: Parts, rules: PoolRules, opened: AsyncExitStack) -> Upstream:
    made = Upstream(place_of(parts.place.destination), forward_deadlines(parts.config), rules, names=parts.names)
    opened.push_async_callback(made.aclose)
    return made


def _own_paths(parts: Parts) -> LoginOwnPaths:
    sign_in = parts.config.okta.sign_in
    return LoginOwnPaths(
        LoginHandoff(parts.table, parts.sealer, parts.sessions, parts.closer, parts.tickets, parts.clock, sign_in),
        LoginSignOut(parts.table, parts.sealer, parts.sessions, parts.closer, parts.clock, sign_in),
        LoginPages(parts.table, parts.sessions, parts.clock, sign_in),
        parts.clock,
    )
