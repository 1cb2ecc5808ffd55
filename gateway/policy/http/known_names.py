"""What is known of the names of servers: which need no question, and what the last answer for the others was.

Owns how long an answer stays good, and how many are kept. Must never keep an answer for longer than a few seconds: the name server's own
time to live is kept by c-ares. Sources: RFC 6761 §6.3 (localhost), RFC 1034 §3.1 (a final dot).
"""

import ipaddress
from dataclasses import dataclass
from typing import Final

FOUND_SECONDS: Final = 5.0
MISSED_SECONDS: Final = 1.0
MOST_NAMES: Final = 1024
MOST_ADDRESSES: Final = 16
"""Of one name. With names of at most 253 letters, all answers together take about 3 MiB."""
LOOPBACK: Final = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ResolvedName:
    """The addresses of a name, in the order in which they are tried; at least one."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoSuchName:
    """Nobody knows an address of this name."""


@dataclass(frozen=True, slots=True)
class TooSlow:
    """No answer came in time."""


NameAnswer = ResolvedName | NoSuchName | TooSlow


def addresses_without_question(host: str) -> tuple[str, ...] | None:
    """The addresses of a literal address (without brackets), and of ``localhost`` and every name below it; None for all other names."""
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return LOOPBACK
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return (host,)


def name_on_the_wire(host: str) -> str | None:
    """The name in ASCII, as name servers know it; None where it cannot be spelled so."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return None


def found(addresses: tuple[str, ...]) -> ResolvedName | NoSuchName:
    """The answer for these addresses: each once, at most 16 of them, in their order."""
    once = tuple(dict.fromkeys(addresses))[:MOST_ADDRESSES]
    return ResolvedName(once) if once else NoSuchName()


class KnownNames:
    """The last answer for each name: addresses for 5 seconds, a failure for 1. At most 1,024 names; a full memory begins anew."""

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._answers: dict[str, tuple[NameAnswer, float]] = {}

    def __len__(self) -> int:
        """How many answers are kept."""
        return len(self._answers)

    def recalled(self, host: str, now: float) -> NameAnswer | None:
        """The answer for this name; None where there is none, or it is too old. ``now``: seconds of a clock that never goes back."""
        kept = self._answers.get(host)
        if kept is None:
            return None
        answer, until = kept
        return answer if now < until else None

    def remember(self, host: str, answer: NameAnswer, now: float) -> None:
        """Keep this answer, in place of the one before."""
        if len(self._answers) >= MOST_NAMES and host not in self._answers:
            self._answers.clear()
        self._answers[host] = answer, now + (FOUND_SECONDS if isinstance(answer, ResolvedName) else MISSED_SECONDS)
