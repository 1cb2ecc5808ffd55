"""Closings that are not proven yet: each is tried again until it is, here or in the process after this one.

Owns the waits between tries, the bounds on how many wait, and the records by which a closing outlives its process (``kept_closings``).
How a closing is tried is the closer's. Where the state is away a closing goes on without a record.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace

from gateway.errors import OutsideFailed, StateFailed, TurnTaken
from gateway.kept_closings import KeptClosings, closing_key
from gateway.leases import HeldLease
from gateway.okta import Browser
from gateway.policy.session.closing_record import ClosingRecord
from gateway.policy.session.session import SessionCookie
from gateway.policy.switch.switch import Goal
from gateway.sessions import Sessions

RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0) + 120 * (30.0,)
"""Waits between tries to close an unproven session: about an hour in all; the browser's pending cookie and the record last longer."""

LARGEST_BACKLOG = 1000
BACKLOG_OF_ONE = 50
"""Of one client address: nobody can fill the backlog alone. The browsers behind it carry theirs in their pending cookies."""
RETRIES_AT_ONCE = 4

Cookies = tuple[SessionCookie, ...]
Tell = Callable[[str, Mapping[str, object]], None]


@dataclass(slots=True)
class Closing:
    """One closing. ``session_id``: Okta's id of the session, where it is known beforehand; ``spared_for``: as in ``Revocation``.

    ``turn``: the lease under which it is carried out, where other processes might do it too.
    ``untold``: why other processes do not know of the revocation; only a sign-out goes on then. ``is_kept``: whether a record in the
    shared state stands for it.
    """

    goal: Goal
    cookies: Cookies
    browser: Browser
    trusted: bool = True
    asks_alone: bool = False
    session_id: str | None = None
    spared_for: str = ""
    untold: OutsideFailed | None = None
    is_kept: bool = False
    turn: HeldLease | None = None


Try = Callable[[Closing], Awaitable[bool]]
"""Tries a closing once more; whether its end is proven now."""


class Backlog:
    """What one process still has to close. Stop it with ``aclose``; the records stay for the next process."""

    def __init__(
        self, sessions: Sessions, tell: Tell, try_once: Try, kept: KeptClosings | None, retry_seconds: Sequence[float] = RETRY_SECONDS
    ) -> None:
        """``tell`` gets (event name, figures); ``kept``: where closings are written down; None: they end with this process."""
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
        """Try this closing again later; ``reason``: why its end is not proven."""
        self._tell("close_unproven", {"reason": reason, "backlog": len(self)})
        again = replace(closing, goal=Goal.SIGN_OUT, trusted=True, spared_for="", turn=None)
        if self._has_room(again):
            await self.keep(again)
            self._begin(again, self._retry_seconds)

    async def forget(self, closing: Closing) -> None:
        """The end is proven: nothing is left to retry of it, nor of an older closing of some of its cookies."""
        for waiting, task in tuple(self._tasks.items()):
            if waiting <= set(closing.cookies):
                task.cancel()
                await self._drop(replace(closing, cookies=tuple(waiting), is_kept=True))
        await self._drop(closing)

    async def keep(self, closing: Closing) -> None:
        """Write the closing down, so that another process can go on with it."""
        if self._kept is None or closing.is_kept:
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
        """Go on with what other processes left unproven, now and whenever one of them is gone. Raises ``StateFailed``."""
        if self._kept is not None:
            await self._kept.take_over(self._take)

    async def _take(self, key: bytes) -> bool:
        record = await self._kept.record(key) if self._kept is not None else None
        if record is None:
            if self._kept is not None:
                await self._kept.drop(key)
            return True
        if frozenset(record.cookies) in self._tasks:
            return True
        for cookie, user_id in zip(record.cookies, record.users, strict=False):
            if user_id:
                self._sessions.vouch((cookie,), user_id)
        self._sessions.issued(record.cookies)  # they were looked at before they were written down: nobody guesses
        browser = Browser(record.user_agent, record.accept_language, record.device, record.client)
        closing = Closing(Goal.SIGN_OUT, record.cookies, browser, session_id=record.session_id or None, is_kept=True)
        return self._begin(closing, (0.0, *self._retry_seconds))

    async def aclose(self) -> None:
        """Stop trying."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._kept is not None:
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
        """One more try, unless another process is at it."""
        if self._kept is None or not closing.is_kept:
            async with self._retrying:
                return await self._try_once(closing)
        async with self._retrying, AsyncExitStack() as held:
            closing.turn = None
            try:
                closing.turn = await held.enter_async_context(self._kept.trying(self._key(closing)))
            except TurnTaken:
                return False
            except StateFailed:
                pass  # nobody can be told, and the session is to end all the same
            return await self._try_once(closing)

    async def _is_not_mine(self, closing: Closing) -> bool:
        """Whether another process has proven the end, and so deleted the record, or goes on with it: this one did not move for a while."""
        if self._kept is None or not closing.is_kept:
            return False
        with suppress(OutsideFailed):
            return not await self._kept.is_mine(self._key(closing))
        return False

    async def _drop(self, closing: Closing) -> None:
        if self._kept is not None and closing.is_kept:
            with suppress(OutsideFailed):
                await self._kept.drop(self._key(closing))

    def _key(self, closing: Closing) -> bytes:
        return closing_key(self._sessions.fingerprints(closing.cookies))
