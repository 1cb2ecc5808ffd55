"""A running sign-in by Identity Engine's API.

Owns: the value behind a `stateHandle`, and its current step.
Must never: answer a request.
"""

from dataclasses import dataclass
from typing import Literal

from gateway.dev.standin.users import User

Step = Literal["identify", "select", "code", "push"]


@dataclass(slots=True)
class Interaction:
    """One sign-in. `asked` are the parameters of the client that began it, with its `issuer`; empty for the org's own page.

    `target` is where that page leads at the end. `user` is set when the password was right; `factor_id` is the factor that is asked for.
    """

    asked: tuple[tuple[str, str], ...] = ()
    issuer: str = ""
    step: Step = "identify"
    user: User | None = None
    factor_id: str | None = None
    target: str | None = None
