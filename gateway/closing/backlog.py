"""The list of closings that are not proven yet. Each one is tried again until Okta proves that the session is gone.

A *closing* ends one browser's old session at Okta. This module owns the waits between tries, the bounds on how many closings wait, and
when a closing is recorded in the shared state (``kept_closings``), so that another process can continue it. It does not know how to close
a session: ``session_closer`` does one try. If the shared state is away, a closing continues without a record.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

from gateway.closing.closing_steps import Closing
from gateway.closing.kept_closings import KeptClosings, closing_key
from gateway.errors import LeaseTaken, OutsideFailed, StateFailed
from gateway.observe import Tell
from gateway.okta import BrowserFields
from gateway.policy.session.closing_record import ClosingRecord
from gateway.policy.session.session import SessionCookie
from gateway.policy.switch.switch import Goal
from gateway.sessions import Sessions

RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0) + 120 * (30.0,)
"""Seconds between the tries of one closing, about an hour in all. The browser's pending cookie and the record last longer."""

LARGEST_BACKLOG = 1000
BACKLOG_OF_ONE = 50
"""The most closings of one client address, so that one client cannot fill the backlog. Its browsers also keep pending cookies."""
RETRIES_AT_ONCE = 4

Try = Callable[[Closing], Awaitable[bool]]
"""Tries a closing once more. Returns True if the end is proven now."""


class Backlog:
    """The closings that this process still has to prove. Stop it with ``aclose``; the records stay for the next process."""

    def __init__(self, sessions: Sessions, tell: Tell, try_once: Try, kept: KeptClosings, retry_seconds: Sequence[float]) -> None:
        """``tell`` gets (event name, figures) for the log."""
        self._sessions = sessions
        self._tell = tell
        self._try_once = try_once
        self._kept = kept
        self._retry_seconds = tuple(retry_seconds)
        self._retrying = asyncio.Semaphore(RETRIES_AT_ONCE)
        self._tasks: dict[frozenset[SessionCookie], asyncio.Task[None]] = {}
        self._waiting_of: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._tasks)

    async def add(self, closing: Closing, reason: str) -> None:
        """Try this closing again later, if the bounds allow it. ``reason``: why the end is not proven, for the log."""
        self._tell("close_unproven", {"reason": reason, "backlog": len(self)})
        # A later try only ends the session. The token of a refused switch is never sent.
        again = replace(closing, goal=Goal.SIGN_OUT, trusted=True, spared_for="", lease=None)
        if self._has_room(again):
            await self.keep(again)
            self._begin(again, self._retry_seconds)

    async def forget(self, closing: Closing) -> None:
        """Drop a closing whose end is proven, and every older closing that holds only cookies of this one."""
        for waiting, task in tuple(self._tasks.items()):
            if waiting <= set(closing.cookies):
                task.cancel()
                await self._drop(replace(closing, cookies=tuple(waiting), is_kept=True))
        await self._drop(closing)

    async def keep(self, closing: Closing) -> None:
        """Record the closing in the shared state, so that another process can continue it."""
        if closing.is_kept:
            return
        browser, cookies = closing.browser, closing.cookies
        record = ClosingRecord(
            cookies=cookies,
            users=tuple(self._sessions.user_of(cookie) or "" for cookie in cookies),
            session_id=closing.session_id or "",
            user_agent=browser.user_agent,
            accept_language=browser.accept_language,
            device=browser.device,
            client=browser.client,
        )
        with suppress(OutsideFailed):
            await self._kept.keep(self._key(closing), record)
            closing.is_kept = True

    async def resume(self) -> None:
        """Take over the closings of processes that are gone, now and from now on. Raises ``StateFailed``."""
        await self._kept.take_over(self._take)

    async def _take(self, key: bytes) -> bool:
        record = await self._kept.record(key)
        if record is None:
            await self._kept.drop(key)
            return True
        if frozenset(record.cookies) in self._tasks:
            return True
        for cookie, user_id in zip(record.cookies, record.users, strict=False):
            if user_id:
                self._sessions.vouch((cookie,), user_id)
        self._sessions.issued(record.cookies)  # the first process checked them before it stored them, so no question about them is a guess
        browser = BrowserFields(record.user_agent, record.accept_language, record.device, record.client)
        closing = Closing(Goal.SIGN_OUT, record.cookies, browser, session_id=record.session_id or None, is_kept=True)
        return self._begin(closing, (0.0, *self._retry_seconds))

    async def aclose(self) -> None:
        """Stop all tries."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._kept.aclose()

    def _has_room(self, closing: Closing) -> bool:
        is_waiting = frozenset(closing.cookies) in self._tasks
        return not is_waiting and len(self) < LARGEST_BACKLOG and self._waiting_of[closing.browser.client] < BACKLOG_OF_ONE

    def _begin(self, closing: Closing, waits: Sequence[float]) -> bool:
        if not self._has_room(closing):
            return False
        key, client = frozenset(closing.cookies), closing.browser.client
        task = asyncio.create_task(self._retry(closing, waits), name="closing again")
        self._tasks[key] = task
        self._waiting_of[client] += 1
        task.add_done_callback(lambda done: self._left(key, client))
        return True

    def _left(self, key: frozenset[SessionCookie], client: str) -> None:
        self._tasks.pop(key, None)
        self._waiting_of[client] -= 1
        if not self._waiting_of[client]:
            del self._waiting_of[client]

    async def _retry(self, closing: Closing, waits: Sequence[float]) -> None:
        for wait_seconds in waits:
            await asyncio.sleep(wait_seconds)
            if await self._is_not_mine(closing):
                return
            if await self._tried(closing):
                await self._drop(closing)
                self._tell("close_proven_late", {"backlog": len(self) - 1})
                return
        self._tell("close_given_up", {"backlog": len(self) - 1})

    async def _tried(self, closing: Closing) -> bool:
        """Try once more. Returns False at once if another process is trying this closing now."""
        if not closing.is_kept:
            async with self._retrying:
                return await self._try_once(closing)
        async with self._retrying, AsyncExitStack() as held:
            closing.lease = None
            try:
                closing.lease = await held.enter_async_context(self._kept.trying(self._key(closing)))
            except LeaseTaken:
                return False
            except StateFailed:
                pass  # without the shared state there is no lease; the session must end all the same
            return await self._try_once(closing)

    async def _is_not_mine(self, closing: Closing) -> bool:
        """Whether this closing is done or belongs to another process now.

        Another process takes it over when this one gave no sign of life for some seconds. Whoever proves the end deletes the record.
        """
        if not closing.is_kept:
            return False
        with suppress(OutsideFailed):
            return not await self._kept.is_mine(self._key(closing))
        return False

    async def _drop(self, closing: Closing) -> None:
        if closing.is_kept:
            with suppress(OutsideFailed):
                await self._kept.drop(self._key(closing))

    def _key(self, closing: Closing) -> bytes:
        return closing_key(self._sessions.fingerprints(closing.cookies))
