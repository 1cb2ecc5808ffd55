"""`check --online`: whether the org answers as an Okta org does, and whether a Redis that holds the state can be used.

Owns the question to the org, asked with a made-up cookie that names nobody. Must never send a real cookie or a token.
"""

import secrets

from gateway.compose.hosts import org_deadlines, org_place
from gateway.compose.parts import folder_of, resolver
from gateway.compose.state import redis_place
from gateway.config import Settings
from gateway.core.session import NoSession, SessionCookie, Unknown
from gateway.okta import Browser, Okta
from gateway.outbound import open_client
from gateway.resolver import ResolverOfClient
from gateway.shared_state import check_redis


async def ask_org(settings: Settings) -> tuple[str, ...]:
    """The problems that only show on the wire: no connection, a wrong certificate, a server that is no org. Empty when all is well."""
    config = settings.config
    place = org_place(config, folder_of(settings))
    browser = Browser(b"session-gateway check", b"", b"", "unknown")
    names = resolver(config)
    try:
        async with open_client(org_deadlines(config), 1, resolver=ResolverOfClient(names)) as client:
            okta = Okta(client, place.destination, org_deadlines(config))
            nobody = SessionCookie(b"sid", b"102" + secrets.token_urlsafe(16).encode("ascii"))
            answer = await okta.session((nobody,), browser)
    finally:
        await names.aclose()
    asked = f"asked {place.destination.base} as {place.destination.host}"
    match answer.finding:
        case NoSession():
            return ()
        case Unknown("rate_limited"):
            return ()
        case Unknown(reason) if answer.status == 0:
            remedy = "check the address, DNS, the firewall and okta.ca_file"
            return (settings.problem(("okta", "org"), f"{asked}: no answer ({reason}); {remedy}"),)
        case _:
            remedy = "check that this is an Okta org, and okta.host and okta.connect_to for a custom domain"
            text = f"{asked}: not what an org answers to a stranger (status {answer.status}); {remedy}"
            return (settings.problem(("okta", "org"), text),)


async def ask_state(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The problems and the warnings of a Redis that holds the state; none where another engine does."""
    if not settings.config.state.is_redis:
        return (), ()
    found = await check_redis(redis_place(settings))
    return tuple(settings.problem(("state", "url"), text) for text in found.problems), found.warnings
