"""Builds the app door and the sub-request door.

Owns which objects the app hosts get. Each app has connections of its own, so a slow app takes none from another. Must never decide
anything.
"""

from contextlib import AsyncExitStack

from gateway.compose.app_servers import app_servers
from gateway.compose.app_sessions import app_sessions
from gateway.compose.hosts import app_host, field_rules, head_limits, prefixes, references, rewriting
from gateway.compose.parts import Parts
from gateway.config import AppTable
from gateway.doors.app import AppCookies, AppForwarding, Face, PassResolver, ProtectedDoor, SessionWatcher, StrippedOverrides
from gateway.doors.app_sessions import AppSessions, FormerUsers
from gateway.doors.forward_auth import SubrequestDoor, SubrequestRules
from gateway.doors.login.browsers import Browsers
from gateway.doors.own.handoff import AppHandoff
from gateway.doors.own.kept_forms import KeptForms
from gateway.doors.own.pages import AppPages
from gateway.doors.own.paths import AppOwnPaths
from gateway.doors.own.sign_out import AppSignOut
from gateway.edge.http_proxy import HttpProxy
from gateway.edge.spooled import UploadSpool
from gateway.edge.websocket import WebSocketRelay
from gateway.policy.routing.forward_auth_response import ForwardAuthResponse
from gateway.policy.session.owner import Owners
from gateway.policy.session.passes import Passes


def app_gate(parts: Parts) -> PassResolver:
    """The ``PassResolver`` for both doors, so that a pass which one door opened is in the cache of the other too."""
    return PassResolver(Passes(parts.sealer), parts.sessions, parts.clock)


def app_door(parts: Parts, gate: PassResolver, opened: AsyncExitStack) -> ProtectedDoor:
    """The door of all app hosts. What it opens is closed with ``opened``."""
    ways = {app.name: _way(parts, app, opened) for app in parts.config.apps if app.addresses}
    made = {app.name: app_sessions(parts, app, ways.get(app.name), opened) for app in parts.config.apps}
    sessions = {name: of_app for name, of_app in made.items() if of_app is not None}
    former = FormerUsers(Owners(parts.seal_keys), sessions)
    handoff = AppHandoff(parts.table, parts.sealer, parts.sessions, parts.clock, former, parts.tickets)
    forms = KeptForms(parts.table, parts.sealer, parts.sessions, Owners(parts.seal_keys), parts.state, parts.clock)
    own = AppOwnPaths(
        handoff,
        AppSignOut(parts.table, parts.sealer, parts.sessions, parts.closer, parts.clock, former, parts.config.switch.return_origins),
        AppPages(parts.table, parts.sealer, parts.sessions, parts.clock, parts.config.okta.sign_in),
        forms,
        parts.clock,
    )
    lasting = SessionWatcher(parts.sessions, parts.live, parts.clock, Browsers(parts.state, parts.sealer).record)
    opened.callback(parts.revocations.subscribe(lasting.hear))
    opened.push_async_callback(lasting.aclose)
    shared = gate, lasting
    forwarding = {
        app.name: _forwarding(parts, app, ways[app.name], shared, sessions.get(app.name)) for app in parts.config.apps if app.addresses
    }
    return ProtectedDoor(parts.table, forwarding, gate, own, handoff.turned_away, forms, parts.clock)


def subrequest_door(parts: Parts, gate: PassResolver) -> SubrequestDoor:
    """The door of ``/.gateway/auth``."""
    listen, asked = parts.config.listen, parts.config.subrequest
    told = {app.name: ForwardAuthResponse(field_rules(app).identity) for app in parts.config.apps}
    rules = SubrequestRules(listen.trusted_proxies, head_limits(parts.config), asked.max_age, asked.patience)
    return SubrequestDoor(parts.table, gate, told, rules, parts.clock)


def _way(parts: Parts, app: AppTable, opened: AsyncExitStack) -> HttpProxy:
    bounds = [size for size in (app.buffer_uploads, app.largest_body) if size]
    uploads = UploadSpool(min(bounds)) if app.buffer_uploads else None
    return HttpProxy(app_servers(parts, app, opened), largest_body=app.largest_body or None, live=parts.live, uploads=uploads)


def _forwarding(
    parts: Parts, app: AppTable, http: HttpProxy, shared: tuple[PassResolver, SessionWatcher], sessions: AppSessions | None
) -> AppForwarding:
    rules, is_sticky = field_rules(app), app.balance == "sticky"
    face = Face(rules, app_host(app), prefixes(app), rewriting(app), is_sticky, references(app), app.strip_prefix)
    overrides = StrippedOverrides(app.name, rules.allowed, parts.tell)
    cookies = AppCookies(app.name, parts.table.login.authority.host, parts.tell)
    return AppForwarding(face, http, WebSocketRelay(http.source, parts.live), *shared, parts.batch, cookies.keep, sessions, overrides)
