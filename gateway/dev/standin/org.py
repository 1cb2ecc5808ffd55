"""The state of one stand-in org. Nothing here reads or writes HTTP.

Owns: users, sessions, the kinds of tokens with their prefix and lifetime, journal, faults, limits and the clock of one stand-in org.
Must never: import another room of the gateway.
Rules: Okta's behaviour on Classic and Identity Engine (presence.py carries it out).
"""

import secrets
from collections.abc import Iterable, Sequence
from typing import Literal

from joserfc.jwk import RSAKey

from gateway.dev.standin.accounts import Accounts
from gateway.dev.standin.clients import Client, Clients
from gateway.dev.standin.clock import Clock
from gateway.dev.standin.devices import DEVICE_SECONDS, Devices
from gateway.dev.standin.faults import Faults
from gateway.dev.standin.grants import Grant, Prompt
from gateway.dev.standin.journal import Journal
from gateway.dev.standin.limits import RateLimits
from gateway.dev.standin.quirks import IDP_MISSING, QUIRKS
from gateway.dev.standin.sessions import OrgSession, SessionStore
from gateway.dev.standin.sso_apps import AppLinks, SsoApps
from gateway.dev.standin.tokens import (
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
from gateway.dev.standin.transactions import Interaction, StepUp, Transaction
from gateway.dev.standin.users import User
from gateway.dev.standin.xml_signature import XmlSigner, new_signer


class OrgTokens:
    """The values of one org, by kind."""

    def __init__(self, clock: Clock, step_up_prefix: str) -> None:
        self.cookie_tokens = Tokens[OrgSession](clock, "20111", SESSION_TOKEN_SECONDS)
        self.session_tokens = Tokens[User](clock, "20111", SESSION_TOKEN_SECONDS)
        self.state_tokens = Tokens[User](clock, "02.id.", STATE_TOKEN_SECONDS)
        self.page_targets = Tokens[str](clock, "", STATE_TOKEN_SECONDS)
        self.step_ups = Tokens[StepUp](clock, step_up_prefix, STATE_TOKEN_SECONDS)
        self.transactions = Tokens[Transaction](clock, "00", STATE_TOKEN_SECONDS)
        self.proven_factors = Tokens[bool](clock, "", SESSION_TOKEN_SECONDS)
        self.activations = Tokens[User](clock, "", ACTIVATION_SECONDS)
        self.interactions = Tokens[Interaction](clock, "02.id.", INTERACTION_SECONDS)
        self.interaction_handles = Tokens[str](clock, "", INTERACTION_SECONDS)
        self.interaction_codes = Tokens[Grant](clock, "", CODE_SECONDS)
        self.codes = Tokens[Grant](clock, "", CODE_SECONDS)
        self.codes_used = Tokens[str](clock, "", CODE_SECONDS)
        self.access_tokens = Tokens[Grant](clock, "", ACCESS_TOKEN_SECONDS)
        self.refresh_tokens = Tokens[Grant](clock, "", REFRESH_TOKEN_SECONDS)
        self.refresh_used = Tokens[Grant](clock, "", REFRESH_TOKEN_SECONDS)
        self.assertions_used = Tokens[bool](clock, "", ACCESS_TOKEN_SECONDS)
        self.pushed = Tokens[tuple[tuple[str, str], ...]](clock, "urn:okta:", PUSHED_REQUEST_SECONDS)
        self.devices = Devices(clock)
        self.activation_pages = Tokens[OrgSession](clock, "02.id.", DEVICE_SECONDS)
        self.prompts = Tokens[Prompt](clock, "", PROMPT_SECONDS)


Engine = Literal["classic", "identity"]
TWO_HOURS = 7200.0
ALICE_AND_BOB = (User("alice@example.com", "correct-horse"), User("bob@example.com", "correct-horse"))


class Org(OrgTokens):
    """One org. `limits.per_minute`, `trusted_origins`, `quirks` and the lifetimes may be changed while it runs.

    `trusted_origins`: origins (`http://127.0.0.1:8000`) that are trusted for CORS and for redirects.
    `api_token`: the token of `Authorization: SSWS`. Sessions of users whose login is in `administrators` have the same rights.
    `quirks`: an unknown one is a ValueError. Identity Engine always has `idp-missing`.
    `uses_persistent_cookies`: browsers keep the session cookies after they were closed.
    `https_hosts`: values of `Host` that browsers reach by https, because a gateway in front ends TLS.
    `has_sign_in_script`: the sign-in page uses the API, as Okta's own page does. Without it, a form posts the password.
    `signs_in_at_the_address`: the sign-in page is shown at the address that needs it, as on Identity Engine, not at `/login/login.htm`.
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
        self.https_hosts: set[str] = set()
        self.uses_persistent_cookies = False
        self.has_sign_in_script = True
        self.signs_in_at_the_address = False
        self.clock = clock or Clock()
        super().__init__(self.clock, "02.id." if engine == "identity" else "00")
        self.sessions = SessionStore(self.clock, session_lifetime_seconds, self.id)
        self.accounts = Accounts(self.clock)
        self.clients = Clients(clients)
        self.app_links = AppLinks()
        self.apps = SsoApps()
        self.limits = RateLimits(self.clock)
        self.journal = Journal()
        self.faults = Faults()
        self._signing_key: RSAKey | None = None
        self._xml_signer: XmlSigner | None = None

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

    @property
    def xml_signer(self) -> XmlSigner:
        """The key of SAML assertions, made at first use."""
        if self._xml_signer is None:
            self._xml_signer = new_signer(self.id)
        return self._xml_signer

    def rotate_signing_key(self) -> None:
        """Use a new signing key from now on. Only the new key is published."""
        self._signing_key = None

    def has(self, quirk: str) -> bool:
        """Return whether the org has this quirk."""
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
        """Issue the token of an activation link, `/welcome/{token}`, valid once, for seven days; KeyError for an unknown login."""
        return self.activations.issue(self.known_user(login))

    def sign_in(self, login: str) -> OrgSession:
        """Open a session for a user without a request. Its `sid` and `idx` are the cookie values. KeyError for an unknown login."""
        return self.sessions.open(self.known_user(login), with_idx=self.is_identity)
