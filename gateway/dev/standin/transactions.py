"""Values of a sign-in that is under way: its password was right and something else is needed, a step-up, or Identity Engine's API.

Owns: the values behind a `stateToken` and a `stateHandle`.
Must never: decide what is missing (authn.py does).
Rules: Okta's Authentication API, "Transaction model".
"""

from dataclasses import dataclass
from typing import Literal

from gateway.dev.standin.accounts import Factor
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.users import User

Step = Literal["identify", "select", "code", "push"]


@dataclass(slots=True)
class Interaction:
    """One sign-in. `parameters` are those of the client that began it, with its `issuer`; empty for the org's own page.

    `target` is where that page leads at the end. `user` is set when the password was right; `factor_id` is the factor that is asked for.
    """

    parameters: tuple[tuple[str, str], ...] = ()
    issuer: str = ""
    step: Step = "identify"
    user: User | None = None
    factor_id: str | None = None
    target: str | None = None


State = Literal["MFA_REQUIRED", "MFA_CHALLENGE", "PASSWORD_EXPIRED", "MFA_ENROLL", "MFA_ENROLL_ACTIVATE"]


@dataclass(slots=True)
class Transaction:
    """One running sign-in. `factor_id` is the factor whose push waits; `enrolling` is the first factor, while it is set up.

    `is_step_up`: the user of a living session is checked again.
    """

    user: User
    state: State
    factor_id: str | None = None
    is_step_up: bool = False
    enrolling: Factor | None = None


@dataclass(slots=True, eq=False)
class StepUp:
    """The value behind a step-up's `stateToken`: one session, and the app link `target` (path and query) that asked for the step-up."""

    session: OrgSession
    target: str
    is_verified: bool = False
