"""The admin address of a gateway of several workers: asks each of them, and answers for all.

Owns what readiness says about a worker, and when workers are asked: only when somebody asks here. Must never wait for a worker longer than
its deadline, or call the gateway ready while one worker is not. Rules from: DESIGN section 7, ATTACKS D8, D12.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence

from aiohttp import web

from gateway.doors.health import Health
from gateway.metrics import Metrics
from gateway.supervisor.hand import Hand
from gateway.supervisor.post import Post
from gateway.supervisor.totals import Totals


class AdminAddress:
    """Answers the admin listener. Give it the ``posts`` before it listens."""

    def __init__(self, name: str | None, own: Metrics) -> None:
        """``name``: the configured host of this listener; ``own``: what the supervisor counts itself."""
        self.posts: Sequence[Post] = ()
        self.is_stopping = False
        self._own = own
        self._totals = Totals()
        self._unready: Mapping[str, str] = {}
        self._health = Health(self._totals, lambda: self._unready, name)
        own.watch_level("workers_listening", "Workers that serve now.", lambda: sum(post.state == "listening" for post in self.posts))

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer of ``Health``, after the workers were asked what it needs."""
        match request.raw_path.partition("?")[0]:
            case "/metrics":
                self._totals.told(self, self._own.exposition().decode())
                await asyncio.gather(*(self._count(post.hand) for post in self.posts if post.hand is not None))
            case "/readyz":
                reasons = await asyncio.gather(*map(_unready, self.posts))
                stopping = {"process": "stopping"} if self.is_stopping else {}
                self._unready = stopping | {part: reason for parts in reasons for part, reason in parts.items()}
        return await self._health.handle(request)

    def left(self, hand: Hand) -> None:
        """This worker is dead; what it counted stays counted, as far as it told."""
        if hand.last_words:
            self._totals.told(hand, hand.last_words)
        self._totals.died(hand)

    async def _count(self, hand: Hand) -> None:
        told = await hand.ask("metrics")
        if told and any(post.hand is hand for post in self.posts):
            self._totals.told(hand, told)


async def _unready(post: Post) -> Mapping[str, str]:
    name = f"worker {post.number}"
    if post.state != "listening" or post.hand is None:
        return {name: post.state}
    told = await post.hand.ask("readiness")
    if told is None:
        return {name: "no answer"}
    return {f"{name}: {part}": str(reason) for part, reason in json.loads(told or "{}").items()}
