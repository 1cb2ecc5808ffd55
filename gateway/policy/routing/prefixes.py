"""The path that browsers see, and the path that an app sees behind it: one prefix off, another one on.

Owns the mapping both ways. Only whole segments are a prefix (``/hr`` is none of ``/hrx``, nor of ``/hr%2Fx`` or ``/hr;x``), the rest goes
through to the byte, and so does the query. The path is judged as the browser sent it, so the mapping must never make of it what the
judge did not see: nothing under ``/.gateway``, no second slash in front. On the way back nothing may leave the app's host: a reference
whose path would begin with two slashes, or climbs, is no match. Rules from: RFC 3986 §3.3 and §5.2.4, RFC 6265 §5.1.4.
"""

import re
from dataclasses import dataclass

from gateway.policy.http.messages import Malformed
from gateway.policy.http.odd_paths import odd_readings
from gateway.policy.http.paths import is_own, is_plain, normalised

_CLIMBS = re.compile(r"/(?:\.|%2e){1,2}(?:/|\Z)|\\", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What is taken off the front of a path (``strip``) and put there instead (``add``); both without a slash at the end, or empty."""

    strip: str = ""
    add: str = ""

    def inner(self, target: str) -> str | None:
        """The target that the app is sent for one whose path was judged (``normalised``); None where the path lies outside of ``strip``."""
        path, mark, query = target.partition("?")
        rest = self._rest(path)
        if rest is None or rest.startswith("//") or _leaves_prefix(rest):
            return None
        inner = self.add + rest or "/"
        return None if is_own(inner) else f"{inner}{mark}{query}"

    def outer(self, path: str) -> str | None:
        """The path that a browser asks for to reach this one of the app; None where there is none.

        A path that stands under ``strip`` already, with nothing added, is the word of an app that knows its public name.
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
        """The ``Path`` of a cookie for browsers, which reaches what the app's own reaches; None where that is nothing from here."""
        if not self.add and _within(path, self.strip):
            return path
        if (self.add or path != "/") and _within(path, self.add):
            return self.strip + path.removeprefix(self.add) or "/"
        return (self.strip or "/") if f"{self.add}/".startswith(path.removesuffix("/") + "/") else None

    def _rest(self, path: str) -> str | None:
        if _within(path, self.strip):
            return path.removeprefix(self.strip)
        # The same segments in another spelling (%68r for hr) are the same prefix to the judge, and so here.
        front = "/".join(path.split("/")[: self.strip.count("/") + 1])
        return path[len(front) :] if normalised(front) == normalised(self.strip) else None


def _leaves_prefix(rest: str) -> bool:
    """Whether what is left of a path climbs above its beginning, or is taken for a host, in some reading."""
    if is_plain(rest) or not isinstance(normalised(rest or "/"), Malformed):
        return False
    told = odd_readings(rest, case_insensitive=True)
    return told is None or any(one.startswith("//") for one in told)


def _within(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")


def prefix_problem(prefix: str) -> str | None:
    """What is wrong with a configured prefix; None where it is usable, or empty for none."""
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
