"""The users of the org.

Owns: a user's login and password, and the id and names that follow from the login. These are the same in every run, so that tests can use
them.
Must never: hold a session.
Rules: Okta's user ids begin with `00u` and have 20 characters.
"""

import hashlib
import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class User:
    """One user: a login and its password; id and names follow from the login."""

    login: str
    password: str = field(repr=False)

    @property
    def id(self) -> str:
        """The user id: `00u` and 17 characters that depend on the login alone."""
        return "00u" + hashlib.sha256(self.login.encode()).hexdigest()[:17]

    @property
    def first_name(self) -> str:
        """The first word of the login's local part, capitalised."""
        return self._words()[0]

    @property
    def last_name(self) -> str:
        """The last word of the local part, or `Example` when it has only one."""
        words = self._words()
        return words[-1] if len(words) > 1 else "Example"

    @property
    def name(self) -> str:
        """The display name."""
        return f"{self.first_name} {self.last_name}"

    def _words(self) -> list[str]:
        local = self.login.partition("@")[0]
        return [word.capitalize() for word in re.split(r"[._+-]+", local) if word] or ["User"]
