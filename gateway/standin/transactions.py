"""A sign-in that is under way: the password was right, and something is still missing.

Owns: the value behind such a `stateToken`.
Must never: decide what is missing (authn.py does).
Rules: Okta's Authentication API, "Transaction model".
"""

from dataclasses import dataclass
from typing import Literal

from gateway.standin.users import User

State = Literal["MFA_REQUIRED", "MFA_CHALLENGE", "PASSWORD_EXPIRED"]


@dataclass(slots=True)
class Transaction:
    """One sign-in under way; `factor_id` is the factor whose push waits. `is_step_up`: it proves a living session's user again."""

    user: User
    state: State
    factor_id: str | None = None
    is_step_up: bool = False
