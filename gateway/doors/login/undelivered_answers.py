"""Answers to redemptions whose client left before they came (for example, at the first click of a double click).

Owns their records, and the end of a session that nobody fetches: the same client may fetch its answer for ``UNDELIVERED_SECONDS``; after
that the session is closed. If the process that waits ends before, another one waits in its place (``coordination.unfinished_work``). Must
never give an answer to another client, nor twice.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import NamedTuple

from gateway.background import BackgroundTasks
from gateway.coordination.sealed_records import SealedRecords
from gateway.coordination.unfinished_work import UnfinishedWork
from gateway.errors import StateFailed
from gateway.okta import BrowserFields
from gateway.policy.http.messages import Answer
from gateway.policy.session.seal import Sealer
from gateway.policy.session.session import Cookies, Fingerprint
from gateway.policy.switch.redemption import cookies_set
from gateway.shared_state import SharedState

UNDELIVERED_SECONDS = 30.0
"""After this time a session whose answer was not fetched is closed. A process that takes this over waits as long again."""

_KIND = "left-answer"
"""Not ``undelivered-answer``: releases before 0.2.3 wrote records of that name in another form."""
_KEPT_SECONDS = 4 * UNDELIVERED_SECONDS
"""The record outlives the waits of two processes, and the time until the second one knows that the first is gone."""

LARGEST_UNDELIVERED_BYTES = 64 * 1024
"""A larger answer is not kept for a client that left: its session is closed at once. Okta's answers are redirects of about 2 KiB."""


class _Undelivered(NamedTuple):
    """An answer, the browser that it is for, and the keys of all its records: one for each token that the request had."""

    answer: Answer
    browser: BrowserFields
    keys: tuple[bytes, ...]

    def packed(self) -> bytes:
        answer, browser = self.answer, self.browser
        fields = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.fields]
        sent = [one.decode("latin-1") for one in (browser.user_agent, browser.accept_language, browser.device)]
        keys = [key.hex() for key in self.keys]
        return json.dumps([answer.status, fields, answer.body.decode("latin-1"), [*sent, browser.client], keys]).encode("ascii")

    @classmethod
    def unpacked(cls, payload: bytes) -> "_Undelivered":
        status, fields, body, (*sent, client), keys = json.loads(payload)
        pairs = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields)
        user_agent, accept_language, device = (one.encode("latin-1") for one in sent)
        browser = BrowserFields(user_agent, accept_language, device, client)
        return cls(Answer(status, pairs, body.encode("latin-1")), browser, tuple(map(bytes.fromhex, keys)))


class UndeliveredAnswers:
    """The answers of the last half minute. Close it with ``aclose``."""

    def __init__(self, state: SharedState, sealer: Sealer, close: Callable[[Cookies, BrowserFields], object]) -> None:
        """``close`` ends the session of an answer that nobody fetched."""
        self._records = SealedRecords(state, sealer, _KIND, _KEPT_SECONDS)
        self._work = UnfinishedWork(state, _KIND, _KEPT_SECONDS)
        self._close = close
        self._tasks = BackgroundTasks()
        self._timers: set[asyncio.TimerHandle] = set()
        self._is_closing = False

    async def keep(self, tokens: tuple[Fingerprint, ...], client: bytes, answer: Answer, browser: BrowserFields) -> None:
        """Keep this answer for the same token from the same client (``client``: its signature). Where it cannot be kept, its session is
        closed at once.
        """
        keys = tuple(token + client for token in tokens)
        payload = _Undelivered(answer, browser, keys).packed()
        if len(payload) > LARGEST_UNDELIVERED_BYTES:
            return self._end(answer, browser)
        try:
            await self._work.begin(keys[0])
            for key in keys:
                await self._records.put(key, payload)
        except StateFailed:
            return self._end(answer, browser)
        self._end_later(keys[0])

    def keep_soon(self, tokens: tuple[Fingerprint, ...], client: bytes, answer: Answer, browser: BrowserFields) -> None:
        """Like ``keep``, in the background."""
        self._tasks.start(self.keep(tokens, client, answer, browser), "undelivered answer")

    async def take(self, tokens: Iterable[Fingerprint], client: bytes) -> Answer | None:
        """The answer, once. Raises ``StateFailed``."""
        found = await self._taken([token + client for token in tokens])
        return found.answer if found is not None else None

    async def resume(self) -> None:
        """From now on, wait for the clients of processes that are gone. Raises ``StateFailed``."""
        await self._work.look(self._take_over)
        self._work.start(self._take_over)

    async def aclose(self) -> None:
        """Stop waiting for clients, and wait for what is being stored or closed. Another process waits for the clients."""
        self._is_closing = True
        for timer in self._timers:
            timer.cancel()
        await self._work.aclose()
        await self._tasks.ended()

    async def _taken(self, keys: Iterable[bytes]) -> _Undelivered | None:
        found = None
        for key in keys:
            payload = await self._records.take(key)
            if payload is not None:
                found = _Undelivered.unpacked(payload)
        return found

    async def _take_over(self, key: bytes) -> bool:
        self._end_later(key)
        return True

    def _end_later(self, key: bytes) -> None:
        if self._is_closing:
            return
        loop = asyncio.get_running_loop()
        timer = loop.call_later(UNDELIVERED_SECONDS, lambda: self._tasks.start(self._end_unfetched(key), "undelivered answer"))
        self._timers = {*(known for known in self._timers if known.when() > loop.time()), timer}

    async def _end_unfetched(self, key: bytes) -> None:
        found = await self._taken((key,))
        if found is not None:
            await self._taken(found.keys)
            self._end(found.answer, found.browser)
        await self._work.end(key)

    def _end(self, answer: Answer, browser: BrowserFields) -> None:
        """Close the session that this answer begins, if there is one."""
        begun = cookies_set(answer.fields)
        if begun:
            self._close(begun, browser)
