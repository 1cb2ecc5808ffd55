"""Builds what an app's own sessions need: the names of their cookies, the keys that bind them to users, and the sign-out calls.

Must never decide anything.
"""

from contextlib import AsyncExitStack

from gateway.compose.hosts import app_host, authority_of, field_rules, netloc_of, prefixes
from gateway.compose.parts import Parts
from gateway.config import AppTable
from gateway.doors.app_sessions import AppSessions, AppSignOuts, SignOutPlace, UnboundNote
from gateway.edge.http_proxy import HttpProxy
from gateway.policy.http.cookie_stamps import Stamps
from gateway.policy.http.session_cookie_names import SessionCookieNames
from gateway.upstream.servers import Servers


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
    ways = [HttpProxy(server) for server in source.all] if app.balance == "sticky" and isinstance(source, Servers) else [http]
    calls = AppSignOuts(place, ways, parts.state, parts.tell)
    opened.push_async_callback(calls.aclose)
    return calls
