"""Signed tokens and the endpoints around them.

Owns: ID tokens and access tokens (RS256), `…/token`, `…/keys`, `…/userinfo`, `…/revoke`, `…/logout`, discovery.
Must never: open a session.
Rules: OpenID Connect Core, RFC 6749, RFC 7636 (S256), OpenID Connect Discovery; `…/logout` is bound to the subject: the hint of
another user's token gives an error page and signs nobody out; an expired hint is good, no session is a plain redirect.
"""

import base64
import hashlib
import hmac
import secrets
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError

from gateway.standin.answers import json_answer, redirect, with_cookies
from gateway.standin.call import Call
from gateway.standin.org import Grant, Org
from gateway.standin.pages import error_page
from gateway.standin.presence import ended_cookies, presence
from gateway.standin.redirects import SIGN_IN, trusted_target

_ID_TOKEN_SECONDS = 3600


def issuer_of(call: Call) -> str:
    """Return the issuer that this request addresses: the org, or one of its custom authorization servers."""
    server = call.path_names.get("server")
    return f"{call.origin}/oauth2/{server}" if server else call.origin


def oauth_error(code: str, description: str, status: int = 400) -> web.Response:
    """Return an OAuth error object (not Okta's)."""
    return json_answer({"error": code, "error_description": description}, status)


def _sign(org: Org, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": org.signing_key.kid}, claims, org.signing_key)


def access_token(org: Org, grant: Grant) -> str:
    """Return a signed access token, good for userinfo."""
    now = int(org.clock.now())
    claims = {
        "ver": 1,
        "jti": "AT." + secrets.token_urlsafe(24),
        "iss": grant.issuer,
        "aud": grant.issuer,
        "iat": now,
        "exp": now + int(org.access_tokens.lifetime_seconds),
        "cid": grant.client_id,
        "uid": grant.user.id,
        "scp": grant.scope.split(),
        "sub": grant.user.login,
    }
    token = _sign(org, claims)
    org.access_tokens.adopt(token, grant)
    return token


def id_token(org: Org, grant: Grant, access: str | None) -> str:
    """Return a signed ID token about the user of a grant."""
    now = int(org.clock.now())
    claims: dict[str, Any] = {
        "ver": 1,
        "jti": "ID." + secrets.token_urlsafe(24),
        "iss": grant.issuer,
        "aud": grant.client_id,
        "sub": grant.user.id,
        "iat": now,
        "exp": now + _ID_TOKEN_SECONDS,
        "auth_time": int(grant.authenticated_at),
        "amr": ["pwd"],
        "idp": org.id,
    } | _profile(grant)
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if access is not None:
        claims["at_hash"] = _encoded(hashlib.sha256(access.encode()).digest()[:16])
    return _sign(org, claims)


def _profile(grant: Grant) -> dict[str, Any]:
    user, scopes = grant.user, grant.scope.split()
    claims: dict[str, Any] = {}
    if "profile" in scopes:
        claims |= {"name": user.name, "preferred_username": user.login}
    if "email" in scopes:
        claims |= {"email": user.login}
    return claims


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def exchange(call: Call) -> web.Response:
    """Exchange an authorization code for tokens, once."""
    if call.first("grant_type") != "authorization_code":
        return oauth_error("unsupported_grant_type", "The authorization grant type is not supported.")
    grant = call.org.codes.spend(call.first("code") or "")
    if grant is None or call.first("redirect_uri") != grant.redirect_uri:
        return oauth_error("invalid_grant", "The authorization code is invalid or has expired.")
    if grant.code_challenge is not None:
        proof = _encoded(hashlib.sha256((call.first("code_verifier") or "").encode()).digest())
        if not hmac.compare_digest(proof, grant.code_challenge):
            return oauth_error("invalid_grant", "PKCE verification failed.")
    access = access_token(call.org, grant)
    answer = {
        "token_type": "Bearer",
        "expires_in": int(call.org.access_tokens.lifetime_seconds),
        "access_token": access,
        "scope": grant.scope,
    }
    if "openid" in grant.scope.split():
        answer["id_token"] = id_token(call.org, grant, access)
    return json_answer(answer)


def keys(call: Call) -> web.Response:
    """Answer with the public signing key as a JWK set."""
    return json_answer({"keys": [call.org.signing_key.as_dict(private=False)]})


def userinfo(call: Call) -> web.Response:
    """Answer with the claims of an access token's user."""
    scheme, _, token = call.fields.get("Authorization", "").partition(" ")
    grant = call.org.access_tokens.meaning(token) if scheme.lower() == "bearer" else None
    if grant is None:
        return oauth_error("invalid_token", "The access token is invalid.", 401)
    return json_answer({"sub": grant.user.id} | _profile(grant))


def revoke(call: Call) -> web.Response:
    """End an access token; an unknown one is no error (RFC 7009 §2.2)."""
    call.org.access_tokens.spend(call.first("token") or "")
    return web.Response(status=200)


def end_session(call: Call) -> web.Response:
    """Sign out the user whom the ID token names, if it is the one who is signed in."""
    hint, target = call.first("id_token_hint"), call.first("post_logout_redirect_uri")
    if hint is None:
        return error_page("id_token_hint is missing.")
    try:
        subject = jwt.decode(hint, call.org.signing_key).claims.get("sub")
    except (JoseError, ValueError):
        return error_page("The id_token_hint is not valid.")
    trusted = trusted_target(call, target)
    if target is not None and trusted is None:
        return error_page("The post_logout_redirect_uri is not valid.")
    here = presence(call.org, call.cookies)
    if any(session.user.id != subject for session in here.sessions):
        return error_page("id_token_does_not_match_session: The id_token_hint is for another user than the session.")
    for session in here.sessions:
        call.org.sessions.end(session)
    state = call.first("state")
    location = trusted or SIGN_IN
    if trusted and state:
        location += ("&" if "?" in location else "?") + urlencode({"state": state})
    return with_cookies(redirect(location), ended_cookies(call.org) if here.sessions else ())


def discovery(call: Call) -> web.Response:
    """Answer with the metadata of the addressed issuer."""
    issuer = issuer_of(call)
    base = f"{issuer}/v1" if "server" in call.path_names else f"{issuer}/oauth2/v1"
    return json_answer(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "jwks_uri": f"{base}/keys",
            "revocation_endpoint": f"{base}/revoke",
            "end_session_endpoint": f"{base}/logout",
            "pushed_authorization_request_endpoint": f"{base}/par",
            "response_types_supported": ["code", "id_token", "code id_token", "code token", "id_token token", "code id_token token"],
            "response_modes_supported": ["query", "fragment", "form_post", "okta_post_message"],
            "grant_types_supported": ["authorization_code", "implicit"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }
    )


def organization(call: Call) -> web.Response:
    """Answer which engine the org runs on: pipeline `v1` or `idx`."""
    return json_answer(
        {"id": call.org.id, "pipeline": "idx" if call.org.is_identity else "v1", "_links": {"organization": {"href": call.origin}}}
    )
