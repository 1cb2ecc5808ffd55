"""Path prefixes: maps the public path, which browsers use, to the path that the app gets, and back. One prefix is removed, another one
added.

Only whole segments are a prefix: ``/hr`` is no prefix of ``/hrx``, ``/hr%2Fx`` or ``/hr;x``. The rest of the path and the query stay
byte-identical. The rules judge the public path. So the mapping must never produce a path that the rules would have to judge differently:
nothing under ``/.gateway``, and no second slash at the beginning. On the way back, a reference must never leave the app's host: a reference
whose path would begin with two slashes, or that contains dot segments, is not mapped. Sources: RFC 3986 §3.3 and §5.2.4, RFC 6265 §5.1.4.
"""

import re
from dataclasses import dataclass

from gateway.policy.http.messages import Malformed
from gateway.policy.http.odd_paths import odd_readings
from gateway.policy.http.paths import is_own, is_plain, normalised

_CLIMBS = re.compile(r"/(?:\.|%2e){1,2}(?:/|\Z)|\\", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Prefixes:
    """``strip`` is removed from the beginning of a public path, then ``add`` is put there. Both end without a slash, or are empty."""

    strip: str = ""
    add: str = ""

    def inner(self, target: str) -> str | None:
        """The target that the app gets for a public target, whose path was judged before; None if the path is not under ``strip``."""
        path, mark, query = target.partition("?")
        rest = self._rest(path)
        # Two slashes at the beginning could be read as a host, and dot segments could lead out of the prefix.
        if rest is None or rest.startswith("//") or _leaves_prefix(rest):
            return None
        inner = self.add + rest or "/"
        return None if is_own(inner) else f"{inner}{mark}{query}"

    def outer(self, path: str) -> str | None:
        """The public path that leads to this path of the app; None if there is none.

        If ``add`` is empty, a path that is under ``strip`` already stays as it is: the app knows its public prefix.
        """
        if not self.strip and not self.add:
            return path
        if _CLIMBS.search(path) or not _within(path, self.add):
            return None
        if not self.add and _within(path, self.strip):
            return path
        public = self.strip + path.removeprefix(self.add) or "/"
        return None if public.startswith("//") else public

    def outer_scope(self, path: str) -> str | None:
        """The ``Path`` attribute of a cookie for browsers that covers what the app's own attribute covers; None if that cannot be reached
        from outside.
        """
        if not self.add and _within(path, self.strip):
            return path
        if (self.add or path != "/") and _within(path, self.add):
            return self.strip + path.removeprefix(self.add) or "/"
        return (self.strip or "/") if f"{self.add}/".startswith(path.removesuffix("/") + "/") else None

    def _rest(self, path: str) -> str | None:
        if _within(path, self.strip):
            return path.removeprefix(self.strip)
        # The rules treat the same segments in another spelling (%68r for hr) as equal, and so does the prefix.
        beginning = "/".join(path.split("/")[: self.strip.count("/") + 1])
        return path[len(beginning) :] if normalised(beginning) == normalised(self.strip) else None


def _leaves_prefix(rest: str) -> bool:
    """Whether the rest of a path climbs above its beginning, or can be read as a host, in any reading."""
    if is_plain(rest) or not isinstance(normalised(rest or "/"), Malformed):
        return False
    readings = odd_readings(rest, case_insensitive=True)
    return readings is None or any(one.startswith("//") for one in readings)


def _within(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")


def prefix_problem(prefix: str) -> str | None:
    """What is wrong with a configured prefix; None if it is usable, or empty."""
    if not prefix:
        return None
    if not prefix.startswith("/") or prefix.endswith("/"):
        return "must begin with a slash and end without one"
    shape = normalised(prefix)
    if isinstance(shape, Malformed) or any(char in prefix for char in "?#"):
        return "is no plain path"
    if shape != prefix:
        return f"must be spelled as it is sent: {shape}"
    return "is a path of the gateway's own" if is_own(prefix) else None
