"""`check --online`: asks the org, each app's servers and the Redis of the shared state whether they answer as they should.

The question to the org carries an invented cookie that belongs to no session. The question to an app's server is a health check. Must
never send a real cookie or a token.
"""

import asyncio
import secrets

from gateway.compose.addresses import address_of
from gateway.compose.hosts import app_host, org_address, org_timeouts, servers, timeouts
from gateway.compose.parts import folder_of, resolver
from gateway.compose.state import redis_address
from gateway.config import AppTable, Settings
from gateway.config.loops import servers_of
from gateway.edge.http_proxy import HttpProxy
from gateway.errors import OutsideFailed
from gateway.observe.reasons import CAUSES, REASONS
from gateway.okta import BrowserFields, Okta
from gateway.outbound import open_client
from gateway.policy.routing.server_health import is_healthy
from gateway.policy.session.session import NoSession, SessionCookie, Unknown
from gateway.resolver import Names, ResolverOfClient
from gateway.shared_state import check_redis
from gateway.upstream.health import question
from gateway.upstream.pool import PoolRules, ServerWatch, Upstream
from gateway.upstream.server_address import ServerAddress

_LARGEST_REFUSAL = 64 * 1024


async def ask_org(settings: Settings) -> tuple[str, ...]:
    """Problems that show only in a connection: none at all, a wrong certificate, a server that is no Okta org. Empty if there are none."""
    config = settings.config
    place = org_address(config, folder_of(settings))
    browser = BrowserFields(b"session-gateway check", b"", b"", "unknown")
    names, failures = resolver(config), list[OutsideFailed]()
    try:
        async with open_client(org_timeouts(config), 1, resolver=ResolverOfClient(names)) as client:
            okta = Okta(client, place.destination, org_timeouts(config), failures.append)
            nobody = SessionCookie(b"sid", b"102" + secrets.token_urlsafe(16).encode("ascii"))
            answer = await okta.session((nobody,), browser)
    finally:
        await names.aclose()
    about = f"asked {place.destination.base} as {place.destination.host}"
    match answer.finding:
        case NoSession():
            return ()
        case Unknown("rate_limited"):
            return ()
        case Unknown(reason) if answer.status == 0:
            why = _why(failures[-1]) if failures else f"no answer ({reason}); check the address, DNS, the firewall and okta.ca_file"
            return (settings.problem(("okta", "org"), f"{about}: {why}"),)
        case _:
            remedy = "check that this is an Okta org, and okta.host and okta.connect_to for a custom domain"
            text = f"{about}: not what an org answers to a stranger (status {answer.status}); {remedy}"
            return (settings.problem(("okta", "org"), text),)


async def ask_apps(settings: Settings) -> tuple[str, ...]:
    """Why servers of apps do not answer, one line each. All are asked at once."""
    names, config = resolver(settings.config), settings.config
    own = tuple(address_of(address) for address in (config.listen.address, config.admin.address))
    questions = []
    for number, app in enumerate(config.apps):
        for (path, address), (_, place) in zip(servers_of(app), servers(app, folder_of(settings)), strict=True):
            questions.append(((("app", number, *path), address), _ask_app(app, place, names, ServerWatch(own_addresses=own))))
    try:
        found = await asyncio.gather(*(question for _, question in questions))
    finally:
        await names.aclose()
    about = [where for where, _ in questions]
    return tuple(settings.problem(path, f"{address}: {why}") for (path, address), why in zip(about, found, strict=True) if why)


async def _ask_app(app: AppTable, place: ServerAddress, names: Names, watch: ServerWatch) -> str:
    """Why this server does not answer; empty if it does.

    Any answer is good; with a ``health_path`` it must be a healthy one.
    """
    pool = Upstream(place, timeouts(app), PoolRules(1, 0.0), names=names, watch=watch)
    try:
        exchange = await HttpProxy(pool).exchange(*question(app.health_path or "/", app_host(app)))
        body = await exchange.read(_LARGEST_REFUSAL) if exchange.status == 400 else b""
        exchange.abort()
    except OutsideFailed as error:
        return _why(error)
    finally:
        await pool.aclose()
    if exchange.status == 400 and b"https" in body.lower():
        return f"{CAUSES['plain_to_tls'].what} {CAUSES['plain_to_tls'].do} (status 400)"
    if app.health_path and not is_healthy(exchange.status):
        return f"answers {app.health_path} with status {exchange.status}; correct the app, or health_path"
    return ""


def _why(error: OutsideFailed) -> str:
    """The cause, the remedy, and the error's own name."""
    reason = CAUSES.get(error.why) or REASONS[error.reason]
    return f"{reason.what} {reason.do}" + (f" ({error.detail})" if error.detail else "")


async def ask_state(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The problems and the warnings of the Redis that holds the state; empty for another engine."""
    if not settings.config.state.is_redis:
        return (), ()
    found = await check_redis(redis_address(settings))
    return tuple(settings.problem(("state", "url"), text) for text in found.problems), found.warnings
