"""Families of cookies: the fingerprints of all session cookies that belong to one browser.

Okta renews the value of ``idx`` during a session. So when Okta sets a new cookie in the answer to a request with an old one, both become
members of one family. If one member is revoked, all are revoked. A browser has one user, so a family has one user.

It must never put two browsers into one family, and never let a family grow without bound.

A cookie for which Okta never named a user may be anybody's: it may have ended long ago, or a stranger may have planted it in the browser.
Such a member is *doubtful*. It is revoked together with its family, but its own revocation does not revoke the family. It stops being
doubtful when Okta names the family's user for it.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from cachetools import TTLCache

from gateway.policy.session.session import Fingerprint

MOST_MEMBERS = 64


@dataclass(slots=True)
class _Family:
    """The members, oldest first, each with the user that Okta named for it (None: not known); and the doubtful members."""

    users: dict[Fingerprint, str | None] = field(default_factory=dict)
    doubtful: set[Fingerprint] = field(default_factory=set)

    def drop(self, fingerprint: Fingerprint) -> None:
        del self.users[fingerprint]
        self.doubtful.discard(fingerprint)


class Families:
    """The families of the last hours, at most ``largest`` fingerprints."""

    def __init__(self, largest: int, seconds: float, monotonic: Callable[[], float]) -> None:
        """``seconds``: how long a member is remembered after the last change of its family. It should be longer than a session."""
        self._of: TTLCache[Fingerprint, _Family] = TTLCache(largest, seconds, timer=monotonic)

    def adopt(
        self, old: Iterable[Fingerprint], new: Iterable[Fingerprint], user_id: str | None, unseen: Collection[Fingerprint] = ()
    ) -> None:
        """Merge the families of ``old`` and ``new``; ``new`` become the youngest members.

        ``user_id``: the user that Okta named for ``old``, if any. ``unseen``: the members of ``old`` for which Okta never named a user.
        They are doubtful, unless Okta set them in an answer to this family.
        """
        olds, news = tuple(old), tuple(new)
        merged = _Family()
        for family in (self._of.get(fingerprint) for fingerprint in (*olds, *news)):
            if family is not None:
                merged.users.update(family.users)
                merged.doubtful |= family.doubtful
        for fingerprint in olds:
            if fingerprint in unseen and fingerprint not in merged.users:
                merged.doubtful.add(fingerprint)
            elif fingerprint not in unseen:
                merged.doubtful.discard(fingerprint)
            merged.users[fingerprint] = merged.users.get(fingerprint) or (user_id if fingerprint not in unseen else None)
        for fingerprint in news:
            merged.doubtful.discard(fingerprint)
            merged.users[fingerprint] = merged.users.pop(fingerprint, None)
        while len(merged.users) > MOST_MEMBERS:
            eldest = next(iter(merged.users))
            merged.drop(eldest)
            self._of.pop(eldest, None)
        for fingerprint in merged.users:
            self._of[fingerprint] = merged

    def family_of(self, fingerprints: Iterable[Fingerprint]) -> tuple[Fingerprint, ...]:
        """These fingerprints and all members of their families, each once. A doubtful fingerprint brings no others."""
        found: dict[Fingerprint, None] = {}
        for fingerprint in fingerprints:
            found[fingerprint] = None
            family = self._of.get(fingerprint)
            if family is not None and fingerprint not in family.doubtful:
                found.update(dict.fromkeys(family.users))
        return tuple(found)

    def named(self, fingerprints: Iterable[Fingerprint], user_id: str) -> tuple[Fingerprint, ...]:
        """Note the user that Okta named for these cookies. Returns the members of another user, which are removed from the family.

        The browser's user is the user of the youngest member for which Okta named one. Older members that are not known to be this user's
        belong to the session before. If a doubtful member turns out to be another user's, only this member is removed: it may be planted.
        """
        gone: list[Fingerprint] = []
        for fingerprint in fingerprints:
            family = self._of.get(fingerprint)
            if family is None or fingerprint not in family.users:
                continue
            family.users[fingerprint] = family.users[fingerprint] or user_id
            is_planted = fingerprint in family.doubtful and not {*family.users.values()} <= {None, user_id}
            family.doubtful.discard(fingerprint)
            strangers = [fingerprint] if is_planted else _strangers(family)
            for stranger in strangers:
                family.drop(stranger)
                self._of.pop(stranger, None)
            gone.extend(strangers)
        return tuple(gone)


def _strangers(family: _Family) -> list[Fingerprint]:
    users = [user for user in family.users.values() if user is not None]
    if len(set(users)) < 2:
        return []
    strangers: list[Fingerprint] = []
    has_come = False
    for fingerprint, user in family.users.items():
        has_come = has_come or user == users[-1]
        if user != users[-1] and (user is not None or not has_come):
            strangers.append(fingerprint)
    return strangers
