"""A sign-in that is under way: the password was right, and something is still missing; or a living session that proves its user again.

Owns: the values behind such a `stateToken`.
Must never: decide what is missing (authn.py does).
Rules: Okta's Authentication API, "Transaction model".
"""

from dataclasses import dataclass
from typing import Literal

from gateway.dev.standin.accounts import Factor
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.users import User

State = Literal["MFA_REQUIRED", "MFA_CHALLENGE", "PASSWORD_EXPIRED", "MFA_ENROLL", "MFA_ENROLL_ACTIVATE"]


@dataclass(slots=True)
class Transaction:
    """One sign-in under way; `factor_id` is the factor whose push waits, `enrolling` the first factor that is being set up.

    `is_step_up`: it proves a living session's user again.
    """

    user: User
    state: State
    factor_id: str | None = None
    is_step_up: bool = False
    enrolling: Factor | None = None


@dataclass(slots=True, eq=False)
class StepUp:
    """What the `stateToken` of a step-up stands for: one session on its way to the app link `target` (path and query)."""

    session: OrgSession
    target: str
    is_verified: bool = False
