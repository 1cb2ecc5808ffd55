"""When signing in goes round in a circle: the ways round of one browser at one app host in the last minute.

::

    app host                        login host                       app host
    sign_in ── is_loop? ──────────▶ hand-off ── ticket ────────────▶ accept ── pass ──▶ the target, which may send it to sign_in again
       ▲  └─ yes: the page that explains it                             │
       └──────────── sent_round, one more way ──────────────────────────┘

Every redirect that may lead a browser to ``sign_in`` again is one way round, whatever its cause, and is counted for a whole minute. Nothing
takes a count back but the page that ends the circle and a sign-out: both wait for the user. So a circle ends after ``BOUNCES_ALLOWED`` ways
round where each is of the same session to the same target, and after ``MOST_WAYS`` where each is another.

Users who take turns have a session each, and tabs that open at once a target each: neither is a circle.

Owns the start cookie: the nonce of the hand-off under way, and these ways. Must never shorten the count, and must never name a session in
the cookie. Clocks of replicas may differ: a way from the future counts too.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

BOUNCES_ALLOWED: Final = 3
BOUNCE_SECONDS: Final = 60
MOST_WAYS: Final = 30
STRAIGHT_ON_ALLOWED: Final = 8
"""How often in a minute a live pass goes straight on to the target. Where a front proxy asks a replica that refuses the pass, that is a
circle too; browsers end one by themselves after about twenty redirects, and each of these takes two."""

_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22,128}\Z")
_WAY: Final = re.compile(r"(?P<at>[0-9]{1,12})(?:\.(?P<of>[A-Za-z0-9_-]{1,8}))?\Z", re.ASCII)
_WORKED: Final = "worked"
_STRAIGHT_ON: Final = "onward"


@dataclass(frozen=True, slots=True)
class LoopRound:
    """One way round: when, in whole Unix seconds, and of what (``way_of``); empty where no session was named."""

    at: int
    of: str = ""


def way_of(session_id: str, target: str) -> str:
    """The short name of a way round with this session to this target; nobody can tell the session by it."""
    text = f"{session_id}\0{target}".encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(hashlib.blake2b(text, digest_size=6).digest()).decode("ascii")


@dataclass(frozen=True, slots=True)
class StartMark:
    """The start cookie: the nonce of the hand-off under way, and the ways round of the last minute, the latest last."""

    nonce: str | None
    ways: tuple[LoopRound, ...] = ()

    @classmethod
    def parse(cls, value: bytes | None, now: float) -> "StartMark":
        """The mark in a cookie's value (``nonce~t1.of~t2``, Unix seconds); whatever is not understood or too old is not there."""
        nonce, *texts = (value or b"").decode("latin-1").split("~")
        found = (_WAY.match(text) for text in texts[-MOST_WAYS:])
        ways = tuple(LoopRound(int(one["at"]), one["of"] or "") for one in found if one is not None)
        return cls(nonce if _NONCE.match(nonce) else None, tuple(way for way in ways if abs(now - way.at) <= BOUNCE_SECONDS))

    def render(self) -> str:
        """The cookie's value."""
        return "~".join((self.nonce or "", *(f"{way.at}.{way.of}" if way.of else str(way.at) for way in self.ways)))

    def sent_round(self, now: float, of: str = "") -> "StartMark":
        """The mark after one more way round."""
        return replace(self, ways=(*self.ways, LoopRound(int(now), of))[-MOST_WAYS:])

    def went_on(self, now: float) -> "StartMark":
        """The mark after a live pass went straight on: the hand-offs before it worked, so none of them is the first of a circle."""
        worked = (way if way.of == _STRAIGHT_ON else replace(way, of=_WORKED) for way in self.ways)
        return replace(self, ways=tuple(worked)).sent_round(now, _STRAIGHT_ON)

    def is_loop(self) -> bool:
        """Whether this browser went round so often that one more time would not help."""
        counts = Counter(way.of for way in self.ways)
        return len(self.ways) >= MOST_WAYS or any(count >= _allowed(of) for of, count in counts.items())


def _allowed(of: str) -> int:
    """How often a minute may hold this way round."""
    match of:
        case "worked":
            return MOST_WAYS
        case "onward":
            return STRAIGHT_ON_ALLOWED
        case _:
            return BOUNCES_ALLOWED
