"""DNS names of servers: which need no DNS query, and a cache of the last answers.

An answer must never be cached for more than a few seconds: c-ares already keeps to the TTL of the name server. Sources: RFC 6761 §6.3
(localhost), RFC 1034 §3.1 (a final dot).
"""

import ipaddress
from dataclasses import dataclass
from typing import Final

from gateway.memo import RecentCache

FOUND_SECONDS: Final = 5.0
"""How long addresses are cached."""
MISSED_SECONDS: Final = 1.0
"""How long a failure is cached."""
MOST_NAMES: Final = 1024
MOST_ADDRESSES: Final = 16
"""Of one name. With names of at most 253 letters, all cached answers take about 3 MiB."""
LOOPBACK: Final = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ResolvedName:
    """The addresses of a name (at least one), in the order in which they are tried."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoSuchName:
    """The name has no address."""


@dataclass(frozen=True, slots=True)
class TooSlow:
    """The name server did not answer in time."""


NameAnswer = ResolvedName | NoSuchName | TooSlow


def addresses_without_question(host: str) -> tuple[str, ...] | None:
    """The addresses of a host that needs no DNS query: a literal address (without brackets), ``localhost`` or a name below it; else
    None.
    """
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return LOOPBACK
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return (host,)


def name_on_the_wire(host: str) -> str | None:
    """The name in ASCII, as name servers know it; None if it cannot be converted."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return None


def found(addresses: tuple[str, ...]) -> ResolvedName | NoSuchName:
    """The answer for these addresses: without repetition, at most 16, in their order."""
    once = tuple(dict.fromkeys(addresses))[:MOST_ADDRESSES]
    return ResolvedName(once) if once else NoSuchName()


class KnownNames:
    """A cache with the last answer for each name: addresses for 5 seconds, a failure for 1 second.

    It has at most 1,024 names.
    """

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        """The cache is empty."""
        self._answers: RecentCache[str, tuple[NameAnswer, float]] = RecentCache(MOST_NAMES // 2)

    def __len__(self) -> int:
        """How many answers are cached."""
        return len(self._answers)

    def cached(self, host: str, now: float) -> NameAnswer | None:
        """The cached answer for this name; None if there is none, or it is too old. ``now``: seconds of a monotonic clock."""
        kept = self._answers.get(host)
        if kept is None:
            return None
        answer, until = kept
        return answer if now < until else None

    def remember(self, host: str, answer: NameAnswer, now: float) -> None:
        """Cache this answer, in place of an older one."""
        self._answers.keep(host, (answer, now + (FOUND_SECONDS if isinstance(answer, ResolvedName) else MISSED_SECONDS)))
