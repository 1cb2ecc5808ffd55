"""What all hooks share: the form of their answers, and a limit for wrong secrets.

An answer is a status, with a word in JSON for people who look. Must never repeat anything of the request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cachetools import TTLCache

from gateway.clock import Clock
from gateway.doors.answers import json_answer
from gateway.observe import Tell
from gateway.policy.http.messages import Answer
from gateway.revocations import SharedRevocations

BAD_SECRETS_PER_MINUTE: Final = 10
_MINUTE: Final = 60.0
_MOST_CLIENTS: Final = 10_000
_LATER: Final = (b"Retry-After", b"1")
_NO_STORE: Final = (b"Cache-Control", b"no-store")


@dataclass(frozen=True, slots=True)
class HookParts:
    """The objects that process what Okta tells. ``tell`` gets (event name, figures) for the log."""

    revocations: SharedRevocations
    clock: Clock
    tell: Tell


@dataclass(frozen=True, slots=True)
class HookReply:
    """An answer, and its words for the access log."""

    answer: Answer
    verdict: str
    reason: str = ""


def done(verdict: str) -> HookReply:
    """204: what Okta asked for is done."""
    return HookReply(Answer(204, (_NO_STORE,), b""), verdict)


def refusal(status: int, reason: str, *fields: tuple[bytes, bytes]) -> HookReply:
    """An error. 429 and 503 carry ``Retry-After``."""
    extra = (*fields, _LATER) if status in (429, 503) else fields
    return HookReply(json_answer(status, {"error": reason}, *extra), "refused", reason)


class BadSecrets:
    """Counts wrong secrets by client."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """``monotonic``: returns seconds."""
        self._shown: TTLCache[str, int] = TTLCache(_MOST_CLIENTS, _MINUTE, timer=monotonic)

    def refusal(self, client: str, reason: str) -> HookReply:
        """401; 429 from the eleventh wrong secret within a minute. A request with the right secret is never refused because of others."""
        shown = self._shown.get(client, 0) + 1
        self._shown[client] = min(shown, BAD_SECRETS_PER_MINUTE + 1)
        if shown > BAD_SECRETS_PER_MINUTE:
            return refusal(429, "too_many_bad_secrets")
        return refusal(401, reason, (b"WWW-Authenticate", b"Bearer"))
