"""Authorization requests, direct or pushed, and the check of their parameters.

Owns: `…/par`, the parameters of a request, the errors that a client gets for them.
Must never: look at a session or a token.
Rules: RFC 6749 §4.1.2.1, RFC 9126, OpenID Connect Core §3.1.2; Okta's reference: `state` is required, a client without a secret needs
PKCE. While no client is registered, only errors that make an answer impossible are reported.
"""

from aiohttp import web

from gateway.dev.standin.answers import json_answer
from gateway.dev.standin.call import Call
from gateway.dev.standin.client_auth import oauth_error, proven_client, refused_client
from gateway.dev.standin.clients import ALL_RESPONSES, Client
from gateway.dev.standin.parameters import Pairs, first
from gateway.dev.standin.redirects import trusted_target

_MODES = ("query", "fragment", "form_post", "okta_post_message")
_PROMPTS = frozenset({"none", "login", "consent", "enroll_authenticator"})


def push(call: Call) -> web.Response:
    """Keep an authorization request for later, a `sessionToken` with it: 201 with its `request_uri`."""
    if not call.first("client_id"):
        return oauth_error("invalid_request", "client_id is missing")
    if call.first("request_uri"):
        return oauth_error("invalid_request", "request_uri is not allowed here")
    if not call.org.clients.is_open and proven_client(call) is None:
        return refused_client()
    kept = tuple((name, value) for name, value in call.parameters if name not in ("client_secret", "client_assertion"))
    uri = call.org.pushed.issue(kept)
    return json_answer({"request_uri": uri, "expires_in": int(call.org.pushed.lifetime_seconds)}, 201)


def requested(call: Call) -> Pairs | None:
    """Return the parameters of an authorization request, pushed or its own; None for an unknown `request_uri`."""
    uri = call.first("request_uri")
    return call.org.pushed.meaning(uri) if uri else call.parameters


def redirect_address(call: Call, client: Client, parameters: Pairs) -> str | None:
    """Return the address for the answer; None if it is not allowed for this client."""
    target = first(parameters, "redirect_uri")
    if call.org.clients.is_open:
        return trusted_target(call, target)
    return target if target in client.redirect_uris else None


def wanted_responses(parameters: Pairs) -> list[str]:
    """Return the parts of `response_type`."""
    return (first(parameters, "response_type") or "").split()


def is_in_fragment(parameters: Pairs) -> bool:
    """Return whether the answer goes into the fragment by default. It does if it may hold a token."""
    return bool({"token", "id_token"} & set(wanted_responses(parameters)))


def problem(call: Call, client: Client, parameters: Pairs) -> tuple[str, str] | None:
    """Return OAuth's error code and a description for a wrong request of this client; None if it is right."""
    wanted, mode = wanted_responses(parameters), first(parameters, "response_mode")
    # Unregistered clients may leave the type out. Then they get a code.
    if not set(wanted) <= ALL_RESPONSES or not (wanted or call.org.clients.is_open):
        return "unsupported_response_type", "The response type is not supported by the authorization server."
    if (mode is not None and mode not in _MODES) or (mode == "query" and is_in_fragment(parameters)):
        return "invalid_request", "The authentication request has an invalid 'response_mode' parameter."
    if max_age(parameters) is None and first(parameters, "max_age") is not None:
        return "invalid_request", "The authentication request has an invalid 'max_age' parameter."
    if call.org.clients.is_open:
        return None
    return _registered_problem(client, parameters, wanted)


def _registered_problem(client: Client, parameters: Pairs, wanted: list[str]) -> tuple[str, str] | None:
    scopes = (first(parameters, "scope") or "").split()
    if not client.may_ask_for(wanted):
        return "unauthorized_client", "The client is not authorized to use the provided grant type."
    if first(parameters, "state") is None:
        return "invalid_request", "The authentication request has an invalid 'state' parameter."
    if not scopes or (unknown := client.unknown_scopes(scopes)):
        named = f": {' '.join(unknown)}" if scopes else "."
        return "invalid_scope", f"One or more scopes are not configured for the authorization server resource{named}"
    if "id_token" in wanted and first(parameters, "nonce") is None:
        return "invalid_request", "The authentication request has an invalid 'nonce' parameter."
    if set((first(parameters, "prompt") or "").split()) - _PROMPTS:
        return "invalid_request", "The authentication request has an invalid 'prompt' parameter."
    challenge, method = first(parameters, "code_challenge"), first(parameters, "code_challenge_method")
    if challenge is not None and method != "S256":
        return "invalid_request", "The authentication request has an invalid 'code_challenge_method' parameter."
    if "code" in wanted and client.is_public and challenge is None:
        return "invalid_request", "PKCE code challenge is required when the token endpoint authentication method is 'NONE'."
    return None


def max_age(parameters: Pairs) -> int | None:
    """Return `max_age` in seconds; None when it is absent or no whole number."""
    spelled = first(parameters, "max_age") or ""
    return int(spelled) if spelled.isascii() and spelled.isdecimal() and len(spelled) < 10 else None
