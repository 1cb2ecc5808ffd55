"""Okta's event hook: ``/.gateway/hooks/okta``.

    GET    X-Okta-Verification-Challenge ─▶ 200 {"verification": …}
    POST   secret ─▶ whole body ─▶ seen before? ─▶ revocations published ─▶ written down as seen ─▶ 204
             └ 401    └ 413, 400      └ 204              └ 503: Okta tries once more

Owns that order, and Okta's three seconds. Must never answer 204 before every process can know what the delivery ends, compare a secret in
a time that tells anything about it, or take a delivery that it could not read for one that said nothing. Rules from: Okta, Event Hooks.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.clock import Clock
from gateway.core.messages import Malformed, RequestHead
from gateway.doors.answers import json_answer
from gateway.doors.hooks.outcomes import BadSecrets, Told, done, refused
from gateway.doors.hooks.watching import HookWatch
from gateway.doors.reading import whole_body
from gateway.edge.request import Request
from gateway.errors import OutsideFailed
from gateway.policy.hooks.okta_events import LARGEST_DELIVERY_BYTES, Consequences, Delivery, consequences, read_delivery
from gateway.revocations import Revocation, Revocations
from gateway.shared_state import SharedState

EVENT_HOOK_PATH: Final = "/.gateway/hooks/okta"
ANSWER_SECONDS: Final = 2.5
"""Okta waits three seconds."""

SEEN: Final = "event-hook-delivery"
SEEN_SECONDS: Final = 86400.0
LONGEST_CHALLENGE: Final = 1024

Tell = Callable[[str, Mapping[str, object]], None]


class EventHook:
    """One hook. It may have several secrets, while one takes the place of another."""

    def __init__(
        self, secrets: Sequence[str], revocations: Revocations, state: SharedState, watch: HookWatch, clock: Clock, tell: Tell
    ) -> None:
        """``secrets``: at least one. ``watch`` hears of sign-ins, and of deliveries that are lost."""
        self._secrets = tuple(hashlib.sha256(secret.encode()).digest() for secret in secrets)
        self._revocations = revocations
        self._state = state
        self._watch = watch
        self._clock = clock
        self._tell = tell
        self._bad = BadSecrets(clock.monotonic)

    async def answer(self, request: Request, head: RequestHead) -> Told:
        """What Okta is answered."""
        if head.method == "GET":
            return self._verification(head)
        if head.method != "POST":
            return refused(405, "method", (b"Allow", b"GET, POST"))
        if not self._is_okta(head):
            return self._bad.refused(head.client, "hook_secret")
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._delivered(request)
        except TimeoutError:
            return await self._lost(refused(503, "too_slow"))
        except OutsideFailed as error:
            return await self._lost(refused(503, error.reason))

    def _is_okta(self, head: RequestHead) -> bool:
        digest = hashlib.sha256((head.value(b"authorization") or b"").strip()).digest()
        matches = [hmac.compare_digest(digest, known) for known in self._secrets]
        return any(matches)

    def _verification(self, head: RequestHead) -> Told:
        """Okta asks whether this address is ours. It need not show the secret; one that it shows must be right."""
        if head.values(b"authorization") and not self._is_okta(head):
            return self._bad.refused(head.client, "hook_secret")
        challenge = head.value(b"x-okta-verification-challenge")
        if not challenge or len(challenge) > LONGEST_CHALLENGE or not challenge.isascii():
            return refused(400, "no_challenge")
        return Told(json_answer(200, {"verification": challenge.decode("ascii")}), "hook_verified")

    async def _delivered(self, request: Request) -> Told:
        body = await whole_body(request, LARGEST_DELIVERY_BYTES)
        if isinstance(body, Malformed):
            return await self._lost(refused(body.status, body.reason))
        delivery = read_delivery(body)
        if isinstance(delivery, Malformed):
            return await self._lost(refused(delivery.status, delivery.reason))
        seen = hashlib.blake2b(delivery.id.encode(), digest_size=16).digest()
        if await self._state.get(SEEN, seen) is not None:
            return done("hook_repeated")
        await self._carry_out(delivery)
        # Only now: a delivery that failed half way is carried out again when Okta repeats it, which changes nothing twice.
        await self._state.claim(SEEN, seen, SEEN_SECONDS)
        return done("hook_event")

    async def _carry_out(self, delivery: Delivery) -> None:
        found = consequences(delivery, self._clock.wall())
        await self._publish(found)
        await self._watch.heard(found.begins)
        if delivery.unreadable:
            await self._watch.lost("unreadable_event")

    async def _publish(self, found: Consequences) -> None:
        for user_id, before in found.ends.items():
            await self._revocations.publish(Revocation(user_id=user_id, began_before=before))
            self._tell("hook_ended_sessions", {"user": user_id})
        for user_id in found.asks:
            await self._revocations.publish(Revocation(user_id=user_id))
            self._tell("hook_asks_again", {"user": user_id})

    async def _lost(self, told: Told) -> Told:
        """Okta's own delivery could not be carried out. It repeats some of them once, and then the events are lost."""
        self._tell("hook_delivery_lost", {"reason": told.reason})
        await self._watch.lost(told.reason)
        return told
