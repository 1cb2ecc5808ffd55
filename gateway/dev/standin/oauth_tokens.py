"""Makes ID tokens, access tokens and refresh tokens.

Owns: ID tokens and access tokens (RS256), refresh tokens, the claims about a user, the answer of the token endpoint.
Must never: open a session, or read one, because a token outlives the session in which it was issued.
Rules: OpenID Connect Core, RFC 6749, Okta's token reference (claims; `api://default` is the audience of the server `default`).
"""

import base64
import hashlib
import secrets
from typing import Any

from joserfc import jwt

from gateway.dev.standin.call import Call
from gateway.dev.standin.grants import Grant
from gateway.dev.standin.org import Org
from gateway.dev.standin.users import User

_ID_TOKEN_SECONDS = 3600
_UPDATED_AT = 1577836800


def server_of(call: Call) -> str | None:
    """Return the custom authorization server of this request; None for the org's own."""
    return call.path_names.get("server")


def issuer_of(call: Call) -> str:
    """Return the issuer that this request addresses: the org, or one of its custom authorization servers."""
    server = server_of(call)
    return f"{call.origin}/oauth2/{server}" if server else call.origin


def _sign(org: Org, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": org.signing_key.kid}, claims, org.signing_key)


def access_token(org: Org, grant: Grant) -> str:
    """Return a signed access token. It is valid for userinfo, and for Okta's API if its scopes include that."""
    token = _sign(org, access_claims(org, grant))
    org.access_tokens.adopt(token, grant)
    return token


def access_claims(org: Org, grant: Grant) -> dict[str, Any]:
    """Return the claims of a new access token."""
    now = int(org.clock.now())
    head, found, server = grant.issuer.partition("/oauth2/")
    claims = {
        "ver": 1,
        "jti": "AT." + secrets.token_urlsafe(24),
        "iss": grant.issuer,
        "aud": f"api://{server}" if found else head,
        "iat": now,
        "exp": now + int(org.access_tokens.lifetime_seconds),
        "cid": grant.client_id,
        "scp": grant.scope.split(),
        "sub": grant.client_id if grant.user is None else grant.user.login,
    }
    if grant.user is not None:
        claims |= {"uid": grant.user.id, "auth_time": int(grant.authenticated_at)}
    return claims


def id_token(org: Org, grant: Grant, user: User, access: str | None) -> str:
    """Return a signed ID token about the user of a grant."""
    now = int(org.clock.now())
    claims: dict[str, Any] = {
        "ver": 1,
        "jti": "ID." + secrets.token_urlsafe(24),
        "iss": grant.issuer,
        "aud": grant.client_id,
        "sub": user.id,
        "iat": now,
        "exp": now + _ID_TOKEN_SECONDS,
        "auth_time": int(grant.authenticated_at),
        "amr": list(grant.amr),
        "idp": org.id,
    } | claims_about(user, grant.scope)
    if grant.acr is not None:
        claims["acr"] = grant.acr
    if grant.sid is not None:
        claims["sid"] = grant.sid
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if access is not None:
        claims["at_hash"] = encoded(hashlib.sha256(access.encode()).digest()[:16])
    return _sign(org, claims)


def claims_about(user: User, scope: str) -> dict[str, Any]:
    """Return the claims about a user that these scopes ask for (OpenID Connect Core §5.4)."""
    scopes = scope.split()
    claims: dict[str, Any] = {}
    if "profile" in scopes:
        claims |= {
            "name": user.name,
            "given_name": user.first_name,
            "family_name": user.last_name,
            "preferred_username": user.login,
            "locale": "en_US",
            "zoneinfo": "America/Los_Angeles",
            "updated_at": _UPDATED_AT,
        }
    if "email" in scopes:
        claims |= {"email": user.login, "email_verified": True}
    return claims


def encoded(raw: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def granted(org: Org, grant: Grant, refresh: str | None = None) -> dict[str, object]:
    """Return the answer of the token endpoint for a grant; `refresh` is its refresh token."""
    scopes = grant.scope.split()
    access = access_token(org, grant)
    answer: dict[str, object] = {
        "token_type": "Bearer",
        "expires_in": int(org.access_tokens.lifetime_seconds),
        "access_token": access,
        "scope": grant.scope,
    }
    if refresh is not None:
        answer["refresh_token"] = refresh
    if "openid" in scopes and grant.user is not None:
        answer["id_token"] = id_token(org, grant, grant.user, access)
    return answer
