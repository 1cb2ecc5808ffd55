"""Which cookies are one browser's: a session whose cookie values rotate is a family of fingerprints.

Owns the kinship. Must never make two browsers kin (only a cookie that Okta set in answer to another makes kin of both), and must
never let a family grow without bound. Why: ``idx`` rotates, and one browser has one user.

A cookie that Okta never named a user for may be anybody's: long dead, or planted. It is a doubtful member: it goes when the family goes,
and whoever presents it takes nobody with it, until Okta names the family's user for it.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from cachetools import TTLCache

from gateway.policy.session.session import Fingerprint

MOST_KIN = 64


@dataclass(slots=True)
class _Family:
    """Members, oldest first, each with the user whom Okta named for it, if it was asked; and which of them are doubtful."""

    users: dict[Fingerprint, str | None] = field(default_factory=dict)
    doubtful: set[Fingerprint] = field(default_factory=set)

    def drop(self, fingerprint: Fingerprint) -> None:
        del self.users[fingerprint]
        self.doubtful.discard(fingerprint)


class Families:
    """Kin of the last hours, at most ``largest`` fingerprints."""

    def __init__(self, largest: int, seconds: float, monotonic: Callable[[], float]) -> None:
        """``seconds``: how long after its last adoption a member is remembered; should outlast a session."""
        self._of: TTLCache[Fingerprint, _Family] = TTLCache(largest, seconds, timer=monotonic)

    def adopt(
        self, old: Iterable[Fingerprint], new: Iterable[Fingerprint], user_id: str | None, unseen: Collection[Fingerprint] = ()
    ) -> None:
        """Make ``new`` the youngest kin of ``old``; ``user_id`` is whom Okta named for ``old``, if it was asked.

        ``unseen``: those of ``old`` for which it never named anybody; they are doubtful unless Okta set them in this family.
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
        while len(merged.users) > MOST_KIN:
            eldest = next(iter(merged.users))
            merged.drop(eldest)
            self._of.pop(eldest, None)
        for fingerprint in merged.users:
            self._of[fingerprint] = merged

    def kin(self, fingerprints: Iterable[Fingerprint]) -> tuple[Fingerprint, ...]:
        """These fingerprints and all their kin, each once."""
        found: dict[Fingerprint, None] = {}
        for fingerprint in fingerprints:
            found[fingerprint] = None
            family = self._of.get(fingerprint)
            if family is not None and fingerprint not in family.doubtful:
                found.update(dict.fromkeys(family.users))
        return tuple(found)

    def named(self, fingerprints: Iterable[Fingerprint], user_id: str) -> tuple[Fingerprint, ...]:
        """Note whom Okta named for these cookies; returns the kin that are another user's now, and leave the family.

        The user of the youngest member that Okta was asked about is the browser's user; older kin that are not known to be his
        were the session before. One that was doubtful until now, and is another's than they, leaves alone: it may have been planted.
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
