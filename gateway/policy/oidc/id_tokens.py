"""The check of an ID token's claims. A token that passes is a proof that its user is signed in.

The caller checks the signature before. It must never raise an exception, whatever the claims are. Sources: OpenID Connect Core §3.1.3.7;
Okta's ID token reference (``sub`` is the user's id, ``preferred_username`` the login, with the scope ``profile``).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

SKEW_SECONDS: Final = 120.0
OLDEST_SECONDS: Final = 600.0
"""The oldest token that is accepted. It comes directly from the token endpoint, so an older one is not the answer to this question."""
LONGEST_TEXT: Final = 256
MOST_METHODS: Final = 16


@dataclass(frozen=True, slots=True)
class ExpectedIdToken:
    """The values that the token must contain: the issuer, the client as its audience, and the nonce of this question."""

    issuer: str
    client_id: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The org said that this user is signed in. ``login``: empty if the token does not name it.

    ``signed_in_ago``: how long ago the user signed in, in seconds by the org's clock, which may differ from the gateway's.
    """

    user_id: str
    login: str
    signed_in_ago: float
    amr: tuple[str, ...] = ()


IdTokenProblem = Literal["audience", "auth_time", "issuer", "nonce", "signature", "subject", "times"]
"""What is wrong with an ID token: a claim, or its signature."""


def proof_of(claims: Mapping[str, Any], expected: ExpectedIdToken, wall: float) -> Proof | IdTokenProblem:
    """The user that these claims name, or a word that says which claim is wrong. ``wall``: Unix seconds."""
    problem = _problem(claims, expected, wall)
    if problem is not None:
        return problem
    signed_in_at, made_at = _second(claims.get("auth_time")), _second(claims.get("iat"))
    if signed_in_at is None or made_at is None:
        return "auth_time"
    login, amr = claims.get("preferred_username"), claims.get("amr")
    methods = tuple(one for one in amr[:MOST_METHODS] if _is_text(one)) if isinstance(amr, list) else ()
    return Proof(str(claims["sub"]), str(login) if _is_text(login) else "", max(0.0, made_at - signed_in_at), methods)


def _problem(claims: Mapping[str, Any], expected: ExpectedIdToken, wall: float) -> IdTokenProblem | None:
    audience, party = claims.get("aud"), claims.get("azp")
    if claims.get("iss") != expected.issuer:
        return "issuer"
    if audience not in (expected.client_id, [expected.client_id]) or party not in (None, expected.client_id):
        return "audience"
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode("utf-8", "replace"), expected.nonce.encode()):
        return "nonce"
    made_at, ends_at = _second(claims.get("iat")), _second(claims.get("exp"))
    if made_at is None or ends_at is None or wall >= ends_at + SKEW_SECONDS or not -SKEW_SECONDS <= wall - made_at <= OLDEST_SECONDS:
        return "times"
    return None if _is_text(claims.get("sub")) else "subject"


def login_of(claims: Mapping[str, Any], user_id: str) -> str:
    """The login in an answer of userinfo, or empty. The answer must have this user as ``sub`` (OpenID Connect Core §5.3.2)."""
    login = claims.get("preferred_username")
    return str(login) if claims.get("sub") == user_id and _is_text(login) else ""


def _second(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e11 else None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and value.isprintable()
