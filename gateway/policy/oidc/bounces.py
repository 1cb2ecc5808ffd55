"""A *bounce*: the browser is redirected to the org's authorization endpoint and back. It proves who is signed in, or that nobody is.

This module owns the address of the question, the value that is sealed into ``state``, and the meaning of the answers::

    code                          a user, proven by the ID token for this code (``id_tokens``)
    error=login_required          nobody is signed in, if the question had prompt=none
    any other error, or nonsense  no clear answer

It must never treat a missing answer, or an error about the client, as "signed out". An answer counts only in the browser that asked, and
only for ``BOUNCE_SECONDS``.
Sources: OpenID Connect Core §3.1.2.1, §3.1.2.6; RFC 6749 §4.1; RFC 7636 (S256); RFC 9207 (``iss``).

The org refuses codes that were made up, so ``RefusedCodes`` limits them per client.
Each code costs a request to the org's token endpoint, and anybody can make codes up. All users share the org's rate limit. So a client
whose codes were refused too often within a minute must wait until that minute is over. It must never count a client without an address,
because many clients of a proxy may share that name. Memory is bounded: if there are too many clients, the one whose minute began first is
dropped.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal
from urllib.parse import urlencode

from gateway.memo import RecentCache
from gateway.policy.session.sealed_notes import NUMBER, TEXT, Note

BOUNCE_SECONDS: Final = 600.0
"""How long an answer counts: as long as the start of a hand-off, because the user may have to sign in meanwhile."""
LONGEST_CODE: Final = 2048
AUTHORIZE_ERRORS: Final = frozenset(
    (
        *("access_denied", "invalid_request", "invalid_scope", "server_error", "temporarily_unavailable", "unauthorized_client"),
        *("unsupported_response_type", "account_selection_required", "consent_required", "interaction_required", "login_required"),
    )
)
"""The errors of RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6. No other word reaches the log: anybody can put one into the address."""

Prompt = Literal["none", "", "login"]
"""``none``: never show a sign-in page; empty: show it if nobody is signed in; ``login``: always show it."""


@dataclass(frozen=True, slots=True)
class Bounce(Note):
    """One bounce under way. ``purpose``, ``place``: what to do with its answer. ``browser``: a hash of the id of the browser that asks."""

    _kinds: ClassVar = (TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, NUMBER)
    purpose: str
    place: str
    prompt: str
    nonce: str
    verifier: str
    browser: str
    asked_at: float


@dataclass(frozen=True, slots=True)
class Code:
    """A user is signed in. The gateway exchanges this code at the token endpoint to learn who it is."""

    code: str


@dataclass(frozen=True, slots=True)
class Nobody:
    """Nobody is signed in at the org."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """The org gave no clear answer. ``reason``: a word for the log and for the page's small print."""

    reason: str


Returned = Code | Nobody | Unclear


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """The configured values that are sent in every question."""

    client_id: str
    redirect_uri: str
    scope: str = "openid profile"


def address_of(endpoint: str, question: AuthorizeRequest, bounce: Bounce, state: str) -> str:
    """The address to which the browser is redirected. ``endpoint``: the authorization endpoint. ``state``: the sealed bounce."""
    parameters = {
        "client_id": question.client_id,
        "response_type": "code",
        "response_mode": "query",
        "scope": question.scope,
        "redirect_uri": question.redirect_uri,
        "state": state,
        "nonce": bounce.nonce,
        "code_challenge": challenge_of(bounce.verifier),
        "code_challenge_method": "S256",
        **({"prompt": bounce.prompt} if bounce.prompt else {}),
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def is_of(bounce: Bounce, browser: str, wall: float) -> bool:
    """Whether this browser started this bounce, at most ``BOUNCE_SECONDS`` ago. ``wall``: Unix seconds."""
    return hmac.compare_digest(bounce.browser.encode(), browser.encode()) and wall - bounce.asked_at <= BOUNCE_SECONDS


def returned(given: Mapping[str, str], bounce: Bounce, issuer: str) -> Returned:
    """The meaning of the parameters with which the org redirected the browser back. ``issuer``: the configured issuer."""
    if given.get("iss", issuer) != issuer:
        return Unclear("other_issuer")
    code, error = given.get("code", ""), given.get("error", "")
    if error:
        if error == "login_required" and bounce.prompt == "none" and not code:
            return Nobody()
        return Unclear(error if error in AUTHORIZE_ERRORS else "strange_error")
    return Code(code) if 0 < len(code) <= LONGEST_CODE else Unclear("no_code")


WINDOW_SECONDS: Final = 60.0
MOST_REFUSED: Final = 60
"""The most refused codes of one client in a minute. Each reload of an old address is a refused code, and an office shares one address."""
MOST_CLIENTS: Final = 4096


class RefusedCodes:
    """The counts by client (``policy.http.clients``). Times are monotonic seconds."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        """No code was refused yet."""
        self._counts: RecentCache[str, tuple[float, int]] = RecentCache(MOST_CLIENTS // 2)

    def are_too_many(self, key: str, now: float) -> bool:
        """Whether this client must wait."""
        started_at, count = self._counts.get(key) or (now, 0)
        return count >= MOST_REFUSED and now - started_at < WINDOW_SECONDS

    def note(self, key: str, now: float) -> None:
        """Count a refused code of this client."""
        if not key:
            return
        started_at, count = self._counts.get(key) or (now, 0)
        if now - started_at >= WINDOW_SECONDS:
            started_at, count = now, 0
        self._counts.keep(key, (started_at, count + 1))

    def __len__(self) -> int:
        """How many clients are counted."""
        return len(self._counts)
