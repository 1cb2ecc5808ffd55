"""Steps of an OpenID Connect client by raw HTTP, through the login host of a system."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from gateway.dev.standin import Client
from tests.harness.person import HR, LOGIN, Person, PersonReply
from tests.harness.system import System

BACK, BYE, SERVER = f"{HR}/callback", f"{HR}/bye", "/oauth2/default/v1"
VERIFIER = "a-verifier-of-more-than-forty-three-characters-long"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
GRANTS = frozenset({"authorization_code", "refresh_token", "implicit", "password"})
RP = Client("0oaRp", (BACK,), post_logout_redirect_uris=(BYE,), grant_types=GRANTS)
ASKED = {
    "client_id": RP.id,
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": "openid profile email offline_access",
    "state": "s1",
    "nonce": "n1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
FRAME = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}


def authorize(**changes: str) -> str:
    """The address of an authorization request."""
    return f"{LOGIN}{SERVER}/authorize?{urlencode(ASKED | changes)}"


async def silently(person: Person) -> dict[str, str]:
    """What a hidden frame with ``prompt=none`` is answered."""
    return answered(await person.ask(authorize(prompt="none"), fields=FRAME))


def answered(reply: PersonReply) -> dict[str, str]:
    """The parameters that a client gets, from the query or the fragment."""
    parts = urlsplit(reply.location)
    assert reply.status == 302 and reply.location.startswith(BACK), reply
    return {name: values[0] for name, values in parse_qs(parts.query or parts.fragment).items()}


async def posted(place: System, endpoint: str, **form: str) -> PersonReply:
    """A request of the client's own server."""
    body = urlencode({"client_id": RP.id} | form)
    return await place.person().ask(f"{LOGIN}{SERVER}/{endpoint}", "POST", fields={"Accept": "application/json"}, site="", body=body)


async def tokens(place: System, person: Person, **changes: str) -> Any:
    """The tokens of whoever is signed in."""
    code = answered(await person.ask(authorize(**changes)))["code"]
    reply = await posted(place, "token", grant_type="authorization_code", code=code, redirect_uri=BACK, code_verifier=VERIFIER)
    assert reply.status == 200, reply
    return reply.json


async def refreshed(place: System, refresh_token: str) -> PersonReply:
    """What the token endpoint says to a refresh token."""
    return await posted(place, "token", grant_type="refresh_token", refresh_token=refresh_token)


def subject(token: str) -> str:
    """The ``sub`` of a token."""
    text = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["sub"])
