"""The owner of a browser at one app host: whose pass it had last.

Owns the mark in the owner cookie, and what a browser must forget when its owner changes. Must never put a user's id into a cookie: the mark
is a keyed fingerprint, and differs from host to host. Source: Clear Site Data (W3C), RFC 6265bis §5.5 (400 days).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from enum import Enum
from typing import Final

from gateway.policy.http.cookies import OWNER_NAME, pairs, set_cookie
from gateway.policy.http.messages import Fields

OWNER_SECONDS: Final = 400 * 24 * 3600
_FIELD: Final = b"Clear-Site-Data"
_MARK: Final = re.compile(rb"[A-Za-z0-9_-]{22}\Z")


class Owner(Enum):
    """Who had this browser before, and what is cleared then, in the words of Clear-Site-Data."""

    SAME = ""
    UNKNOWN = '"cache"'
    OTHER = '"cache", "storage"'


class Owners:
    """Makes marks and compares them. The newest key makes them; older keys of the ring are still understood."""

    __slots__ = ("_keys",)

    def __init__(self, seal_keys: Sequence[bytes]) -> None:
        """``seal_keys``: secret, newest first, at least one."""
        self._keys = tuple(hmac.digest(key, b"session-gateway owners", "sha256") for key in seal_keys)

    def judged(self, presented: Fields, host: str, user_id: str) -> Owner:
        """Whether ``user_id`` is the owner that the fields of the request name at ``host`` (authority text).

        A cookie that is repeated or that no key made names another owner: more is cleared then, not less.
        """
        found = [value for name, value in pairs(presented) if name == OWNER_NAME]
        if not found:
            return Owner.UNKNOWN
        known = [_mark(key, host, user_id).encode("ascii") for key in self._keys]
        return Owner.SAME if all(any(hmac.compare_digest(value, mark) for mark in known) for value in found) else Owner.OTHER

    def mark(self, host: str, user_id: str) -> str:
        """What stands for this user at this host."""
        return _mark(self._keys[0], host, user_id)

    def is_marked(self, mark: str, host: str, user_id: str) -> bool:
        """Whether this mark stands for this user at this host."""
        given = mark.encode("utf-8", "surrogatepass")
        return any(hmac.compare_digest(given, _mark(key, host, user_id).encode("ascii")) for key in self._keys)

    def last(self, presented: Fields, host: str, user_id: str | None) -> str:
        """The mark of whoever used this browser last; "" where nobody knows. ``user_id``: whose pass it presents, None without one.

        A pass and a cookie of two users name nobody.
        """
        found = [value for name, value in pairs(presented) if name == OWNER_NAME]
        if user_id is not None:
            return self.mark(host, user_id) if self.judged(presented, host, user_id) is not Owner.OTHER else ""
        return found[0].decode("ascii") if len(found) == 1 and _MARK.match(found[0]) else ""

    def lines(self, presented: Fields, host: str, user_id: str) -> Fields:
        """The lines of the answer that gives the browser its pass: the owner cookie, and what the browser must forget first."""
        line = set_cookie(OWNER_NAME, _mark(self._keys[0], host, user_id), OWNER_SECONDS)
        cleared = self.judged(presented, host, user_id).value
        return (line, (_FIELD, cleared.encode("ascii"))) if cleared else (line,)


def clears_only_at_home(presented: Fields) -> bool:
    """Whether this browser obeys Clear-Site-Data only in a page, and only where the way to the page began at the same host.

    WebKit (Safari, and every browser of iOS) ignores the field in a redirect. At the end of redirects it clears the data of the host where
    they began. Chromium and Firefox always clear the data of the host that says so. ``presented``: the fields of the request.
    """
    agents = [value for name, value in presented if name.lower() == b"user-agent"]
    return any(b"AppleWebKit/" in agent and b"Chrome/" not in agent for agent in agents)


def _mark(key: bytes, host: str, user_id: str) -> str:
    text = f"{host}\0{user_id}".encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(hashlib.blake2b(text, digest_size=16, key=key).digest()).rstrip(b"=").decode("ascii")
