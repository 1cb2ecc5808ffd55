"""The kinds of one-time values and tokens that an org issues.

Owns: the meaning, the prefix and the lifetime of each kind.
Must never: issue one, or decide what it opens.
"""

from gateway.dev.standin.clock import Clock
from gateway.dev.standin.devices import DEVICE_SECONDS, Devices
from gateway.dev.standin.grants import Grant, Prompt
from gateway.dev.standin.interactions import Interaction
from gateway.dev.standin.sessions import OrgSession
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
from gateway.dev.standin.transactions import StepUp, Transaction
from gateway.dev.standin.users import User


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
