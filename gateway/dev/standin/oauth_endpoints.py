"""The OAuth endpoints for existing tokens, and the metadata: keys, userinfo, introspection, revocation, and the logout of OpenID Connect.

Owns: `/.well-known/…` of the org and of each custom authorization server, `…/keys`, `…/userinfo`, `…/introspect`, `…/revoke`, `…/logout`.
Must never: issue a token, or open a session.
Rules: RFC 7662, RFC 7009, RFC 6750 §3; Okta's reference: `…/logout` is bound to the subject: a hint of another user's token gives an
error page and signs nobody out. An expired hint is accepted. Without a session the answer is only a redirect. Revoking a refresh token ends
its access tokens.

The metadata names no endpoint that the org does not have: OpenID Connect Discovery §3, RFC 8414, RFC 9126 §5, RFC 9207; Okta's own members
beside them.
"""

from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError

from gateway.dev.standin import front_channel
from gateway.dev.standin.answers import json_answer, redirect, with_cookies
from gateway.dev.standin.call import Call
from gateway.dev.standin.client_auth import oauth_error, proven_client, refused_client, required_client
from gateway.dev.standin.devices import GRANT_TYPE as DEVICE_GRANT
from gateway.dev.standin.grants import Grant
from gateway.dev.standin.oauth_grants import end_family
from gateway.dev.standin.oauth_tokens import claims_about, issuer_of
from gateway.dev.standin.pages import error_page, framing_page
from gateway.dev.standin.presence import ended_cookies, presence
from gateway.dev.standin.redirects import SIGN_IN, trusted_target

CACHED = {"Cache-Control": "max-age=3600, must-revalidate"}


def keys(call: Call) -> web.Response:
    """Answer with the public signing key as a JWK set. Clients may cache it."""
    response = json_answer({"keys": [call.org.signing_key.as_dict(private=False)]})
    response.headers.update(CACHED)
    return response


def bearer_grant(call: Call) -> Grant | None:
    """Return the grant of the access token in `Authorization: Bearer`; None without a valid one."""
    scheme, _, token = call.fields.get("Authorization", "").partition(" ")
    return call.org.access_tokens.meaning(token.strip()) if scheme.lower() == "bearer" else None


def userinfo(call: Call) -> web.Response:
    """Answer with the claims of an access token's user."""
    grant = bearer_grant(call)
    if grant is None or grant.user is None:
        return challenged(call, oauth_error("invalid_token", "The access token is invalid.", 401))
    return json_answer({"sub": grant.user.id} | claims_about(grant.user, grant.scope))


def challenged(call: Call, response: web.Response, problem: str = "invalid_token") -> web.Response:
    """Add the field that RFC 6750 §3 requires to a refusal, in Okta's wording, and return it."""
    base = f"{issuer_of(call)}/v1" if "server" in call.path_names else f"{call.origin}/oauth2/v1"
    response.headers["WWW-Authenticate"] = (
        f'Bearer authorization_uri="{base}/authorize", realm="{issuer_of(call)}", scope="openid", error="{problem}",'
        f' error_description="The access token is invalid.", resource="{call.path}"'
    )
    return response


def introspect(call: Call) -> web.Response:
    """Answer whether a token is valid, and with its claims. Only the client that it was issued to gets this answer."""
    client, token = required_client(call), call.first("token")
    if token is None:
        return oauth_error("invalid_request", "The 'token' parameter is missing.")
    org = call.org
    for tokens, kind in ((org.access_tokens, "Bearer"), (org.refresh_tokens, "refresh_token")):
        grant = tokens.meaning(token)
        if grant is not None and (org.clients.is_open or grant.client_id == client.id):
            return json_answer(_described(grant, kind, tokens.expires_at(token), tokens.lifetime_seconds))
    return json_answer({"active": False})


def _described(grant: Grant, kind: str, expires_at: float, lifetime_seconds: float) -> dict[str, object]:
    found: dict[str, object] = {
        "active": True,
        "token_type": kind,
        "scope": grant.scope,
        "client_id": grant.client_id,
        "iss": grant.issuer,
        "iat": int(expires_at - lifetime_seconds),
        "exp": int(expires_at),
        "sub": grant.client_id,
    }
    if grant.user is not None:
        found |= {"username": grant.user.login, "uid": grant.user.id, "sub": grant.user.login}
    return found


def revoke(call: Call) -> web.Response:
    """Revoke a token of the calling client. An unknown token is no error (RFC 7009 §2.2)."""
    client = proven_client(call)
    org, token = call.org, call.first("token") or ""
    if client is None and not org.clients.is_open:
        return refused_client()
    refresh = org.refresh_tokens.meaning(token)
    grant = refresh or org.access_tokens.meaning(token)
    if grant is not None and (org.clients.is_open or client is None or grant.client_id == client.id):
        org.access_tokens.spend(token)
        if refresh is not None:
            end_family(org, refresh.family)
    return web.Response(status=200)


def end_session(call: Call) -> web.Response:
    """Sign out the user of the ID token, if this user is signed in."""
    hint, target = call.first("id_token_hint"), call.first("post_logout_redirect_uri")
    if hint is None:
        return error_page("id_token_hint is missing.")
    try:
        claims = jwt.decode(hint, call.org.signing_key).claims
    except (JoseError, ValueError):
        return error_page("The id_token_hint is not valid.")
    trusted = _registered(call, str(claims.get("aud")), target)
    if target is not None and trusted is None:
        return error_page("The post_logout_redirect_uri is not valid.")
    here = presence(call.org, call.cookies)
    if any(session.user.id != claims.get("sub") for session in here.sessions):
        return error_page("id_token_does_not_match_session: The id_token_hint is for another user than the session.")
    notified = front_channel.notified_at(call.org, here.sessions, str(claims.get("aud")))
    for session in here.sessions:
        call.org.sessions.end(session)
    state = call.first("state")
    location = trusted or SIGN_IN
    if trusted and state:
        location += ("&" if "?" in location else "?") + urlencode({"state": state})
    response = front_channel.allowed(call, framing_page(notified, location), notified) if notified else redirect(location)
    return with_cookies(response, ended_cookies(call.org) if here.sessions else ())


def _registered(call: Call, client_id: str, target: str | None) -> str | None:
    """Return the target if the client may send a browser there after a sign-out; else None."""
    if call.org.clients.is_open:
        return trusted_target(call, target)
    client = call.org.clients.find(client_id)
    return target if client is not None and target in client.post_logout_redirect_uris else None


_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
_GRANTS = ["authorization_code", "implicit", "refresh_token", "password", "client_credentials", DEVICE_GRANT]
_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
_CLAIMS = ["iss", "ver", "sub", "aud", "iat", "exp", "jti", "auth_time", "amr", "idp", "nonce", "name", "email", "email_verified"]
_PROFILE_CLAIMS = ["given_name", "family_name", "preferred_username", "locale", "zoneinfo", "updated_at", "at_hash"]


def discovery(call: Call) -> web.Response:
    """Answer with the metadata of the addressed issuer. Clients may cache it."""
    issuer = issuer_of(call)
    base = f"{issuer}/v1" if "server" in call.path_names else f"{issuer}/oauth2/v1"
    response = json_answer(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "registration_endpoint": f"{call.origin}/oauth2/v1/clients",
            "jwks_uri": f"{base}/keys",
            "response_types_supported": ["code", "id_token", "code id_token", "code token", "id_token token", "code id_token token"],
            "response_modes_supported": ["query", "fragment", "form_post", "okta_post_message"],
            "grant_types_supported": [*_GRANTS, *(["interaction_code"] if call.org.is_identity else [])],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "token_endpoint_auth_methods_supported": _METHODS,
            "claims_supported": [*_CLAIMS, *_PROFILE_CLAIMS],
            "acr_values_supported": ["urn:okta:loa:1fa:any", "urn:okta:loa:2fa:any", "phr", "phrh"],
            "code_challenge_methods_supported": ["S256"],
            "introspection_endpoint": f"{base}/introspect",
            "introspection_endpoint_auth_methods_supported": _METHODS,
            "revocation_endpoint": f"{base}/revoke",
            "revocation_endpoint_auth_methods_supported": _METHODS,
            "device_authorization_endpoint": f"{base}/device/authorize",
            "end_session_endpoint": f"{base}/logout",
            "request_parameter_supported": False,
            "token_endpoint_auth_signing_alg_values_supported": _ALGORITHMS,
            "pushed_authorization_request_endpoint": f"{base}/par",
            "authorization_response_iss_parameter_supported": False,
        }
    )
    response.headers.update(CACHED)
    return response


def organization(call: Call) -> web.Response:
    """Answer which engine the org runs on: pipeline `v1` or `idx`."""
    return json_answer(
        {"id": call.org.id, "pipeline": "idx" if call.org.is_identity else "v1", "_links": {"organization": {"href": call.origin}}}
    )
