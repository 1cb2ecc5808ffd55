"""What a hook's request is answered with, how often anybody may show what is no secret of ours, and what every hook needs for its work.

Owns the form of these answers: a status, and for people who look a word of JSON. Must never repeat anything of the request.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cachetools import TTLCache

from gateway.clock import Clock
from gateway.doors.answers import json_answer
from gateway.policy.http.messages import Answer
from gateway.revocations import SharedRevocations

BAD_SECRETS_PER_MINUTE: Final = 10
_MINUTE: Final = 60.0
_MOST_CLIENTS: Final = 10_000
_LATER: Final = (b"Retry-After", b"1")
_NO_STORE: Final = (b"Cache-Control", b"no-store")


Tell = Callable[[str, Mapping[str, object]], None]


@dataclass(frozen=True, slots=True)
class HookParts:
    """What carries out what Okta has told. ``tell`` gets (event name, figures) for the log."""

    revocations: SharedRevocations
    clock: Clock
    tell: Tell


@dataclass(frozen=True, slots=True)
class HookReply:
    """An answer, and the words for the access log."""

    answer: Answer
    verdict: str
    reason: str = ""


def done(verdict: str, reason: str = "") -> HookReply:
    """204: what was asked for holds."""
    return HookReply(Answer(204, (_NO_STORE,), b""), verdict, reason)


def refused(status: int, reason: str, *fields: tuple[bytes, bytes]) -> HookReply:
    """An error; 503 may be tried again."""
    extra = (*fields, _LATER) if status in (429, 503) else fields
    return HookReply(json_answer(status, {"error": reason}, *extra), "refused", reason)


class BadSecrets:
    """Counts, by client, who showed something that is no secret of ours."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """``monotonic``: seconds."""
        self._shown: TTLCache[str, int] = TTLCache(_MOST_CLIENTS, _MINUTE, timer=monotonic)

    def refused(self, client: str, reason: str) -> HookReply:
        """401, or 429 from the eleventh within a minute on. Who shows the right one is never refused for what others show."""
        shown = self._shown.get(client, 0) + 1
        self._shown[client] = min(shown, BAD_SECRETS_PER_MINUTE + 1)
        if shown > BAD_SECRETS_PER_MINUTE:
            return refused(429, "too_many_bad_secrets")
        return refused(401, reason, (b"WWW-Authenticate", b"Bearer"))
