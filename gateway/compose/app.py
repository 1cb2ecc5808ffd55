"""Builds the app door and the sub-request door, with the connections to each app's servers.

Owns which objects the app hosts get. Each app has connections of its own, so a slow app takes none from another. Must never decide
anything.
"""

from contextlib import AsyncExitStack

from gateway.compose.failures import app_watch
from gateway.compose.hosts import (
    app_host,
    authority_of,
    balancer,
    field_rules,
    head_limits,
    netloc_of,
    prefixes,
    references,
    rewriting,
    servers,
    timeouts,
)
from gateway.compose.parts import Parts
from gateway.config import AppTable
from gateway.doors.app import AppCookies, AppForwarding, Face, PassResolver, ProtectedDoor, SessionWatcher, StrippedOverrides
from gateway.doors.app_sessions import AppSessions, AppSignOuts, FormerUsers, SignOutPlace, UnboundNote
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
from gateway.policy.http.cookie_stamps import Stamps
from gateway.policy.http.session_cookie_names import SessionCookieNames
from gateway.policy.routing.balancing import Balancer
from gateway.policy.routing.forward_auth_response import ForwardAuthResponse
from gateway.policy.routing.server_health import Server, is_healthy
from gateway.policy.session.owner import Owners
from gateway.policy.session.passes import Passes
from gateway.upstream.health import HealthChecks, question
from gateway.upstream.pool import PoolRules, Upstream
from gateway.upstream.servers import BalancerUse, Servers


def pass_resolver(parts: Parts) -> PassResolver:
    """The ``PassResolver`` for both doors, so that a pass which one door opened is in the cache of the other too."""
    return PassResolver(Passes(parts.sealer), parts.sessions, parts.clock)


def app_door(parts: Parts, resolver: PassResolver, opened: AsyncExitStack) -> ProtectedDoor:
    """The door of all app hosts. What it opens is closed with ``opened``."""
    proxies = {app.name: _proxy(parts, app, opened) for app in parts.config.apps if app.addresses}
    of_apps = {app.name: app_sessions(parts, app, proxies.get(app.name), opened) for app in parts.config.apps}
    sessions = {name: of_app for name, of_app in of_apps.items() if of_app is not None}
    former = FormerUsers(Owners(parts.seal_keys), sessions)
    handoff, forms, own = app_own_paths(parts, former)
    watcher = SessionWatcher(parts.sessions, parts.open_connections, parts.clock, Browsers(parts.state, parts.sealer).record)
    opened.callback(parts.revocations.subscribe(watcher.hear))
    opened.push_async_callback(watcher.aclose)
    shared = resolver, watcher
    forwarding = {
        app.name: _forwarding(parts, app, proxies[app.name], shared, sessions.get(app.name)) for app in parts.config.apps if app.addresses
    }
    return ProtectedDoor(parts.table, forwarding, resolver, own, handoff.turned_away, forms, parts.clock)


def app_own_paths(parts: Parts, former: FormerUsers) -> tuple[AppHandoff, KeptForms, AppOwnPaths]:
    """The own paths of all app hosts, with the hand-off and the kept forms that their door uses too."""
    handoff = AppHandoff(parts.table, parts.sealer, parts.sessions, parts.clock, former, parts.tickets)
    forms = KeptForms(parts.table, parts.sealer, parts.sessions, Owners(parts.seal_keys), parts.state, parts.clock)
    own = AppOwnPaths(
        handoff,
        AppSignOut(parts.table, parts.sealer, parts.sessions, parts.closer, parts.clock, former, parts.config.switch.return_origins),
        AppPages(parts.table, parts.sealer, parts.sessions, parts.clock, parts.config.okta.sign_in),
        forms,
        parts.clock,
    )
    return handoff, forms, own


def subrequest_door(parts: Parts, resolver: PassResolver) -> SubrequestDoor:
    """The door of ``/.gateway/auth``."""
    listen, subrequest = parts.config.listen, parts.config.subrequest
    responses = {app.name: ForwardAuthResponse(field_rules(app).identity) for app in parts.config.apps}
    rules = SubrequestRules(listen.trusted_proxies, head_limits(parts.config), subrequest.max_age, subrequest.patience)
    return SubrequestDoor(parts.table, resolver, responses, rules, parts.clock)


def _proxy(parts: Parts, app: AppTable, opened: AsyncExitStack) -> HttpProxy:
    bounds = [size for size in (app.buffer_uploads, app.largest_body) if size]
    uploads = UploadSpool(min(bounds)) if app.buffer_uploads else None
    return HttpProxy(
        app_servers(parts, app, opened), largest_body=app.largest_body or None, open_connections=parts.open_connections, uploads=uploads
    )


def _forwarding(
    parts: Parts, app: AppTable, http: HttpProxy, shared: tuple[PassResolver, SessionWatcher], sessions: AppSessions | None
) -> AppForwarding:
    rules, is_sticky = field_rules(app), app.balance == "sticky"
    face = Face(rules, app_host(app), prefixes(app), rewriting(app), is_sticky, references(app), app.strip_prefix)
    overrides = StrippedOverrides(app.name, rules.allowed, parts.tell)
    cookies = AppCookies(app.name, parts.table.login.authority.host, parts.tell)
    return AppForwarding(
        face, http, WebSocketRelay(http.source, parts.open_connections), *shared, parts.batch, cookies.keep, sessions, overrides
    )


def app_servers(parts: Parts, app: AppTable, opened: AsyncExitStack) -> Servers:
    """The servers of the app. What this opens is closed with ``opened``."""
    choice = balancer(app, parts.seal_keys)
    rules, watch = PoolRules(app.connections, app.keep_alive), app_watch(app.name, parts.tell, parts.own_addresses)
    pools: dict[Server, Upstream] = {}
    for server, address in servers(app, parts.folder):
        pools[server] = Upstream(address, timeouts(app), rules, BalancerUse(choice, server, parts.clock.monotonic), parts.names, watch)
        opened.push_async_callback(pools[server].aclose)
    if app.health_path:
        checks = _checks(parts, app, choice, pools)
        checks.start()
        opened.push_async_callback(checks.aclose)
    return Servers(choice, pools, parts.clock.monotonic)


def _checks(parts: Parts, app: AppTable, choice: Balancer, pools: dict[Server, Upstream]) -> HealthChecks:
    method, target, fields = question(app.health_path, app_host(app))
    rules, watch = PoolRules(1, 0.0), app_watch(app.name, parts.tell, parts.own_addresses)
    proxies = {
        server: HttpProxy(Upstream(pool.address, pool.timeouts, rules, names=parts.names, watch=watch)) for server, pool in pools.items()
    }

    async def probe(server: Server) -> bool:
        exchange = await proxies[server].exchange(method, target, fields)
        exchange.abort()
        return is_healthy(exchange.status)

    def checked(server: Server, healthy: bool) -> None:
        if choice.checked(server, healthy):
            parts.tell("server_up" if healthy else "server_down", {"app": app.name, "address": server.name})

    return HealthChecks(tuple(pools), probe, checked, app.health_interval)


def app_sessions(parts: Parts, app: AppTable, http: HttpProxy | None, opened: AsyncExitStack) -> AppSessions | None:
    """The sessions of one app; None if none of its cookies is bound to users.

    ``http``: sends requests to the app; None if a front proxy carries it.
    """
    if not app.session_cookies:
        return None
    stamps = Stamps(parts.seal_keys, authority_of(app.url).host.encode("ascii"))
    names, note = SessionCookieNames(app.session_cookies), UnboundNote(app.name, parts.tell)
    return AppSessions(names, stamps, _sign_outs(parts, app, http, opened), http is not None, note)


def _sign_outs(parts: Parts, app: AppTable, http: HttpProxy | None, opened: AsyncExitStack) -> AppSignOuts | None:
    target = prefixes(app).inner(app.sign_out_path) if app.sign_out_path else None
    if target is None or http is None:
        return None
    place = SignOutPlace(app.name, target, app_host(app), netloc_of(app.url), app.url.startswith("https://"), field_rules(app).constant)
    source = http.source
    # A sticky app keeps each session on one server. It is not known any more on which, so every server is called.
    proxies = [HttpProxy(server) for server in source.all] if app.balance == "sticky" and isinstance(source, Servers) else [http]
    calls = AppSignOuts(place, proxies, parts.state, parts.tell)
    opened.push_async_callback(calls.aclose)
    return calls
