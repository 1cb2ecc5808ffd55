"""Closing old sessions at Okta: drives ``policy.switch.switch`` through Sessions and Okta, and goes on trying when Okta is away.

Owns every DELETE that the gateway sends by itself. Must never report a session closed that Okta did not prove gone, and
never stop half way because a client left: each closing is a task of its own. What could not be proven is tried again in
the background until it is, or until the bound on tries; the browser carries the same cookies in its pending cookie, so
that the next switch closes them first even after a restart.

A sign-out writes its cookies down, sealed, before its first DELETE, and deletes the record when the end is proven. So the next process
goes on where this one was killed. A sign-out that other processes could not be told of is still carried out here and at Okta; it counts
as unproven, and is told again with the next try.

Cookies that were never seen as a session here may be made up. Questions about them are guesses, counted and bounded by
``sessions.guesses``, and one client has one closing of nothing but such cookies at a time. Where no guess is left, a redemption is refused,
and a sign-out ends without a proof and without another try.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, assert_never

from gateway.backlog import RETRY_SECONDS, Backlog, Closing
from gateway.errors import LeaseLost, OutsideFailed, StateFailed
from gateway.kept_closings import KeptClosings
from gateway.leases import HeldLease
from gateway.okta import Browser, OktaAnswer
from gateway.policy.http.cookies import repeated
from gateway.policy.session.cookies import split
from gateway.policy.session.session import Finding, NoSession, Session, SessionCookie, Unknown
from gateway.policy.switch.switch import (
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
from gateway.sessions import ClientTurns, Sessions, SessionsApi
from gateway.underway import Underway

QUIET_SECONDS = 6.0
"""How long a closing waits for forwarded requests that carry the same cookies, because their answers may renew the session.

A user waits for the closing, so this is about as long as one session check may take. A request that Okta answers later than that
(forwarding waits up to ``okta.forward_first_byte_timeout``) leaves the end unproven: the closing is refused, and tried again in the
background.
"""

LIMITED = frozenset({"client_limited", "guesses_limited"})
"""Why Okta was not asked about cookies that may be made up. Such a closing is not tried again: that would be more guesses."""

CALL_SECONDS = 15.0
"""The longest that one DELETE may take."""

NAMING_SECONDS = 2.0
"""How long a closing waits to learn the id of the session that it ends; the cookies are refused before."""

NOT_SHARED = "not_shared"

Cookies = tuple[SessionCookie, ...]


class ClosingApi(SessionsApi, Protocol):
    """What asks, and what closes: Okta's Sessions API, or the proofs of the gateway's own sessions."""

    async def close(self, cookies: Sequence[SessionCookie], browser: Browser) -> OktaAnswer:
        """End that session."""


Tell = Callable[[str, Mapping[str, object]], None]


class Closer:
    """Runs switches. One per process; close it with ``aclose`` when nothing is served any more."""

    def __init__(
        self,
        sessions: Sessions,
        okta: ClosingApi,
        tell: Tell,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
        kept: KeptClosings | None = None,
        call_seconds: float = CALL_SECONDS,
        underway: Underway | None = None,
    ) -> None:
        """``tell`` gets (event name, figures) for the log: never a cookie, never a token.

        ``retry_seconds``: the waits between tries; ``quiet_seconds``: how long requests under way are waited for before a closing.
        ``kept``: where closings are written down; without it they end with this process. ``call_seconds``: after so long Okta has
        answered a DELETE, or it counts as unanswered.
        """
        self.underway = underway or Underway()
        self._quiet_seconds = quiet_seconds
        self._call_seconds = call_seconds
        self._sessions = sessions
        self._okta = okta
        self._tell = tell
        self._backlog = Backlog(sessions, tell, self._tried, kept, retry_seconds)
        self._running: set[asyncio.Task[Final]] = set()
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
        self,
        cookies: Cookies,
        browser: Browser,
        trusted: bool,
        asks_alone: bool = False,
        spared_for: str = "",
        turn: HeldLease | None = None,
    ) -> Confirm | Redeem | Refuse:
        """What the door must do with a redemption that presents or carries these cookies (``policy.switch.switch.begin``).

        ``spared_for``: the browser whose open connections are not cut yet; the caller says by ``Sessions.moved`` what becomes of them.
        ``turn``: the lease under which the caller acts; nothing is closed once it is another process's.
        """
        closing = Closing(Goal.REDEEM, cookies, browser, trusted, asks_alone, spared_for=spared_for, turn=turn)
        final = await asyncio.shield(self._begin(closing))
        if isinstance(final, Proven):
            raise AssertionError("a switch cannot end as a sign-out")
        return final

    async def close(self, cookies: Cookies, browser: Browser) -> Proven | Refuse:
        """End the sessions of these cookies; ``Refuse`` names why their end is not proven yet (it is being retried).

        Raises ``OutsideFailed`` where others could not be told; then it was closed at Okta all the same, as far as Okta answered.
        """
        closing = Closing(Goal.SIGN_OUT, cookies, browser)
        final = await asyncio.shield(self._begin(closing))
        if closing.untold is not None:
            raise closing.untold
        return _of_sign_out(final)

    async def end(self, cookies: Cookies, browser: Browser, session_id: str | None = None) -> str:
        """Sign out: refused everywhere first, then closed at Okta, whether the caller stays or leaves.

        ``session_id``: Okta's id of the session, where a pass names it. Returns why the end is not proven yet, or nothing; it is
        ``NOT_SHARED`` where all that is missing is that others could be told, and begins with it where more is.
        """
        closing = Closing(Goal.SIGN_OUT, cookies, browser, session_id=session_id)
        told = self._about(cookies, browser, "gateway")
        final = _of_sign_out(await asyncio.shield(self._begin(closing)))
        unproven = final.reason if isinstance(final, Refuse) else ""
        self._tell("signed_out", told | ({"reason": unproven} if unproven else {}))
        return unproven if closing.untold is None else f"{NOT_SHARED}_{unproven}" if unproven else NOT_SHARED

    def signed_out(self, cookies: Cookies, browser: Browser) -> None:
        """For the audit: the browser signed out at Okta."""
        self._tell("signed_out", self._about(cookies, browser, "okta"))

    def _about(self, cookies: Cookies, browser: Browser, by: str) -> dict[str, object]:
        user = next(filter(None, map(self._sessions.user_of, cookies)), "")
        figures = {"user": user, "fingerprint": self._sessions.shown_of(cookies), "by": by, "client": browser.client}
        return {name: value for name, value in figures.items() if value}

    async def revoke(self, cookies: Cookies, browser: Browser) -> None:
        """Refuse these cookies everywhere, and the session that they carry. Raises ``OutsideFailed`` where others could not be told.

        Call it before Okta itself is asked to end the session: afterwards Okta names its id no more.
        """
        await self._revoke(Closing(Goal.REDEEM, split(cookies)[0], browser), None, may_guess=True)

    def close_soon(self, cookies: Cookies, browser: Browser) -> asyncio.Task[Final]:
        """The same as ``close`` in the background: for a sign-out that Okta itself was asked for by the browser."""
        return self._begin(Closing(Goal.SIGN_OUT, cookies, browser))

    async def has_ended(self, cookies: Cookies, browser: Browser) -> bool:
        """Whether Okta says of any of these cookies, asked by itself, that its session is gone."""
        for cookie in split(cookies)[0]:
            if is_proof_of_end((await self._alone(cookie, browser))[0]):
                return True
        return False

    async def resume(self) -> None:
        """Go on with what the process before this one, or another one that was killed, left unproven. Raises ``StateFailed``."""
        await self._backlog.resume()

    async def aclose(self) -> None:
        """Stop every closing under way. Their records stay for the next process."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, self._backlog.aclose(), self.underway.aclose(), return_exceptions=True)

    def _begin(self, closing: Closing) -> asyncio.Task[Final]:
        closing.cookies, _ = split(closing.cookies)
        task = asyncio.create_task(self._drive(closing), name="closing")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _drive(self, closing: Closing) -> Final:
        final = await self._in_turn(closing)
        if isinstance(final, Refuse):
            if final.revoked and final.reason not in LIMITED:
                await self._backlog.add(closing, final.reason)
        elif closing.untold is not None:
            await self._backlog.add(closing, "not_shared")
        elif not isinstance(final, Confirm):
            await self._backlog.forget(closing)
        return final

    async def _in_turn(self, closing: Closing) -> Final:
        """One at a time of a client where all cookies may be made up; those that the gateway knows never wait for such a turn."""
        cookies, browser = closing.cookies, closing.browser
        if not cookies or any(self._sessions.is_known(cookie) for cookie in cookies):
            return await self._steps(closing)
        revoked = closing.goal is Goal.SIGN_OUT
        if revoked and not all(self._sessions.is_revoked((cookie,)) for cookie in cookies):
            await self._refuse(closing, cookies, closing.session_id)
        async with self._turns.turn(browser.client) as has_turn:
            limited = self._sessions.may_guess(browser)
            if limited is not None:
                return Refuse(limited.reason, revoked, limited.retry_at)
            if not has_turn:
                return Refuse("client_limited", revoked)
            return await self._steps(closing)

    async def _tried(self, closing: Closing) -> bool:
        """One more try of a closing; whether the end is proven now, and everybody knows of it."""
        await self.underway.cleared(self._sessions.fingerprints(closing.cookies), self._quiet_seconds)
        closing.untold = None
        return isinstance(await self._steps(closing), Proven) and closing.untold is None

    async def _steps(self, closing: Closing) -> Final:
        """Revoke, close, verify; and once more where requests of other processes with these cookies were still at Okta."""
        final = await self._once(closing)
        names = self._sessions.fingerprints(closing.cookies)
        if not isinstance(final, Redeem | Proven) or not await self.underway.are_elsewhere(names):
            return final
        if not await self.underway.cleared_elsewhere(names, self._quiet_seconds):
            return Refuse("request_under_way", revoked=True)
        return await self._once(closing)

    async def _once(self, closing: Closing) -> Final:
        doubtful = frozenset(cookie for cookie in closing.cookies if not self._sessions.is_known(cookie))
        switch, command = begin(closing.goal, closing.cookies, closing.trusted, doubtful, closing.asks_alone)
        while not isinstance(command, Confirm | Redeem | Proven | Refuse):
            if isinstance(command, Close) and closing.goal is Goal.SIGN_OUT:
                await self._backlog.keep(closing)
            switch, command = step(switch, await self._carry_out(command, closing))
        return command

    async def _carry_out(self, command: Command, closing: Closing) -> Event:
        match command:
            case Ask(cookies):
                return await self._asked(cookies, closing.browser)
            case Revoke(_, session):
                await self._revoke(closing, session)
                return Revoked()
            case Close(cookies):
                if not await self.underway.cleared(self._sessions.fingerprints(cookies), self._quiet_seconds):
                    return Closed(False, "request_under_way")
                if closing.turn is not None:
                    try:
                        await closing.turn.outlasts(self._call_seconds)
                    except StateFailed as error:
                        # A sign-out goes on where the state is away; what it closes is revoked, whoever else closes it too.
                        if closing.goal is Goal.REDEEM or isinstance(error, LeaseLost):
                            return Closed(False, error.reason)
                answer = await self._okta.close(cookies, closing.browser)
                gone = answer.status == 404 and answer.code == "E0000007"
                return Closed(answer.status == 204 or gone, f"close_{answer.status or 'unanswered'}", self._brought(answer.brought))
            case Verify(cookie):
                finding, brought = await self._alone(cookie, closing.browser)
                if isinstance(finding, Session):
                    # It lives, and other cookies of it may be out there that this process never saw: all of them are refused.
                    await self._refuse(closing, (), finding.id)
                return Verified(finding, self._brought(brought))
            case Confirm() | Redeem() | Proven() | Refuse():
                raise AssertionError("final commands are the door's")
            case _:
                assert_never(command)

    async def _refuse(self, closing: Closing, cookies: Cookies, session_id: str | None) -> None:
        """Refuse these cookies and this session everywhere. A sign-out goes on where others could not be told; a switch does not."""
        try:
            await self._sessions.revoke(cookies, session_id=session_id, spared_for=closing.spared_for)
        except OutsideFailed as error:
            if closing.goal is Goal.REDEEM:
                raise
            if closing.untold is None:
                self._tell("sign_out_not_shared", {"reason": error.reason})
            closing.untold = error

    async def _revoke(self, closing: Closing, session: Session | None, may_guess: bool = False) -> None:
        """Refuse the cookies at once, and then the session that they carry, whose id must be asked for where it is not remembered.

        A worker that has just replaced another knows no kin of a cookie that Okta renewed; the session's id is the same for all of them.
        ``may_guess``: ask about cookies too that may be made up, as far as guesses are left.
        """
        session_id = session.id if session is not None else closing.session_id
        is_named = session_id is not None or isinstance(self._sessions.recall(closing.cookies), Session)
        await self._refuse(closing, closing.cookies, session_id)
        if is_named:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(NAMING_SECONDS):
                for cookie in closing.cookies:
                    asks = may_guess or self._sessions.is_known(cookie)
                    found = (await self._alone(cookie, closing.browser))[0] if asks else None
                    if isinstance(found, Session):
                        self._sessions.vouch((cookie,), found.user_id)
                        await self._refuse(closing, (), found.id)
                        if may_guess:
                            return

    async def who(self, cookies: Cookies, browser: Browser) -> Finding:
        """Who is signed in with any of these cookies; neither a repeated name nor a revoked cookie beside it hides anybody."""
        return (await self._asked(split(cookies)[0], browser)).finding

    async def _asked(self, cookies: Cookies, browser: Browser) -> Asked:
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

    def _brought(self, cookies: Cookies) -> Cookies:
        """Session cookies that an answer to the gateway itself has set: they are real, and no question about them is a guess."""
        self._sessions.issued(cookies)
        return cookies

    async def _alone(self, cookie: SessionCookie, browser: Browser) -> tuple[Finding, Cookies]:
        """What Okta says now of one cookie, and the session cookies that its answer set.

        A known one is asked about at once; about one that may be made up as much as guesses allow.
        """
        if not self._sessions.is_known(cookie):
            asked = await self._sessions.alone(cookie, browser)
            return asked.finding, asked.brought
        answer = await self._okta.session((cookie,), browser)
        if is_proof_of_end(answer.finding):
            self._sessions.note_gone(cookie)
        return answer.finding, answer.brought


def _of_sign_out(final: Final) -> Proven | Refuse:
    if isinstance(final, Confirm | Redeem):
        raise AssertionError("a sign-out cannot end as a switch")
    return final
