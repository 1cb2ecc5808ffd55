"""The token endpoint: issues tokens for a code, a refresh token, a password, or for the client itself.

Owns: `…/token`, each grant type, the rotation of refresh tokens.
Must never: open a session, or issue a token to a client that is not authenticated.
Rules: RFC 6749 §4 to §6, RFC 7636 (S256); Okta's refresh tokens: those of public clients are rotated. The old value is valid for 30
seconds more; after that, its use ends every token of its family.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace

from aiohttp import web

from gateway.dev.standin.answers import json_answer
from gateway.dev.standin.call import Call
from gateway.dev.standin.client_auth import oauth_error, proven_client, refused_client
from gateway.dev.standin.clients import Client
from gateway.dev.standin.credentials import signed
from gateway.dev.standin.devices import GRANT_TYPE as DEVICE_GRANT
from gateway.dev.standin.grants import Grant
from gateway.dev.standin.oauth_tokens import encoded, granted, issuer_of
from gateway.dev.standin.org import Org
from gateway.dev.standin.users import User

GRACE_SECONDS = 30.0
_OF_A_CODE = ("refresh_token", "interaction_code")
"""Grant types that no client must register: Okta's clients that may ask for a code have them by default."""
_BAD_CODE = "The authorization code is invalid or has expired."
_DEVICE_ERRORS = {
    "waits": ("authorization_pending", "The device authorization is pending. Please try again later."),
    "too soon": ("slow_down", "The client is polling too quickly and should back off at a reasonable interval."),
    "too old": ("expired_token", "The device code is invalid or has expired."),
    "refused": ("access_denied", "The user denied the device authorization."),
}
_BAD_REFRESH = "The refresh token is invalid or expired."


def exchange(call: Call) -> web.Response:
    """Answer with the tokens of a grant; 400 with OAuth's error code for a wrong grant, 401 for a client that is not authenticated."""
    kind = call.first("grant_type") or ""
    act = _GRANTS.get(kind)
    if act is None:
        return oauth_error("unsupported_grant_type", "The authorization grant type is not supported by the authorization server.")
    client = proven_client(call)
    if client is None and not call.org.clients.is_open:
        return refused_client()
    client = client or Client("", grant_types=frozenset(_GRANTS))
    if kind not in client.grant_types and kind not in _OF_A_CODE:
        return oauth_error("unauthorized_client", "The client is not authorized to use the provided grant type.")
    return act(call, client)


def _by_code(call: Call, client: Client) -> web.Response:
    code = call.first("code") or ""
    grant = call.org.codes.spend(code)
    if grant is None:
        end_family(call.org, call.org.codes_used.meaning(code))
        return oauth_error("invalid_grant", _BAD_CODE)
    call.org.codes_used.adopt(code, grant.family)
    if call.first("redirect_uri") != grant.redirect_uri or not _is_of(call, client, grant):
        return oauth_error("invalid_grant", _BAD_CODE)
    return _proven(call, client, grant)


def _proven(call: Call, client: Client, grant: Grant) -> web.Response:
    """Answer with the tokens of a code whose `code_verifier` is right."""
    if grant.code_challenge is not None:
        proof = encoded(hashlib.sha256((call.first("code_verifier") or "").encode()).digest())
        if not hmac.compare_digest(proof.encode(), grant.code_challenge.encode()):
            return oauth_error("invalid_grant", "PKCE verification failed.")
    return json_answer(granted(call.org, grant, first_refresh_token(call.org, client, grant)))


def _by_interaction_code(call: Call, client: Client) -> web.Response:
    grant = call.org.interaction_codes.spend(call.first("interaction_code") or "")
    if grant is None or not _is_of(call, client, grant):
        return oauth_error("invalid_grant", "The interaction code is invalid or has expired.")
    return _proven(call, client, grant)


def _is_of(call: Call, client: Client, grant: Grant) -> bool:
    """Return whether the grant belongs to this client and this authorization server. Unregistered clients need not send their id."""
    return call.org.clients.is_open or (grant.client_id == client.id and grant.issuer == issuer_of(call))


def first_refresh_token(org: Org, client: Client, grant: Grant) -> str | None:
    """Return a refresh token if the scope asks for one and the client may have it; else None."""
    may_have = "offline_access" in grant.scope.split() and ("refresh_token" in client.grant_types or org.clients.is_open)
    return org.refresh_tokens.issue(grant) if may_have and grant.user is not None else None


def _by_refresh_token(call: Call, client: Client) -> web.Response:
    org, value = call.org, call.first("refresh_token") or ""
    grant = org.refresh_tokens.meaning(value)
    if grant is None:
        grant = org.refresh_used.meaning(value)
        if grant is not None and org.refresh_used.expires_at(value) - org.clock.now() < org.refresh_used.lifetime_seconds - GRACE_SECONDS:
            end_family(org, grant.family)
            grant = None
    if grant is None or not _is_of(call, client, grant):
        return oauth_error("invalid_grant", _BAD_REFRESH)
    wanted = (call.first("scope") or grant.scope).split()
    if not set(wanted) <= set(grant.scope.split()):
        return oauth_error("invalid_scope", "The requested scopes are more than the refresh token stands for.")
    kept = value
    if client.is_public:
        org.refresh_tokens.spend(value)
        org.refresh_used.adopt(value, grant)
        kept = org.refresh_tokens.issue(grant)
    else:
        org.refresh_tokens.adopt(value, grant)  # used: another seven days
    return json_answer(granted(org, replace(grant, scope=" ".join(wanted), nonce=None), kept))


def _by_password(call: Call, client: Client) -> web.Response:
    user = signed(call, call.first("username") or "", call.first("password") or "")
    if user is None:
        return oauth_error("invalid_grant", "The credentials provided were invalid.")
    now = call.org.clock.now()
    grant = Grant(user, client.id, "", call.first("scope") or "openid", issuer_of(call), None, None, now, secrets.token_hex(8))
    if unknown := client.unknown_scopes(grant.scope.split()):
        return unknown_scope(unknown)
    return json_answer(granted(call.org, grant, first_refresh_token(call.org, client, grant)))


def _by_itself(call: Call, client: Client) -> web.Response:
    if client.is_public and not call.org.clients.is_open:
        return refused_client()
    scope = call.first("scope") or ""
    unknown = client.unknown_scopes(scope.split())
    if not scope or "openid" in scope.split() or unknown:
        return unknown_scope(unknown or scope.split())
    grant = Grant(None, client.id, "", scope, issuer_of(call), None, None, call.org.clock.now(), secrets.token_hex(8))
    return json_answer(granted(call.org, grant))


def _by_device_code(call: Call, client: Client) -> web.Response:
    value = call.first("device_code") or ""
    device = call.org.devices.of_device_code(value)
    if device is None or not (call.org.clients.is_open or (device.client_id == client.id and device.issuer == issuer_of(call))):
        return oauth_error("invalid_grant", "The device code is invalid or has expired.")
    found = call.org.devices.poll(device)
    if isinstance(found, str):
        return oauth_error(*_DEVICE_ERRORS[found])
    call.org.devices.end(value)
    return json_answer(granted(call.org, found, first_refresh_token(call.org, client, found)))


def unknown_scope(names: list[str]) -> web.Response:
    """Return the refusal of scopes that a client may not have."""
    return oauth_error("invalid_scope", f"One or more scopes are not configured for the authorization server resource: {' '.join(names)}")


def end_family(org: Org, family: str | None) -> None:
    """Revoke all tokens of one authorization."""
    if family is not None:
        org.access_tokens.end_where(lambda grant: grant.family == family)
        org.refresh_tokens.end_where(lambda grant: grant.family == family)
        org.refresh_used.end_where(lambda grant: grant.family == family)


def end_tokens_of(org: Org, user: User) -> None:
    """Revoke all tokens of a user."""
    for tokens in (org.access_tokens, org.refresh_tokens, org.refresh_used):
        tokens.end_where(lambda grant: grant.user == user)


_GRANTS: Mapping[str, Callable[[Call, Client], web.Response]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
    "password": _by_password,
    "client_credentials": _by_itself,
    "interaction_code": _by_interaction_code,
    DEVICE_GRANT: _by_device_code,
}
