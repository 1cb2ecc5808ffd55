"""Closing old sessions at Okta: drives ``core.switch`` through Sessions and Okta, and goes on trying when Okta is away.

Owns every DELETE that the gateway sends by itself. Must never report a session closed that Okta did not prove gone, and
never stop half way because a client left: each closing is a task of its own. What could not be proven is tried again in
the background until it is, or until the bound on tries; the browser carries the same cookies in its pending cookie, so
that the next switch closes them first even after a restart. Rules from: DESIGN sections 4 and 6, ATTACKS L9.

Cookies that were never seen as a session here may be made up. Questions about them are guesses, counted and bounded by
``sessions.guesses``, and one client has one closing of nothing but such cookies at a time. Where no guess is left, a redemption is refused,
and a sign-out ends without a proof and without another try.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import assert_never

from gateway.core.cookies import repeated
from gateway.core.session import Finding, NoSession, Session, SessionCookie, Unknown
from gateway.core.switch import (
    Ask,
    Asked,
    Close,
    Closed,
    Command,
    Confirm,
    Event,
    Final,
    Goal,
    Proven,
    Redeem,
    Refuse,
    Revoke,
    Revoked,
    Verified,
    Verify,
    begin,
    is_proof_of_end,
    step,
)
from gateway.okta import Browser, Okta
from gateway.policy.session.cookies import split
from gateway.sessions import ClientTurns, Sessions
from gateway.underway import Underway

RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0) + 120 * (30.0,)
"""Waits between tries to close an unproven session: about an hour in all; the browser's pending cookie remembers longer."""

LARGEST_BACKLOG = 1000
BACKLOG_OF_ONE = 50
"""Of one client address: nobody can fill the backlog alone. The browsers behind it carry theirs in their pending cookies."""
RETRIES_AT_ONCE = 4
QUIET_SECONDS = 6.0
"""How long a closing waits for forwarded requests that carry the same cookies, because their answers may renew the session.

A user waits for the closing, so this is about as long as one session check may take. A request that Okta answers later than that
(forwarding waits up to ``okta.forward_first_byte_timeout``) leaves the end unproven: the closing is refused, and tried again in the
background.
"""

LIMITED = frozenset({"client_limited", "guesses_limited"})
"""Why Okta was not asked about cookies that may be made up. Such a closing is not tried again: that would be more guesses."""

NAMING_SECONDS = 2.0
"""How long a closing waits to learn the id of the session that it ends; the cookies are refused before."""

Tell = Callable[[str, Mapping[str, object]], None]


class Closer:
    """Runs switches. One per process; close it with ``aclose`` when nothing is served any more."""

    def __init__(
        self,
        sessions: Sessions,
        okta: Okta,
        tell: Tell,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
    ) -> None:
        """``tell`` gets (event name, figures) for the log: never a cookie, never a token.

        ``retry_seconds``: the waits between tries; ``quiet_seconds``: how long requests under way are waited for before a closing.
        """
        self.underway = Underway()
        self._quiet_seconds = quiet_seconds
        self._sessions = sessions
        self._okta = okta
        self._tell = tell
        self._retry_seconds = tuple(retry_seconds)
        self._retrying = asyncio.Semaphore(RETRIES_AT_ONCE)
        self._running: set[asyncio.Task[Final]] = set()
        self._backlog: dict[frozenset[SessionCookie], asyncio.Task[None]] = {}
        self._waiting_of: Counter[str] = Counter()
        self._turns = ClientTurns()

    @property
    def backlog(self) -> int:
        """How many closings are still unproven and being retried."""
        return len(self._backlog)

    @property
    def doubted(self) -> int:
        """How many clients have a closing under way of nothing but cookies that may be made up."""
        return len(self._turns)

    async def switch(
        self, cookies: tuple[SessionCookie, ...], browser: Browser, trusted: bool, asks_alone: bool = False
    ) -> Confirm | Redeem | Refuse:
        """What the door must do with a redemption that presents or carries these cookies (``core.switch.begin``)."""
        final = await self._run(Goal.REDEEM, cookies, browser, trusted, asks_alone)
        if isinstance(final, Proven):
            raise AssertionError("a switch cannot end as a sign-out")
        return final

    async def close(self, cookies: tuple[SessionCookie, ...], browser: Browser) -> Proven | Refuse:
        """End the sessions of these cookies; ``Refuse`` names why their end is not proven yet (it is being retried)."""
        final = await self._run(Goal.SIGN_OUT, cookies, browser, trusted=True)
        if isinstance(final, Confirm | Redeem):
            raise AssertionError("a sign-out cannot end as a switch")
        return final

    async def revoke(self, cookies: tuple[SessionCookie, ...], browser: Browser) -> None:
        """Refuse these cookies everywhere, and the session that they carry. Raises ``OutsideFailed`` where others could not be told."""
        await self._carry_out(Revoke(cookies, None), browser)

    def close_soon(self, cookies: tuple[SessionCookie, ...], browser: Browser) -> asyncio.Task[Final]:
        """The same in the background: for a sign-out that Okta itself was asked for by the browser."""
        return self._begin(Goal.SIGN_OUT, cookies, browser, trusted=True)

    async def has_ended(self, cookies: tuple[SessionCookie, ...], browser: Browser) -> bool:
        """Whether Okta says of any of these cookies, asked by itself, that its session is gone."""
        for cookie in split(cookies)[0]:
            if is_proof_of_end(await self._alone(cookie, browser)):
                return True
        return False

    async def aclose(self) -> None:
        """Stop every closing under way."""
        tasks = [*self._running, *self._backlog.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(
        self, goal: Goal, cookies: tuple[SessionCookie, ...], browser: Browser, trusted: bool, asks_alone: bool = False
    ) -> Final:
        return await asyncio.shield(self._begin(goal, cookies, browser, trusted, asks_alone))

    def _begin(
        self, goal: Goal, cookies: tuple[SessionCookie, ...], browser: Browser, trusted: bool, asks_alone: bool = False
    ) -> asyncio.Task[Final]:
        possible, _ = split(cookies)
        task = asyncio.create_task(self._drive(goal, possible, browser, trusted, asks_alone), name="closing")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _drive(self, goal: Goal, cookies: tuple[SessionCookie, ...], browser: Browser, trusted: bool, asks_alone: bool) -> Final:
        final = await self._in_turn(goal, cookies, browser, trusted, asks_alone)
        if isinstance(final, Refuse):
            if final.revoked and final.reason not in LIMITED:
                self._retry_later(cookies, browser, final.reason)
        elif not isinstance(final, Confirm):
            self._forget(cookies)
        return final

    async def _in_turn(self, goal: Goal, cookies: tuple[SessionCookie, ...], browser: Browser, trusted: bool, asks_alone: bool) -> Final:
        """One at a time of a client where all cookies may be made up; those that the gateway knows never wait for such a turn."""
        if not cookies or any(self._sessions.is_known(cookie) for cookie in cookies):
            return await self._steps(goal, cookies, browser, trusted, asks_alone)
        revoked = goal is Goal.SIGN_OUT
        if revoked and not all(self._sessions.is_revoked((cookie,)) for cookie in cookies):
            await self._sessions.revoke(cookies)
        async with self._turns.turn(browser.client) as has_turn:
            limited = self._sessions.may_guess(browser)
            if limited is not None:
                return Refuse(limited.reason, revoked, limited.retry_at)
            if not has_turn:
                return Refuse("client_limited", revoked)
            return await self._steps(goal, cookies, browser, trusted, asks_alone)

    async def _steps(
        self, goal: Goal, cookies: tuple[SessionCookie, ...], browser: Browser, trusted: bool, asks_alone: bool = False
    ) -> Final:
        doubtful = frozenset(cookie for cookie in cookies if not self._sessions.is_known(cookie))
        switch, command = begin(goal, cookies, trusted, doubtful, asks_alone)
        while not isinstance(command, Confirm | Redeem | Proven | Refuse):
            switch, command = step(switch, await self._carry_out(command, browser))
        return command

    async def _carry_out(self, command: Command, browser: Browser) -> Event:
        match command:
            case Ask(cookies):
                return await self._asked(cookies, browser)
            case Revoke(cookies, session):
                await self._revoke(cookies, session, browser)
                return Revoked()
            case Close(cookies):
                if not await self.underway.cleared(self._sessions.fingerprints(cookies), self._quiet_seconds):
                    return Closed(False, "request_under_way")
                answer = await self._okta.close(cookies, browser)
                gone = answer.status == 404 and answer.code == "E0000007"
                return Closed(answer.status == 204 or gone, f"close_{answer.status or 'unanswered'}")
            case Verify(cookie):
                finding = await self._alone(cookie, browser)
                if isinstance(finding, Session):
                    # It lives, and other cookies of it may be out there that this process never saw: all of them are refused.
                    await self._sessions.revoke((), session_id=finding.id)
                return Verified(finding)
            case Confirm() | Redeem() | Proven() | Refuse():
                raise AssertionError("final commands are the door's")
            case _:
                assert_never(command)

    async def _revoke(self, cookies: tuple[SessionCookie, ...], session: Session | None, browser: Browser) -> None:
        """Refuse the cookies at once, and then the session that they carry, whose id must be asked for where it is not remembered.

        A worker that has just replaced another knows no kin of a cookie that Okta renewed; the session's id is the same for all of them.
        """
        is_named = session is not None or isinstance(self._sessions.recall(cookies), Session)
        await self._sessions.revoke(cookies, session_id=session.id if session is not None else None)
        if is_named:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(NAMING_SECONDS):
                for cookie in cookies:
                    found = await self._alone(cookie, browser) if self._sessions.is_known(cookie) else None
                    if isinstance(found, Session):
                        await self._sessions.revoke((), session_id=found.id)

    async def who(self, cookies: tuple[SessionCookie, ...], browser: Browser) -> Finding:
        """Who is signed in with any of these cookies; neither a repeated name nor a revoked cookie beside it hides anybody."""
        return (await self._asked(split(cookies)[0], browser)).finding

    async def _asked(self, cookies: tuple[SessionCookie, ...], browser: Browser) -> Asked:
        living = tuple(dict.fromkeys(cookie for cookie in cookies if not self._sessions.is_revoked((cookie,))))
        together = () if repeated(living) else (living,)  # as browsers send them, and as the memory of sessions knows them
        findings: list[Finding] = []
        gone: list[SessionCookie] = []
        for chosen in dict.fromkeys((*together, *((cookie,) for cookie in living))):
            findings.append(await self._sessions.current(chosen, browser))
            if isinstance(findings[-1], Session):
                break
            if len(chosen) == 1 and is_proof_of_end(findings[-1]):
                gone.append(chosen[0])
        for kind in (Session, Unknown, NoSession):
            for finding in findings:
                if isinstance(finding, kind):
                    return Asked(finding, frozenset(gone))
        return Asked(NoSession("no_cookie"))

    async def _alone(self, cookie: SessionCookie, browser: Browser) -> Finding:
        """What Okta says now of one cookie. A known one is asked about at once; about one that may be made up as much as guesses allow."""
        if not self._sessions.is_known(cookie):
            return await self._sessions.alone(cookie, browser)
        finding = (await self._okta.session((cookie,), browser)).finding
        if is_proof_of_end(finding):
            self._sessions.note_gone(cookie)
        return finding

    def _retry_later(self, cookies: tuple[SessionCookie, ...], browser: Browser, reason: str) -> None:
        self._tell("close_unproven", {"reason": reason, "backlog": len(self._backlog)})
        key, client = frozenset(cookies), browser.client
        if key in self._backlog or len(self._backlog) >= LARGEST_BACKLOG or self._waiting_of[client] >= BACKLOG_OF_ONE:
            return
        task = asyncio.create_task(self._retry(cookies, browser), name="closing again")
        self._backlog[key] = task
        self._waiting_of[client] += 1
        task.add_done_callback(lambda done: self._left(key, client))

    def _left(self, key: frozenset[SessionCookie], client: str) -> None:
        self._backlog.pop(key, None)
        self._waiting_of[client] -= 1
        if not self._waiting_of[client]:
            del self._waiting_of[client]

    async def _retry(self, cookies: tuple[SessionCookie, ...], browser: Browser) -> None:
        for wait_seconds in self._retry_seconds:
            await asyncio.sleep(wait_seconds)
            await self.underway.cleared(self._sessions.fingerprints(cookies), self._quiet_seconds)
            async with self._retrying:
                final = await self._steps(Goal.SIGN_OUT, cookies, browser, trusted=True)
            if isinstance(final, Proven):
                self._tell("close_proven_late", {"backlog": len(self._backlog) - 1})
                return
        self._tell("close_given_up", {"backlog": len(self._backlog) - 1})

    def _forget(self, cookies: tuple[SessionCookie, ...]) -> None:
        """A switch of the same browser proved the end first: nothing is left to retry."""
        for waiting, task in tuple(self._backlog.items()):
            if waiting <= set(cookies):
                task.cancel()
