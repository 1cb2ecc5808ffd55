"""A rule of an app: for which paths and methods it holds, and which users it admits.

``policy.routing.routing`` finds the rule of a request. Here it is decided whether one rule admits a user, and how two rules are combined.
Two rules together must never admit a user whom one of them refuses.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gateway.policy.http.paths import ascii_lower, expression


class Access(StrEnum):
    """Who may use a path: users with a session; anyone, without identity; anyone, with identity if signed in; or nobody."""

    SESSION = "session"
    ANYONE = "anyone"
    OPTIONAL = "optional"
    NOBODY = "nobody"


_STRICTNESS: Final = (Access.ANYONE, Access.OPTIONAL, Access.SESSION, Access.NOBODY)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for the paths that ``pattern`` matches as a whole. ``*`` is one segment or a part of one, ``**`` is any number of segments.

    ``methods``: the methods it holds for, compared exactly. ``users``: logins, or ``@domain`` for every login of one domain. ``amr``:
    authentication methods; the session must have all of them. ``authenticated_within_seconds``: how old the user's authentication may be.
    None means "all methods" or "no condition".
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
        """``needs``: the access in effect. A rule with ``users``, ``amr`` or an age needs a session, whatever its ``access`` says."""
        asks = self.users is not None or self.amr is not None or self.authenticated_within_seconds is not None
        object.__setattr__(self, "needs", Access.SESSION if asks and self.access is not Access.NOBODY else self.access)
        object.__setattr__(self, "_wanted", frozenset(ascii_lower(user) for user in self.users or ()))

    @property
    def conditions(self) -> tuple[object, ...]:
        """What the rule demands of a user. Two rules with equal conditions always decide alike."""
        return self.access, self.users, self.amr, self.authenticated_within_seconds

    def matches(self, path: str, case_insensitive: bool = False) -> bool:
        """Whether the pattern matches the whole of a normalised path."""
        return expression(self.pattern, case_insensitive).fullmatch(path) is not None

    def permits(self, login: str) -> bool:
        """Whether ``users`` contains this login. ASCII case does not matter. A domain counts only if the login has exactly one ``@``."""
        if self.users is None:
            return True
        folded = ascii_lower(login)
        name, _, domain = folded.partition("@")
        of_domain = folded.count("@") == 1 and bool(name) and bool(domain) and f"@{domain}" in self._wanted
        return of_domain or (bool(name) and folded in self._wanted)

    def and_also(self, other: "Rule") -> "Rule":
        """The rule that admits only what both rules admit."""
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
"""The rule for paths that no configured rule matches: it needs a session. No path is public unless a rule says so."""


def _both(ours: frozenset[str] | None, theirs: frozenset[str] | None) -> frozenset[str] | None:
    if ours is None or theirs is None:
        return ours if theirs is None else theirs
    return ours & theirs
