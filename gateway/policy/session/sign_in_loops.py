"""The detection of sign-in loops: the sign-in redirects of one browser at one app host in the last minute.

::

    app host                        login host                       app host
    sign_in ── is_loop? ──────────▶ hand-off ── ticket ────────────▶ accept ── pass ──▶ the target, which may send it to sign_in again
       ▲  └─ yes: the page that explains it                             │
       └──────────── sent_round, one more round ────────────────────────┘

Each redirect that may lead the browser to ``sign_in`` again is one *round*. It is counted for a whole minute, whatever its cause. Only two
things reset the count: the page that explains the loop, and a sign-out. Both wait for the user. So a loop ends after ``BOUNCES_ALLOWED``
rounds with the same session and the same target, and after ``MOST_ROUNDS`` rounds of any kind.

Two users who take turns have different sessions, and tabs that open at once have different targets. Neither is a loop.

This module owns the start cookie: the nonce of the hand-off under way, and the rounds. It must never shorten the count, and must never put
a session id into the cookie. The clocks of replicas may differ, so a round with a time in the future counts too.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

BOUNCES_ALLOWED: Final = 3
BOUNCE_SECONDS: Final = 60
MOST_ROUNDS: Final = 30
STRAIGHT_ON_ALLOWED: Final = 8
"""How often in a minute a browser with a valid pass is sent straight to the target. If a front proxy asks a replica that refuses the pass,
that is a loop too. Browsers stop after about twenty redirects, and each round takes two."""

_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22,128}\Z")
_ROUND: Final = re.compile(r"(?P<at>[0-9]{1,12})(?:\.(?P<of>[A-Za-z0-9_-]{1,8}))?\Z", re.ASCII)
_WORKED: Final = "worked"
_STRAIGHT_ON: Final = "onward"


@dataclass(frozen=True, slots=True)
class LoopRound:
    """One round: when, in whole Unix seconds, and its name (``way_of``); empty if no session is known."""

    at: int
    of: str = ""


def way_of(session_id: str, target: str) -> str:
    """The short name of a round with this session to this target. It is a hash, so it does not reveal the session."""
    text = f"{session_id}\0{target}".encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(hashlib.blake2b(text, digest_size=6).digest()).decode("ascii")


@dataclass(frozen=True, slots=True)
class StartMark:
    """The start cookie: the nonce of the hand-off under way, and the rounds of the last minute, the latest last."""

    nonce: str | None
    rounds: tuple[LoopRound, ...] = ()

    @classmethod
    def parse(cls, value: bytes | None, now: float) -> "StartMark":
        """The mark in a cookie's value (``nonce~t1.of~t2``, Unix seconds). Parts that are malformed or too old are ignored."""
        nonce, *texts = (value or b"").decode("latin-1").split("~")
        found = (_ROUND.match(text) for text in texts[-MOST_ROUNDS:])
        rounds = tuple(LoopRound(int(one["at"]), one["of"] or "") for one in found if one is not None)
        return cls(nonce if _NONCE.match(nonce) else None, tuple(one for one in rounds if abs(now - one.at) <= BOUNCE_SECONDS))

    def render(self) -> str:
        """The cookie's value."""
        return "~".join((self.nonce or "", *(f"{one.at}.{one.of}" if one.of else str(one.at) for one in self.rounds)))

    def sent_round(self, now: float, of: str = "") -> "StartMark":
        """The mark after one more round."""
        return replace(self, rounds=(*self.rounds, LoopRound(int(now), of))[-MOST_ROUNDS:])

    def went_on(self, now: float) -> "StartMark":
        """The mark after a browser with a valid pass was sent straight to the target.

        The earlier hand-offs worked, so they no longer count as rounds of one loop.
        """
        worked = (one if one.of == _STRAIGHT_ON else replace(one, of=_WORKED) for one in self.rounds)
        return replace(self, rounds=tuple(worked)).sent_round(now, _STRAIGHT_ON)

    def is_loop(self) -> bool:
        """Whether this browser has made so many rounds that one more would not help."""
        counts = Counter(one.of for one in self.rounds)
        return len(self.rounds) >= MOST_ROUNDS or any(count >= _allowed(of) for of, count in counts.items())


def _allowed(of: str) -> int:
    """How many rounds of this name are allowed in a minute."""
    match of:
        case "worked":
            return MOST_ROUNDS
        case "onward":
            return STRAIGHT_ON_ALLOWED
        case _:
            return BOUNCES_ALLOWED
