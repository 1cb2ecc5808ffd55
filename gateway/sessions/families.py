"""Which cookies are one browser's: a session whose cookie values rotate is a family of fingerprints.

Owns the kinship. Must never make two browsers kin (only a cookie that Okta set in answer to another makes kin of both), and must
never let a family grow without bound. Rules from: OKTA 0.13 (``idx`` rotates), DESIGN sections 3 and 4: one browser, one user.
"""

from collections.abc import Callable, Iterable

from cachetools import TTLCache

from gateway.core.session import Fingerprint

MOST_KIN = 64

_Family = dict[Fingerprint, str | None]
"""Members, oldest first, each with the user whom Okta named for it, if it was asked."""


class Families:
    """Kin of the last hours, at most ``largest`` fingerprints."""

    def __init__(self, largest: int, seconds: float, monotonic: Callable[[], float]) -> None:
        """``seconds``: how long after its last adoption a member is remembered; should outlast a session."""
        self._of: TTLCache[Fingerprint, _Family] = TTLCache(largest, seconds, timer=monotonic)

    def adopt(self, old: Iterable[Fingerprint], new: Iterable[Fingerprint], user_id: str | None) -> None:
        """Make ``new`` the youngest kin of ``old``; ``user_id`` is whom Okta named for ``old``, if it was asked."""
        olds, news = tuple(old), tuple(new)
        merged: _Family = {}
        for fingerprint in (*olds, *news):
            merged.update(self._of.get(fingerprint, {}))
        for fingerprint in olds:
            merged[fingerprint] = merged.get(fingerprint) or user_id
        for fingerprint in news:
            merged[fingerprint] = merged.pop(fingerprint, None)
        while len(merged) > MOST_KIN:
            eldest = next(iter(merged))
            del merged[eldest]
            self._of.pop(eldest, None)
        for fingerprint in merged:
            self._of[fingerprint] = merged

    def kin(self, fingerprints: Iterable[Fingerprint]) -> tuple[Fingerprint, ...]:
        """These fingerprints and all their kin, each once."""
        found: dict[Fingerprint, None] = {}
        for fingerprint in fingerprints:
            found[fingerprint] = None
            found.update(dict.fromkeys(self._of.get(fingerprint, ())))
        return tuple(found)

    def named(self, fingerprints: Iterable[Fingerprint], user_id: str) -> tuple[Fingerprint, ...]:
        """Note whom Okta named for these cookies; returns the kin that are another user's now, and leave the family.

        The user of the youngest member that Okta was asked about is the browser's user; older kin that are not known to be his
        were the session before.
        """
        gone: list[Fingerprint] = []
        for fingerprint in fingerprints:
            family = self._of.get(fingerprint)
            if family is None or fingerprint not in family:
                continue
            family[fingerprint] = family[fingerprint] or user_id
            strangers = _strangers(family)
            for stranger in strangers:
                del family[stranger]
                self._of.pop(stranger, None)
            gone.extend(strangers)
        return tuple(gone)


def _strangers(family: _Family) -> list[Fingerprint]:
    users = [user for user in family.values() if user is not None]
    if len(set(users)) < 2:
        return []
    strangers: list[Fingerprint] = []
    has_come = False
    for fingerprint, user in family.items():
        has_come = has_come or user == users[-1]
        if user != users[-1] and (user is not None or not has_come):
            strangers.append(fingerprint)
    return strangers
