"""Client authentication at the token endpoint and the endpoints beside it.

Owns: the four methods: nothing (public clients), `client_secret_basic`, `client_secret_post`, `private_key_jwt`.
Must never: accept a public client that sends a secret, or the same assertion twice.
Rules: RFC 6749 §2.3, RFC 7523 §3, OpenID Connect Core §9.
"""

import base64
import binascii
import hmac
import json
from urllib.parse import unquote_plus

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from gateway.dev.standin.answers import ErrorAnswer, json_answer
from gateway.dev.standin.call import Call
from gateway.dev.standin.clients import Client

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LONGEST_SECONDS = 3600


def oauth_error(code: str, description: str, status: int = 400) -> web.Response:
    """Return an answer with an error object of OAuth, not of Okta."""
    return json_answer({"error": code, "error_description": description}, status)


def refused_client() -> web.Response:
    """Return the answer to a client that was not authenticated."""
    what = "The client secret supplied for a confidential client is invalid, or the client is unknown."
    refusal = oauth_error("invalid_client", what, 401)
    refusal.headers["WWW-Authenticate"] = 'Basic realm="okta"'
    return refusal


def proven_client(call: Call) -> Client | None:
    """Return the client that made this call; None if its proof is missing or wrong."""
    if call.first("client_assertion_type") == ASSERTION_TYPE:
        return _by_assertion(call, call.first("client_assertion") or "")
    named, secret = _credentials(call)
    client = call.org.clients.find(named)
    if client is None or call.org.clients.is_open:
        return client
    if client.is_public:
        return client if not secret else None
    if client.secret is None or secret is None:
        return None
    return client if hmac.compare_digest(client.secret.encode(), secret.encode()) else None


def required_client(call: Call) -> Client:
    """Return the client that made this call; refuse the call if its proof is missing or wrong."""
    client = proven_client(call)
    if client is None:
        raise ErrorAnswer(refused_client())
    return client


def _credentials(call: Call) -> tuple[str | None, str | None]:
    scheme, _, encoded = call.fields.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return call.first("client_id"), call.first("client_secret")
    try:
        name, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None, None
    return unquote_plus(name), unquote_plus(secret)


def _by_assertion(call: Call, assertion: str) -> Client | None:
    """Check an assertion: the client's key signed it, about itself, for this address; it is short-lived and was not used before."""
    client = call.org.clients.find(_subject(assertion))
    if client is None or client.public_key is None:
        return None
    try:
        claims = jwt.decode(assertion, import_key(dict(client.public_key))).claims
    except (JoseError, ValueError):
        return None
    now, ends, name = call.org.clock.now(), claims.get("exp"), claims.get("jti")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    is_own = claims.get("iss") == claims.get("sub") == client.id and f"{call.origin}{call.path}" in audiences
    if not is_own or not isinstance(ends, int) or not now < ends <= now + _LONGEST_SECONDS:
        return None
    if isinstance(name, str) and not call.org.assertions_used.adopt_once(f"{client.id} {name}", True):
        return None
    return client


def _subject(assertion: str) -> str:
    """Return the subject of an assertion, which is not verified yet; empty if it cannot be read."""
    try:
        padded = assertion.split(".")[1] + "=="
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (IndexError, ValueError):
        return ""
    return str(claims.get("sub")) if isinstance(claims, dict) else ""
