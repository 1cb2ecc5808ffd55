"""Answers to redemptions whose client left before they came (for example, at the first click of a double click).

Owns their records, and the end of a session that nobody fetches: the same client may fetch its answer for ``UNDELIVERED_SECONDS``; after
that the session is closed. If the process that waits ends before, another one waits in its place (``coordination.unfinished_work``). Must
never give an answer to another client, nor twice.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from gateway.background import BackgroundTasks
from gateway.coordination.sealed_records import SealedRecords
from gateway.coordination.unfinished_work import UnfinishedWork
from gateway.errors import StateFailed
from gateway.okta import BrowserFields
from gateway.policy.http.messages import Answer, Fields
from gateway.policy.session.seal import Sealer
from gateway.policy.session.sealed_notes import BYTES, NUMBER, TEXT, Note, list_of
from gateway.policy.session.session import Cookies, Fingerprint
from gateway.policy.switch.redemption import cookies_set
from gateway.shared_state import SharedState

UNDELIVERED_SECONDS = 30.0
"""After this time a session whose answer was not fetched is closed. A process that takes this over waits as long again."""

_KIND = "left-answer"
"""Not ``undelivered-answer``: releases before 0.2.3 wrote records of that name in another form."""
_KEPT_SECONDS = 10 * UNDELIVERED_SECONDS
"""The record outlives the waits of two processes, the time until the second one knows that the first is gone, and minutes without the
state."""

LARGEST_UNDELIVERED_BYTES = 64 * 1024
"""An answer with a larger body is not kept for a client that left: its session is closed at once. Okta's answers are redirects of 2 KiB."""


@dataclass(frozen=True, slots=True)
class _Undelivered(Note):
    """The status, fields and body of an answer; then what Okta is told about its browser: three field values and the client's address."""

    _form: ClassVar[int] = 1
    _kinds: ClassVar = (NUMBER, list_of(list_of(BYTES)), BYTES, list_of(BYTES), TEXT)
    status: float
    fields: Fields
    body: bytes
    sent: tuple[bytes, bytes, bytes]
    client: str


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
        """Keep this answer for the same request from the same client. Where it cannot be kept, its session is closed at once.

        ``tokens``: those of the request; ``client``: the client's signature.
        """
        key, sent = b"".join(tokens[:1]) + client, (browser.user_agent, browser.accept_language, browser.device)
        payload = _Undelivered(answer.status, answer.fields, answer.body, sent, browser.client).packed()
        # A byte outside ASCII takes six bytes in a record, and a record that is too large could not be read again.
        if not tokens or len(answer.body) > LARGEST_UNDELIVERED_BYTES or _Undelivered.unpacked(payload) is None:
            return self._end(answer.fields, browser)
        try:
            await self._work.begin(key)
            await self._records.put(key, payload)
        except StateFailed:
            return self._end(answer.fields, browser)
        await self._end_later(key)

    def keep_soon(self, tokens: tuple[Fingerprint, ...], client: bytes, answer: Answer, browser: BrowserFields) -> None:
        """Like ``keep``, in the background."""
        self._tasks.start(self.keep(tokens, client, answer, browser), "undelivered answer")

    async def take(self, tokens: tuple[Fingerprint, ...], client: bytes) -> Answer | None:
        """The answer, once. Raises ``StateFailed``."""
        found = await self._taken(tokens[0] + client) if tokens else None
        return Answer(int(found.status), found.fields, found.body) if found is not None else None

    async def resume(self) -> None:
        """From now on, wait for the clients of processes that are gone. Raises ``StateFailed``."""
        await self._work.look(self._end_later)
        self._work.start(self._end_later)

    async def aclose(self) -> None:
        """Stop waiting for clients, and wait for what is being stored or closed. Another process waits for the clients."""
        self._is_closing = True
        for timer in self._timers:
            timer.cancel()
        await self._work.aclose()
        await self._tasks.ended()

    async def _taken(self, key: bytes) -> _Undelivered | None:
        payload = await self._records.take(key)
        return _Undelivered.unpacked(payload) if payload is not None else None

    async def _end_later(self, key: bytes) -> bool:
        if not self._is_closing:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(UNDELIVERED_SECONDS, lambda: self._tasks.start(self._end_unfetched(key), "undelivered answer"))
            self._timers = {*(known for known in self._timers if known.when() > loop.time()), timer}
        return True

    async def _end_unfetched(self, key: bytes) -> None:
        """End the session of this answer, unless the answer was fetched. Only the state knows that: while it is away, try again later."""
        try:
            found = await self._taken(key)
            if found is not None:
                self._end(found.fields, BrowserFields(*found.sent, found.client))
            await self._work.end(key)
        except StateFailed:
            await self._end_later(key)

    def _end(self, fields: Fields, browser: BrowserFields) -> None:
        """Close the session that an answer with these fields begins, if there is one."""
        if begun := cookies_set(fields):
            self._close(begun, browser)
