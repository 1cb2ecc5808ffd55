"""A rule of an app: what is asked of those who come, for which paths and methods.

Owns who is permitted by one rule, and by two together. Must never let two rules together admit whom one of them refuses. Which rule holds
is ``policy.routing.routing``.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gateway.policy.http.paths import ascii_lower, expression


class Access(StrEnum):
    """Who may come: only those with a session, anyone without being asked, anyone but known when signed in, or nobody at all."""

    SESSION = "session"
    ANYONE = "anyone"
    OPTIONAL = "optional"
    NOBODY = "nobody"


_STRICTNESS: Final = (Access.ANYONE, Access.OPTIONAL, Access.SESSION, Access.NOBODY)


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for the paths that ``pattern`` matches whole: ``*`` is one segment or a part of one, ``**`` any rest.

    ``methods``: for which it holds; they compare exactly. ``users``: logins, or ``@domain`` for all of one domain; ``amr``: all of them are
    needed; ``authenticated_within_seconds``: how long ago the user may have proven who it is. None means "all methods" or "no condition".
    """

    pattern: str
    access: Access
    methods: frozenset[str] | None = None
    users: frozenset[str] | None = None
    amr: frozenset[str] | None = None
    authenticated_within_seconds: int | None = None
    needs: Access = field(init=False, repr=False, compare=False)
    _wanted: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """``needs``: the access in effect; a rule that names users, amr or an age needs a session, whatever its access says."""
        asks = self.users is not None or self.amr is not None or self.authenticated_within_seconds is not None
        object.__setattr__(self, "needs", Access.SESSION if asks and self.access is not Access.NOBODY else self.access)
        object.__setattr__(self, "_wanted", frozenset(ascii_lower(user) for user in self.users or ()))

    @property
    def conditions(self) -> tuple[object, ...]:
        """What is asked of those who come: two rules with the same conditions decide alike."""
        return self.access, self.users, self.amr, self.authenticated_within_seconds

    def matches(self, path: str, case_insensitive: bool = False) -> bool:
        """Whether the whole of a normalised path matches."""
        return expression(self.pattern, case_insensitive).fullmatch(path) is not None

    def permits(self, login: str) -> bool:
        """Whether ``users`` lets this login in; ASCII case aside, and a domain only behind the one and only ``@``."""
        if self.users is None:
            return True
        folded = ascii_lower(login)
        name, _, domain = folded.partition("@")
        of_domain = folded.count("@") == 1 and bool(name) and bool(domain) and f"@{domain}" in self._wanted
        return of_domain or (bool(name) and folded in self._wanted)

    def and_also(self, other: "Rule") -> "Rule":
        """The rule that admits only what both admit."""
        if self == other:
            return self
        return Rule(
            pattern=f"{self.pattern} and {other.pattern}",
            access=max(self.access, other.access, key=_STRICTNESS.index),
            methods=_both(self.methods, other.methods),
            users=self._users_of_both(other),
            amr=(self.amr or frozenset()) | (other.amr or frozenset()) or None,
            authenticated_within_seconds=min(
                (age for age in (self.authenticated_within_seconds, other.authenticated_within_seconds) if age is not None),
                default=None,
            ),
        )

    def _users_of_both(self, other: "Rule") -> frozenset[str] | None:
        if self.users is None or other.users is None:
            return self.users if other.users is None else other.users
        ours, theirs = self._wanted, other._wanted
        named = {user for user in ours | theirs if self.permits(user) and other.permits(user)}
        return frozenset(named) | (ours & theirs)


DEFAULT_RULE: Final = Rule("/**", Access.SESSION)
"""What holds where no rule matches: never an implicit public path."""


def _both(ours: frozenset[str] | None, theirs: frozenset[str] | None) -> frozenset[str] | None:
    if ours is None or theirs is None:
        return ours if theirs is None else theirs
    return ours & theirs
