"""The Lua scripts of the Redis engine. Each is one atomic step on the server and uses the server's clock. Their text is in ``lua/``.

This module owns the layout of the keys. All have the same hash tag, so a Cluster stores them on one node::

    {prefix}:kind:NAME:values|ends|order|about   values by key; keys by end, and by age; "bytes" and "last" (the newest entry's number)
    {prefix}:lease:held|ends|last                "NUMBER:OWNER" by key; keys by end; the last number
    {prefix}:log:about                           "epoch"; "ms" and "seq" of the last id; the bytes of each kind of revocation
    {prefix}:log:known|unseen                    the streams; cookies for which Okta never named a user have their own stream
    {prefix}:log:KIND:at|order                   the stream id of each part of a revocation; parts by age

No key has an expiry. Ended entries are deleted by later changes, so the totals stay exact, and an eviction policy for keys with an expiry
does not touch them. Streams and indexes are changed together. If they do not match, something else has deleted one of them. Then the state
begins empty, with another epoch. A script must never write before a command that Redis refuses when its memory is full. So Redis refuses
the whole script, or runs all of it. Source: https://redis.io/docs/latest/develop/programmability/eval-intro/.
"""

from dataclasses import dataclass, field
from hashlib import sha1
from importlib.resources import files
from typing import Final

from gateway.shared_state.entries import DROPPED_AT_BOUND, DROPPED_AT_ONCE
from gateway.shared_state.published import FORGOTTEN, KINDS, REVOKED, UNSEEN

LEASE_LOST: Final = -1
_KEYS_OF_LOG = 3 + 2 * len(KINDS)
_LUA = files("gateway.shared_state") / "lua"


@dataclass(frozen=True, slots=True)
class Script:
    """One script: its text, and the SHA-1 by which the server knows it."""

    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", sha1(self.text.encode(), usedforsecurity=False).hexdigest())


def _script(name: str, functions: str = "") -> Script:
    return Script(functions + _text(name))


def _text(name: str) -> str:
    return (_LUA / f"{name}.lua").read_text(encoding="utf-8")


_TIME = f"local DROPPED_AT_ONCE, DROPPED_AT_BOUND = {DROPPED_AT_ONCE}, {DROPPED_AT_BOUND}\n" + _text("time")
_ENTRIES = _TIME + _text("held") + "local V, E, O, A = KEYS[1], KEYS[2], KEYS[3], KEYS[4]\n" + _text("entries")
"""KEYS: the four keys of the kind, and two keys of the leases if the change needs a lease."""
_LEASES = _TIME + _text("held") + "local H, E, N = KEYS[1], KEYS[2], KEYS[3]\n"
_NUMBERS = (*(KINDS.index(kind) + 1 for kind in (UNSEEN, REVOKED, FORGOTTEN)), len(KINDS), _KEYS_OF_LOG)
_LOG = _TIME + f"local UNSEEN, REVOKED, FORGOTTEN, LAST, LOG_KEYS = {', '.join(map(str, _NUMBERS))}\n" + _text("log")
_REPORT = _LOG + _text("keep") + f"local V, E, O, A = unpack(KEYS, {_KEYS_OF_LOG + 1})\n" + _text("entries")

CLAIM, PUT, GET, TAKE, DELETE, ALL = (_script(name, _ENTRIES) for name in ("claim", "put", "get", "take", "delete", "all"))
LEASE, RENEW, RELEASE = (_script(name, _LEASES) for name in ("lease", "renew", "release"))
LOOK, PUBLISH, REPORT = _script("look", _LOG), _script("publish", _LOG + _text("keep")), _script("report", _REPORT)
ABOUT = _script("about")
