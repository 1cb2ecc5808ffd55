"""The app door, put together.

Owns the wiring of the app hosts' rooms, and one client for each app, so that a slow app takes connections from no other. Must never decide
anything. Rules from: DESIGN section 5.
"""

from contextlib import AsyncExitStack

from gateway.compose.hosts import deadlines, field_rules, upstream
from gateway.compose.parts import Parts
from gateway.config import AppTable
from gateway.core.passes import Passes
from gateway.doors.handoff import AppHandoff
from gateway.doors.own_pages import AppPages
from gateway.doors.own_paths import AppOwnPaths
from gateway.doors.protected import AppForwarding, Gate, ProtectedDoor
from gateway.doors.sign_out import AppSignOut
from gateway.outbound import open_client
from gateway.proxy.http import HttpProxy
from gateway.proxy.websocket import WebSocketRelay


def app_door(parts: Parts, opened: AsyncExitStack) -> ProtectedDoor:
    """The door behind every app host; what it opens is closed with ``opened``."""
    gate = Gate(Passes(parts.sealer), parts.sessions, parts.clock)
    handoff = AppHandoff(parts.table, parts.sealer, parts.sessions, parts.clock)
    own = AppOwnPaths(
        handoff,
        AppSignOut(parts.table, parts.sealer, parts.sessions, parts.closer, parts.clock),
        AppPages(parts.table, parts.sealer, parts.sessions, parts.clock, parts.config.okta.sign_in),
        parts.clock,
    )
    forwarding = {app.name: _forwarding(parts, app, gate, opened) for app in parts.config.apps}
    return ProtectedDoor(parts.table, forwarding, gate, own, handoff.sign_in, parts.clock)


def _forwarding(parts: Parts, app: AppTable, gate: Gate, opened: AsyncExitStack) -> AppForwarding:
    client, there, waits = open_client(deadlines(app), app.connections), upstream(app), deadlines(app)
    opened.push_async_callback(client.close)
    return AppForwarding(field_rules(app), HttpProxy(client, there, waits), WebSocketRelay(client, there, waits, parts.live), gate)
