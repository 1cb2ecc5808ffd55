"""The login door, put together.

Owns the wiring of the login host's rooms. Must never decide anything. Rules from: DESIGN section 4.
"""

from gateway.compose.hosts import org_deadlines
from gateway.compose.parts import Parts
from gateway.doors.handoff import LoginHandoff
from gateway.doors.login import LoginDoor, Start
from gateway.doors.login.confirming import Confirming
from gateway.doors.login.forwarding import OrgForwarding, Origins
from gateway.doors.login.ledger import Ledger
from gateway.doors.login.outcomes import Wording
from gateway.doors.login.redeeming import Redeemer
from gateway.doors.login.switching import ConfirmedSwitch
from gateway.doors.own_pages import LoginPages
from gateway.doors.own_paths import LoginOwnPaths
from gateway.doors.sign_out import LoginSignOut
from gateway.proxy.http import HttpProxy


def login_door(parts: Parts) -> LoginDoor:
    """The door behind the login host."""
    config, login = parts.config, parts.table.login
    host, form_targets = str(login.authority), (*parts.table.origins, *config.switch.trusted_origins)
    proxy = HttpProxy(parts.org_client, parts.place.destination, org_deadlines(config))
    forwarding = OrgForwarding(proxy, parts.sessions, parts.closer, Origins(parts.place.own_origin, login.origin))
    confirming = Confirming(host, parts.sealer, parts.sessions, parts.clock, form_targets)
    ledger = Ledger(parts.fingerprinter, parts.clock)
    return LoginDoor(
        _own_paths(parts),
        Redeemer(host, parts.sessions, parts.closer, parts.sealer, ledger, forwarding.redeem),
        forwarding,
        ConfirmedSwitch(confirming, login.origin),
        Wording(confirming, login.origin, parts.clock),
        Start(login.origin, config.switch.trusted_origins, config.switch.unknown_request_uri == "redemption"),
    )


def _own_paths(parts: Parts) -> LoginOwnPaths:
    sign_in = parts.config.okta.sign_in
    return LoginOwnPaths(
        LoginHandoff(parts.table, parts.sealer, parts.sessions, parts.clock, sign_in),
        LoginSignOut(parts.table, parts.sealer, parts.sessions, parts.closer, parts.clock, sign_in),
        LoginPages(parts.table, parts.sessions, parts.clock, sign_in),
        parts.clock,
    )
