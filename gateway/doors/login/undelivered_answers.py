"""Answers to redemptions whose client left before they came (for example, at the first click of a double click).

Owns their records, and the end of a session that nobody fetches: the same client may fetch its answer for ``UNDELIVERED_SECONDS``; after
that the session is closed. Must never give an answer to another client, nor twice.
"""

import asyncio
import json
from collections.abc import Callable, Iterable

from gateway.background import BackgroundTasks
from gateway.coordination.sealed_records import SealedRecords
from gateway.okta import BrowserFields
from gateway.policy.http.messages import Answer
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Cookies, Fingerprint
from gateway.policy.switch.redemption import cookies_set
from gateway.shared_state import SharedState

UNDELIVERED_SECONDS = 30.0
"""After this time a session whose answer was not fetched is closed. The stored answer lives longer than that."""

LARGEST_UNDELIVERED_BYTES = 64 * 1024
"""A larger answer is not kept for a client that left: its session is closed at once. Okta's answers are redirects of about 2 KiB."""


class UndeliveredAnswers:
    """The answers of the last half minute. Every call that waits raises ``StateFailed``. Close it with ``aclose``."""

    def __init__(self, state: SharedState, sealer: Sealer, close: Callable[[Cookies, BrowserFields], object]) -> None:
        """``close`` ends the session of an answer that nobody fetched."""
        self._records = SealedRecords(state, sealer, "undelivered-answer", 2 * UNDELIVERED_SECONDS)
        self._close = close
        self._tasks = BackgroundTasks()
        self._timers: set[asyncio.TimerHandle] = set()

    async def keep(self, tokens: tuple[Fingerprint, ...], client: bytes, answer: Answer, browser: BrowserFields) -> None:
        """Keep this answer for the same token from the same client (``client``: its signature)."""
        fields = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.fields]
        payload = json.dumps([answer.status, fields, answer.body.decode("latin-1")]).encode("ascii")
        if len(payload) > LARGEST_UNDELIVERED_BYTES:
            return self._end(answer, browser)
        for token in tokens:
            await self._records.put(token + client, payload)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(
            UNDELIVERED_SECONDS, lambda: self._tasks.start(self._end_unfetched(tokens, client, browser), "undelivered answer")
        )
        self._timers = {*(known for known in self._timers if known.when() > loop.time()), timer}

    def keep_soon(self, tokens: tuple[Fingerprint, ...], client: bytes, answer: Answer, browser: BrowserFields) -> None:
        """Like ``keep``, in the background."""
        self._tasks.start(self.keep(tokens, client, answer, browser), "undelivered answer")

    async def take(self, tokens: Iterable[Fingerprint], client: bytes) -> Answer | None:
        """The answer, once."""
        found = None
        for token in tokens:
            payload = await self._records.take(token + client)
            if payload is not None:
                status, fields, body = json.loads(payload)
                pairs = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields)
                found = Answer(status, pairs, body.encode("latin-1"))
        return found

    async def aclose(self) -> None:
        """Stop waiting for clients, and wait for what is being stored or closed."""
        for timer in self._timers:
            timer.cancel()
        await self._tasks.ended()

    async def _end_unfetched(self, tokens: tuple[Fingerprint, ...], client: bytes, browser: BrowserFields) -> None:
        answer = await self.take(tokens, client)
        if answer is not None:
            self._end(answer, browser)

    def _end(self, answer: Answer, browser: BrowserFields) -> None:
        """Close the session that this answer begins, if there is one."""
        begun = cookies_set(answer.fields)
        if begun:
            self._close(begun, browser)
