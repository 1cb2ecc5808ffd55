"""Clients of OpenID Connect as tests register them, and the steps that each of them takes."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from gateway.dev.standin import Client
from tests.dev.standin.browser import OrgBrowser, Seen

BACK = "https://rp.example.com/callback"
BYE = "https://rp.example.com/bye"
SCOPE = "openid profile email offline_access"
VERIFIER = "a-verifier-of-more-than-forty-three-characters-long"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
GRANTS = frozenset({"authorization_code", "refresh_token", "implicit", "password", "client_credentials"})

PAGE = Client("0oaPage", (BACK,), post_logout_redirect_uris=(BYE,), grant_types=frozenset({"authorization_code", "refresh_token"}))
SERVER = Client("0oaServer", (BACK,), secret="s3cret", post_logout_redirect_uris=(BYE,), grant_types=GRANTS)
ASKED = {
    "client_id": PAGE.id,
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": SCOPE,
    "state": "s1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


async def asked(browser: OrgBrowser, **changes: str | None) -> Seen:
    """Send the page's authorization request; None leaves a parameter out."""
    kept = {name: value for name, value in (ASKED | changes).items() if value is not None}
    return await browser.get(f"/oauth2/default/v1/authorize?{urlencode(kept)}")


def answered(seen: Seen) -> dict[str, str]:
    """The parameters of an answer to the client, from the query or the fragment."""
    parts = urlsplit(seen.location)
    assert seen.status == 302 and seen.location.startswith(BACK), seen.location or seen.text
    return {name: values[0] for name, values in parse_qs(parts.query or parts.fragment).items()}


async def posted(browser: OrgBrowser, place: str, client: Client = PAGE, **form: str) -> Seen:
    """Post a form to an endpoint of the authorization server, as the client with its secret."""
    own = {"client_id": client.id} | ({"client_secret": client.secret} if client.secret else {})
    return await browser.ask("POST", f"/oauth2/default/v1/{place}", form=own | form)


async def exchanged(browser: OrgBrowser, code: str, client: Client = PAGE) -> Any:
    """The tokens of a code."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    seen = await posted(browser, "token", client, **form)
    assert seen.status == 200, seen.text
    return seen.json


async def tokens(browser: OrgBrowser, client: Client = PAGE) -> Any:
    """The tokens that a client gets for whoever is signed in."""
    return await exchanged(browser, answered(await asked(browser, client_id=client.id))["code"], client)
