"""Okta's event hook: ``/.gateway/hooks/okta``.

    GET    X-Okta-Verification-Challenge ─▶ 200 {"verification": …}
    POST   secret ─▶ whole body ─▶ one step: first time? revocations published, and written down as seen ─▶ 204
             └ 401    └ 413, 400                                  └ no: 204     └ 503: Okta tries once more

Owns that order, and the limit of three seconds that Okta sets. Must never answer 204 before every process can know what the delivery
ends. Must never compare a secret in a time that depends on it, nor read a body before the secret is checked. A delivery that cannot be
read must never count as an empty one. Rules from: Okta, Event Hooks.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from gateway.doors.answers import json_answer
from gateway.doors.hooks.hook_replies import BadSecrets, HookParts, HookReply, done, refusal
from gateway.doors.hooks.hook_watch import DELIVERIES, STARTED_SECONDS, HookWatch, started
from gateway.doors.reading import whole_body
from gateway.edge.request import Request
from gateway.errors import OutsideFailed
from gateway.observe import LONGEST_LIST
from gateway.policy.hooks.okta_events import LARGEST_DELIVERY_BYTES, Consequences, EventDelivery, consequences, read_delivery
from gateway.policy.http.messages import Malformed, RequestHead
from gateway.revocations import Report, Revocation

EVENT_HOOK_PATH: Final = "/.gateway/hooks/okta"
ANSWER_SECONDS: Final = 2.5
"""Okta waits three seconds."""

SEEN_SECONDS: Final = 86400.0
LONGEST_CHALLENGE: Final = 1024


class EventHook:
    """One event hook. It may have several secrets, while a new one replaces an old one."""

    def __init__(self, secrets: Sequence[str], hosts: frozenset[str], watch: HookWatch, parts: HookParts) -> None:
        """``secrets``: at least one. ``hosts``: the names of the org. ``watch`` is told of sign-in events and of lost deliveries."""
        self._secrets = tuple(hashlib.sha256(secret.encode()).digest() for secret in secrets)
        self._hosts = hosts
        self._watch = watch
        self._parts = parts
        self._bad = BadSecrets(parts.clock.monotonic)

    async def answer(self, request: Request, head: RequestHead) -> HookReply:
        """The answer to Okta."""
        if head.method == "GET":
            return self._verification(head)
        if head.method != "POST":
            return refusal(405, "method", (b"Allow", b"GET, POST"))
        if not self._is_okta(head):
            return self._bad.refusal(head.client, "hook_secret")
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._delivered(request)
        except TimeoutError:
            return await self._lost(refusal(503, "too_slow"))
        except OutsideFailed as error:
            return await self._lost(refusal(503, error.reason))

    def _is_okta(self, head: RequestHead) -> bool:
        digest = hashlib.sha256((head.value(b"authorization") or b"").strip()).digest()
        matches = [hmac.compare_digest(digest, known) for known in self._secrets]
        return any(matches)

    def _verification(self, head: RequestHead) -> HookReply:
        """Okta checks that this address answers. It need not send the secret; if it sends one, it must be right."""
        if head.values(b"authorization") and not self._is_okta(head):
            return self._bad.refusal(head.client, "hook_secret")
        challenge = head.value(b"x-okta-verification-challenge")
        if not challenge or len(challenge) > LONGEST_CHALLENGE or not challenge.isascii():
            return refusal(400, "no_challenge")
        return HookReply(json_answer(200, {"verification": challenge.decode("ascii")}), "hook_verified")

    async def _delivered(self, request: Request) -> HookReply:
        body = await whole_body(request, LARGEST_DELIVERY_BYTES)
        if isinstance(body, Malformed):
            return await self._lost(refusal(body.status, body.reason))
        delivery = read_delivery(body)
        if isinstance(delivery, Malformed):
            return await self._lost(refusal(delivery.status, delivery.reason))
        return await self._carried_out(delivery)

    async def _carried_out(self, delivery: EventDelivery) -> HookReply:
        """Publish what the delivery ends and asks, and record it as seen, in one step; then answer 204."""
        found = consequences(delivery, self._parts.clock.wall())
        is_ours = delivery.host in self._hosts
        begins = found.begins if is_ours else {}
        report = Report(
            DELIVERIES,
            hashlib.blake2b(delivery.id.encode(), digest_size=16).digest(),
            SEEN_SECONDS,
            tuple(_revocations(found)),
            tuple(map(started, begins)),
            STARTED_SECONDS,
        )
        if not await self._parts.revocations.report(report):
            return done("hook_repeated")
        self._tell(found)
        if found.begins and not is_ours:
            self._parts.tell("hook_of_another_org", {"org": delivery.host})
        if delivery.unreadable:
            await self._watch.lost("unreadable_event")
        else:
            await self._watch.heard(begins)
        return done("hook_event")

    def _tell(self, found: Consequences) -> None:
        for name, users in (("hook_ended_sessions", tuple(found.ends)), ("hook_asks_again", tuple(found.asks))):
            for start in range(0, len(users), LONGEST_LIST):
                self._parts.tell(name, {"users": users[start : start + LONGEST_LIST]})

    async def _lost(self, reply: HookReply) -> HookReply:
        """A delivery of Okta's own could not be processed. Okta repeats some of them once; after that the events are lost."""
        self._parts.tell("hook_delivery_lost", {"reason": reply.reason})
        await self._watch.lost(reply.reason)
        return reply


def _revocations(found: Consequences) -> list[Revocation]:
    ends = [Revocation(user_id=user_id, began_before=before) for user_id, before in found.ends.items()]
    return ends + [Revocation(user_id=user_id) for user_id in found.asks]
