"""The org: everything that it remembers, and nothing that reads or writes HTTP.

Owns: users, sessions, tokens, journal, faults, limits and the clock of one stand-in org.
Must never: import another room of the gateway.
Rules: DESIGN section 11; OKTA's Classic and Identity Engine behaviour (presence.py acts on it).
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from joserfc.jwk import RSAKey

from gateway.standin.accounts import Accounts
from gateway.standin.app_links import AppLinks
from gateway.standin.clients import Client, Clients
from gateway.standin.clock import Clock
from gateway.standin.faults import Faults
from gateway.standin.grants import Grant, Prompt
from gateway.standin.interactions import Interaction
from gateway.standin.journal import Journal
from gateway.standin.limits import RateLimits
from gateway.standin.quirks import IDP_MISSING, QUIRKS
from gateway.standin.sessions import OrgSession, SessionStore
from gateway.standin.tokens import (
    ACCESS_TOKEN_SECONDS,
    ACTIVATION_SECONDS,
    CODE_SECONDS,
    INTERACTION_SECONDS,
    PROMPT_SECONDS,
    PUSHED_REQUEST_SECONDS,
    REFRESH_TOKEN_SECONDS,
    SESSION_TOKEN_SECONDS,
    STATE_TOKEN_SECONDS,
    Tokens,
)
from gateway.standin.transactions import Transaction
from gateway.standin.users import User

Engine = Literal["classic", "identity"]
TWO_HOURS = 7200.0
ALICE_AND_BOB = (User("alice@example.com", "correct-horse"), User("bob@example.com", "correct-horse"))


@dataclass(slots=True, eq=False)
class StepUp:
    """What the `stateToken` of a step-up stands for: one session on its way to the app link `target` (path and query)."""

    session: OrgSession
    target: str
    is_verified: bool = False


class Org:
    """One org; `limits.per_minute`, `trusted_origins`, `quirks`, `uses_persistent_cookies` and the lifetimes may be changed while it runs.

    `trusted_origins` are origins (`http://127.0.0.1:8000`) trusted for CORS and for redirects. `api_token` is what an
    administrator's `Authorization: SSWS` carries; the session of a user whose login is in `administrators` may do the same. An unknown
    quirk is a ValueError; Identity Engine has `idp-missing` by itself.
    """

    def __init__(
        self,
        *,
        engine: Engine = "classic",
        users: Sequence[User] = ALICE_AND_BOB,
        quirks: Iterable[str] = frozenset(),
        trusted_origins: Sequence[str] = (),
        session_lifetime_seconds: float = TWO_HOURS,
        api_token: str = "00StandInApiToken",
        clients: Iterable[Client] = (),
        clock: Clock | None = None,
    ) -> None:
        unknown = sorted(set(quirks) - set(QUIRKS))
        if unknown:
            raise ValueError(f"unknown quirks: {', '.join(unknown)}")
        self.id = "00o" + secrets.token_hex(8) + "0"
        self.engine: Engine = engine
        self.users = tuple(users)
        self.quirks = set(quirks) | ({IDP_MISSING} if engine == "identity" else set())
        self.trusted_origins = set(trusted_origins)
        self.api_token = api_token
        self.administrators: set[str] = set()
        self.uses_persistent_cookies = False
        self.clock = clock or Clock()
        self.sessions = SessionStore(self.clock, session_lifetime_seconds, self.id)
        self.session_tokens = Tokens[User](self.clock, "20111", SESSION_TOKEN_SECONDS)
        self.state_tokens = Tokens[User](self.clock, "02.id.", STATE_TOKEN_SECONDS)
        self.step_ups = Tokens[StepUp](self.clock, "02.id." if engine == "identity" else "00", STATE_TOKEN_SECONDS)
        self.accounts = Accounts(self.clock)
        self.transactions = Tokens[Transaction](self.clock, "00", STATE_TOKEN_SECONDS)
        self.proven_factors = Tokens[bool](self.clock, "", SESSION_TOKEN_SECONDS)
        self.activations = Tokens[User](self.clock, "", ACTIVATION_SECONDS)
        self.interactions = Tokens[Interaction](self.clock, "02.id.", INTERACTION_SECONDS)
        self.interaction_handles = Tokens[str](self.clock, "", INTERACTION_SECONDS)
        self.interaction_codes = Tokens[Grant](self.clock, "", CODE_SECONDS)
        self.clients = Clients(clients)
        self.codes = Tokens[Grant](self.clock, "", CODE_SECONDS)
        self.codes_used = Tokens[str](self.clock, "", CODE_SECONDS)
        self.access_tokens = Tokens[Grant](self.clock, "", ACCESS_TOKEN_SECONDS)
        self.refresh_tokens = Tokens[Grant](self.clock, "", REFRESH_TOKEN_SECONDS)
        self.refresh_used = Tokens[Grant](self.clock, "", REFRESH_TOKEN_SECONDS)
        self.assertions_used = Tokens[bool](self.clock, "", ACCESS_TOKEN_SECONDS)
        self.pushed = Tokens[tuple[tuple[str, str], ...]](self.clock, "urn:okta:", PUSHED_REQUEST_SECONDS)
        self.prompts = Tokens[Prompt](self.clock, "", PROMPT_SECONDS)
        self.app_links = AppLinks()
        self.limits = RateLimits(self.clock)
        self.journal = Journal()
        self.faults = Faults()
        self._signing_key: RSAKey | None = None

    @property
    def is_identity(self) -> bool:
        """True on Identity Engine."""
        return self.engine == "identity"

    @property
    def signing_key(self) -> RSAKey:
        """The key of ID tokens and access tokens, made at first use."""
        if self._signing_key is None:
            self._signing_key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": secrets.token_urlsafe(16)})
        return self._signing_key

    def rotate_signing_key(self) -> None:
        """From now on another key signs, and it alone is published."""
        self._signing_key = None

    def has(self, quirk: str) -> bool:
        """Say whether the org has this bad habit."""
        return quirk in self.quirks

    def user(self, login_or_id: str) -> User | None:
        """Return the user with this login (any case) or id."""
        return next((user for user in self.users if login_or_id.lower() == user.login.lower() or login_or_id == user.id), None)

    def known_user(self, login: str) -> User:
        """Return the user with this login; KeyError when there is none."""
        user = self.user(login)
        if user is None:
            raise KeyError(login)
        return user

    def session_token(self, login: str) -> str:
        """Issue a session token for a user, as `/api/v1/authn` would; KeyError for an unknown login."""
        return self.session_tokens.issue(self.known_user(login))

    def activation_token(self, login: str) -> str:
        """Issue the token of an activation link, `/welcome/{token}`: once, seven days; KeyError for an unknown login."""
        return self.activations.issue(self.known_user(login))

    def sign_in(self, login: str) -> OrgSession:
        """Open a session for a user without any request; its `sid` and `idx` are the cookie values. KeyError for an unknown login."""
        return self.sessions.open(self.known_user(login), with_idx=self.is_identity)
