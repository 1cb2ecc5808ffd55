"""The owner of a browser at one app host: the user who had a pass there last.

This module owns the mark in the owner cookie ``__Host-gateway-owner``, and decides what the browser must delete when the owner changes. It
must never put a user's id into a cookie: the mark is a keyed hash, different for each host.
Source: Clear Site Data (W3C), RFC 6265bis §5.5 (400 days).
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
    """Whether the owner changes. The value is the ``Clear-Site-Data`` field for that case."""

    SAME = ""
    UNKNOWN = '"cache"'
    OTHER = '"cache", "storage"'


class Owners:
    """Makes and compares marks. The newest key makes marks; marks of older keys are still recognized."""

    __slots__ = ("_keys",)

    def __init__(self, seal_keys: Sequence[bytes]) -> None:
        """``seal_keys``: secret, newest first, at least one."""
        self._keys = tuple(hmac.digest(key, b"session-gateway owners", "sha256") for key in seal_keys)

    def judged(self, request_fields: Fields, host: str, user_id: str) -> Owner:
        """Whether ``user_id`` is the owner that the owner cookie names at ``host`` (authority text).

        Repeated cookies that differ, and a cookie that no key made, count as another owner, so that too much is deleted rather than too
        little. ``request_fields``: the fields of the request.
        """
        found = [value for name, value in pairs(request_fields) if name == OWNER_NAME]
        if not found:
            return Owner.UNKNOWN
        known = [_mark(key, host, user_id).encode("ascii") for key in self._keys]
        return Owner.SAME if all(any(hmac.compare_digest(value, mark) for mark in known) for value in found) else Owner.OTHER

    def mark(self, host: str, user_id: str) -> str:
        """The mark of this user at this host, made with the newest key."""
        return _mark(self._keys[0], host, user_id)

    def is_marked(self, mark: str, host: str, user_id: str) -> bool:
        """Whether this mark belongs to this user at this host, under any key."""
        given = mark.encode("utf-8", "surrogatepass")
        return any(hmac.compare_digest(given, _mark(key, host, user_id).encode("ascii")) for key in self._keys)

    def last(self, request_fields: Fields, host: str, user_id: str | None) -> str:
        """The mark of the user who used this browser last; "" if it is not known.

        ``user_id``: the user of the presented pass, None without a pass. If the pass and the owner cookie name two users, the result is "".
        """
        found = [value for name, value in pairs(request_fields) if name == OWNER_NAME]
        if user_id is not None:
            return self.mark(host, user_id) if self.judged(request_fields, host, user_id) is not Owner.OTHER else ""
        return found[0].decode("ascii") if len(found) == 1 and _MARK.match(found[0]) else ""

    def lines(self, request_fields: Fields, host: str, user_id: str) -> Fields:
        """The lines that go with a new pass: the owner cookie, and ``Clear-Site-Data`` if the owner changes or was not known."""
        line = set_cookie(OWNER_NAME, _mark(self._keys[0], host, user_id), OWNER_SECONDS)
        cleared = self.judged(request_fields, host, user_id).value
        return (line, (_FIELD, cleared.encode("ascii"))) if cleared else (line,)


def clears_only_at_home(request_fields: Fields) -> bool:
    """Whether this browser obeys ``Clear-Site-Data`` only in a page, and only if the redirects to that page began at the same host.

    WebKit (Safari, and every browser on iOS) ignores the field in a redirect. After a chain of redirects it clears the data of the host
    where the chain began. Chromium and Firefox always clear the data of the host that sends the field. ``request_fields``: the fields of
    the request.
    """
    agents = [value for name, value in request_fields if name.lower() == b"user-agent"]
    return any(b"AppleWebKit/" in agent and b"Chrome/" not in agent for agent in agents)


def _mark(key: bytes, host: str, user_id: str) -> str:
    text = f"{host}\0{user_id}".encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(hashlib.blake2b(text, digest_size=16, key=key).digest()).rstrip(b"=").decode("ascii")
