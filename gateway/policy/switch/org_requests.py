"""The classification of a request to the org: a redemption, a sign-out, a call that ends sessions, a silent authorize, or anything else.

This module owns the order of the checks. org_places knows the paths, org_parameters reads the parameters, org_endings knows what ends a
session. Together they find at least every token that Okta could find. A path is recognized by its words in any of its decodings.
Parameters are split in every way that a server might use, and repeated, encoded again, or in any case. Forms, JSON and request objects are
read. If something cannot be read, that is a *doubt*.

A request in doubt counts as a redemption. If that is wrong, a session is closed too early; if a redemption were missed, the gateway's
promise would break. But a false alarm still costs a session, so text that no server could take for a token does not count.
It must never be used to rewrite a request.

The time of each check grows linearly with the text that the client sent. A path of more than 4,096 characters is not read; it is a doubt,
and the door should refuse it before (414).
Sources: Okta's session cookie guide, and its OIDC & OAuth 2.0, Authentication and Sessions references.
"""

from dataclasses import dataclass
from typing import Final

from gateway.policy.http.messages import RequestHead
from gateway.policy.session.session import SessionToken
from gateway.policy.switch.org_endings import EndsSessions, LegacySession, SignOut, ends_sessions, legacy_session_of, sign_out_of
from gateway.policy.switch.org_parameters import MOST_PARAMETERS, Parameters, folded_names
from gateway.policy.switch.org_places import LONGEST_PATH, TOKEN_NAMES, OrgPath

__all__ = [
    "LARGEST_BODY_BYTES",
    "LONGEST_PATH",
    "EndsSessions",
    "LegacySession",
    "OrgRequest",
    "Plain",
    "PushedByReference",
    "Redemption",
    "SignOut",
    "SilentAuthorize",
    "has_readable_body",
    "is_cookie_redirect",
    "is_pushed_request",
    "read",
    "without_tokens",
]

LARGEST_BODY_BYTES: Final = 256 * 1024
"""The largest body that is read to classify a request; a larger one is refused (413). A SAML request of an app link fits well."""

_STATE_TOKEN: Final = "statetoken"  # noqa: S105  the name of a parameter


@dataclass(frozen=True, slots=True)
class Redemption:
    """A request that would turn a token into a session. ``doubt``: why it may carry a token that was not read; None: no doubt.

    ``state_tokens``: the tokens that came only as ``stateToken``. They finish a sign-in that Okta began.
    """

    tokens: tuple[SessionToken, ...]
    doubt: str | None = None
    state_tokens: tuple[SessionToken, ...] = ()


@dataclass(frozen=True, slots=True)
class PushedByReference:
    """An authorize request whose parameters were pushed before (RFC 9126 ``request_uri``). They may include a token.

    ``references``: every different ``request_uri``, at least one. It is not known which of several Okta uses, so each may redeem a token.
    """

    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SilentAuthorize:
    """An authorize request with ``prompt=none``: a page's script asks for tokens of the signed-in user, for this client."""

    client_id: str


@dataclass(frozen=True, slots=True)
class Plain:
    """Any other request."""


OrgRequest = Redemption | PushedByReference | SilentAuthorize | SignOut | LegacySession | EndsSessions | Plain


def has_readable_body(head: RequestHead) -> bool:
    """Whether this request's body, if it has one, must be read before the request can be judged."""
    return head.method not in ("GET", "HEAD", "OPTIONS") and OrgPath.of(head.path).takes_bodies


def read(head: RequestHead, body: bytes = b"") -> OrgRequest:
    """Classify the request. ``body``: the whole body if ``has_readable_body`` is true, else empty."""
    place = OrgPath.of(head.path)
    if place.is_too_long:
        return Redemption((), "path_too_long")
    found = Parameters(place.names, is_authorize=place.is_authorize or place.is_pushed)
    found.take_pairs(head.query)
    if body.strip():
        _take_body(found, place, head, body)
    if found.tokens or found.doubt:
        return _redemption(found)
    if place.is_authorize and not place.is_pushed:
        authorize_request = _authorize(head.method, found)
        if authorize_request is not None:
            return authorize_request
    return sign_out_of(head.method, place, found.hints) or legacy_session_of(head.method, head.path) or ends_sessions(head, body) or Plain()


def without_tokens(target: str) -> str:
    """The target without parameters that can carry a token, and without all parameters after the first 1,000.

    It is used when a user reloads a link whose token was redeemed.
    """
    path, _, query = target.partition("?")
    pairs = query.replace(";", "&").split("&", MOST_PARAMETERS)[:MOST_PARAMETERS]
    names = folded_names(pair.partition("=")[0] for pair in pairs)
    kept = [pair for name, pair in zip(names, pairs, strict=True) if name not in TOKEN_NAMES]
    return path + ("?" + "&".join(kept) if any(kept) else "")


def is_pushed_request(head: RequestHead) -> bool:
    """Whether this is a pushed authorization request (RFC 9126), whose answer names a ``request_uri``."""
    return OrgPath.of(head.path).is_pushed


def is_cookie_redirect(head: RequestHead) -> bool:
    """Whether the request is useless without its token. A reload is then redirected to the address that Okta answered with before."""
    return OrgPath.of(head.path).needs_token


def _take_body(found: Parameters, place: OrgPath, head: RequestHead, body: bytes) -> None:
    if not place.takes_tokens_in_bodies:
        found.take_pairs(body.decode("utf-8", "replace"))
        return
    found.take_body(head, body)
    if place.is_cookie_redirect and not found.has_token_name:
        found.doubt = found.doubt or "no_token_seen"


def _redemption(found: Parameters) -> Redemption:
    tokens = tuple(dict.fromkeys(token for _, token in found.tokens))
    others = {token for name, token in found.tokens if name != _STATE_TOKEN}
    return Redemption(tokens, found.doubt, tuple(token for token in tokens if token not in others))


def _authorize(method: str, found: Parameters) -> PushedByReference | SilentAuthorize | None:
    """The class of an authorize request without a token. It is silent only if its prompt and its client can be read in just one way."""
    if found.request_uris:
        return PushedByReference(tuple(dict.fromkeys(found.request_uris)))
    is_silent = method in ("GET", "POST") and set(found.prompts) == {"none"} and len(set(found.client_ids)) == 1
    return SilentAuthorize(found.client_ids[0]) if is_silent else None
