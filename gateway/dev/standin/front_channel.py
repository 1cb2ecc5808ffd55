"""Front-channel logout: when one app ends the session, the org's page opens logout addresses of the other apps in hidden frames.

Owns: which apps are told that the session has ended, and at which address.
Must never: end a session.
Rules: Okta's guide "Configure Single Logout" (Identity Engine; `frontchannel_logout_uri`, `frontchannel_logout_session_required`; only the
browser that signed out is told), OpenID Connect Front-Channel Logout 1.0 §2 and §3 (`iss`, `sid`). Okta also tells SAML apps, by
signed requests; the stand-in does not.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from gateway.dev.standin.call import Call
from gateway.dev.standin.org import Org
from gateway.dev.standin.response_fields import content_policy
from gateway.dev.standin.sessions import OrgSession


def sid_for(org: Org, client_id: str | None, session: OrgSession) -> str | None:
    """Return the `sid` claim of ID tokens for a client that has `frontchannel_logout_session_required`; None for any other client."""
    client = org.clients.find(client_id) if org.is_identity else None
    return session.id if client is not None and client.frontchannel_logout_session_required else None


def notified_at(org: Org, sessions: Iterable[OrgSession], initiator: str = "") -> list[str]:
    """Return the logout addresses of the apps of these sessions, without the app that asked for the logout."""
    addresses = []
    for session in sessions if org.is_identity else ():
        for client_id, issuer in session.clients.items():
            client = org.clients.find(client_id)
            if client is None or not client.frontchannel_logout_uri or client_id == initiator:
                continue
            more = urlencode({"iss": issuer, "sid": session.id}) if client.frontchannel_logout_session_required else ""
            joint = ("&" if "?" in client.frontchannel_logout_uri else "?") if more else ""
            addresses.append(f"{client.frontchannel_logout_uri}{joint}{more}")
    return addresses


def allowed(call: Call, page: web.Response, addresses: Sequence[str]) -> web.Response:
    """Allow a page to frame these addresses (content security policy), and return it."""
    origins = dict.fromkeys(f" {parts.scheme}://{parts.netloc}" for parts in map(urlsplit, addresses))
    page.headers["Content-Security-Policy"] = content_policy(call.host, frame_more="".join(origins))
    return page
