"""A bounce: a top-level navigation to the org's authorization endpoint and back, which proves who is signed in there, or that nobody is.

Owns the question's address, the note that travels as ``state``, and the table of answers::

    code                          proven by the ID token that it brings (``id_tokens``)
    error=login_required          nobody is signed in, where the question was silent
    any other error, or nonsense  the org did not say

Must never take silence, or an error that is about the client, for "signed out". An answer counts in the browser that asked, and only for
``BOUNCE_SECONDS``. Rules from: OpenID Connect Core §3.1.2.1, §3.1.2.6; RFC 6749 §4.1; RFC 7636 (S256); RFC 9207 (``iss``).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal
from urllib.parse import urlencode

from gateway.policy.session.sealed_notes import NUMBER, TEXT, Note

BOUNCE_SECONDS: Final = 600.0
"""Somebody may have to sign in meanwhile: as long as a hand-off's start is good."""
LONGEST_CODE: Final = 2048
_ERROR: Final = re.compile(r"[a-z_]{1,40}\Z")

Prompt = Literal["none", "", "login"]
"""``none``: ask nobody; empty: ask where nobody is signed in; ``login``: ask in any case."""


@dataclass(frozen=True, slots=True)
class Bounce(Note):
    """One question under way. ``purpose``, ``place``: what it is for; ``browser``: the browser that asks, as a hash."""

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
    """The org has a user, and this code names her to the token endpoint."""

    code: str


@dataclass(frozen=True, slots=True)
class Nobody:
    """Nobody is signed in."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """The org did not say; ``reason``: a word for the log and the page's small print."""

    reason: str


Returned = Code | Nobody | Unclear


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """What of the configuration stands in every question."""

    client_id: str
    redirect_uri: str
    scope: str = "openid profile"


def address_of(endpoint: str, question: AuthorizeRequest, bounce: Bounce, state: str) -> str:
    """Where the browser is sent; ``endpoint``: the authorization endpoint, ``state``: the bounce, sealed."""
    asked = {
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
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def is_of(bounce: Bounce, browser: str, wall: float) -> bool:
    """Whether this browser asked this, and lately."""
    return hmac.compare_digest(bounce.browser.encode(), browser.encode()) and wall - bounce.asked_at <= BOUNCE_SECONDS


def returned(given: Mapping[str, str], bounce: Bounce, issuer: str) -> Returned:
    """What the browser brought back from the org."""
    if given.get("iss", issuer) != issuer:
        return Unclear("other_issuer")
    code, error = given.get("code", ""), given.get("error", "")
    if error:
        if error == "login_required" and bounce.prompt == "none" and not code:
            return Nobody()
        return Unclear(error if _ERROR.match(error) else "strange_error")
    return Code(code) if 0 < len(code) <= LONGEST_CODE else Unclear("no_code")
