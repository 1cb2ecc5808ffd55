"""The metadata of the org and of its authorization servers.

Owns: `/.well-known/…` of the org and of each custom authorization server.
Must never: name an endpoint that the org does not have.
Rules: OpenID Connect Discovery §3, RFC 8414, RFC 9126 §5, RFC 9207; Okta's own members beside them.
"""

from aiohttp import web

from gateway.dev.standin.answers import json_answer
from gateway.dev.standin.call import Call
from gateway.dev.standin.devices import GRANT_TYPE as DEVICE_GRANT
from gateway.dev.standin.oauth_endpoints import CACHED
from gateway.dev.standin.oauth_tokens import issuer_of

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
