"""Ends old sessions at Okta, and proves that they ended.

This module carries out the commands of the state machine in ``policy.switch.switch``: revoke the cookies, close the session, verify that
it is gone. It owns every DELETE that the gateway sends by itself.

It must never report a session as closed without Okta's proof (``404 E0000007``). It must never stop half way because the client left, so
each closing runs in its own task. A closing without a proof is tried again in the background, until Okta proves the end or the tries are
used up. The browser also keeps the same cookies in its pending cookie, so the next switch closes them first, even after a restart.

A sign-out stores its cookies, sealed, before its first DELETE, and deletes that record when the end is proven. If this process is killed,
another process continues. If the shared state cannot be reached, the sign-out still happens in this process and at Okta. It then counts as
unproven, and the next try publishes the revocation again.

A cookie that this gateway never saw as a session may be made up by an attacker. A question to Okta about such a cookie is a *guess*.
``sessions.guesses`` limits guesses, and each client may have one closing at a time that consists of such cookies only. When no guess is
left, a redemption is refused; a sign-out ends without a proof and is not tried again.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, assert_never

from gateway.closing.backlog import RETRY_SECONDS, Backlog, Closing
from gateway.closing.kept_closings import KeptClosings
from gateway.coordination.in_flight_requests import InFlightRequests
from gateway.coordination.leases import HeldLease
from gateway.errors import LeaseLost, OutsideFailed, StateFailed
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
from gateway.sessions import ClientQueues, Sessions, SessionsApi

QUIET_SECONDS = 6.0
"""How long a closing waits for forwarded requests that carry the same cookies. Their answers may renew the session.

The user waits for the closing, so this is about as long as one session check may take. Forwarding itself waits longer, up to
``okta.forward_first_byte_timeout``. If Okta answers such a request after this time, the end is not proven: the closing is refused, and
tried again in the background.
"""

LIMITED = frozenset({"client_limited", "guesses_limited"})
"""Reasons why Okta was not asked about cookies that may be made up. Such a closing is not tried again: each try is another guess."""

CALL_SECONDS = 15.0
"""The longest time that one DELETE may take. A lease must last at least this long before the DELETE is sent."""

NAMING_SECONDS = 2.0
"""How long a closing waits for Okta to name the id of the session. The cookies are already refused at that time."""

NOT_SHARED = "not_shared"

Cookies = tuple[SessionCookie, ...]


class ClosingApi(SessionsApi, Protocol):
    """An API that names the session of some cookies and closes it: Okta's Sessions API, or the gateway's own sessions (OpenID Connect)."""

    async def close(self, cookies: Sequence[SessionCookie], browser: Browser) -> OktaAnswer:
        """End the session of these cookies."""


Tell = Callable[[str, Mapping[str, object]], None]


class Closer:
    """Runs closings, for switches and sign-outs. There is one per process; call ``aclose`` when the process serves no more requests."""

    def __init__(
        self,
        sessions: Sessions,
        okta: ClosingApi,
        tell: Tell,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
        kept: KeptClosings | None = None,
        call_seconds: float = CALL_SECONDS,
        in_flight: InFlightRequests | None = None,
    ) -> None:
        """``tell`` gets (event name, figures) for the log: never a cookie, never a token.

        ``retry_seconds``: the waits between tries. ``quiet_seconds``: how long a closing waits for requests that are under way.
        ``kept``: the store of unproven closings; without it they are lost when this process ends. ``call_seconds``: the longest time that
        one DELETE may take.
        """
        self.in_flight = in_flight or InFlightRequests()
        self._quiet_seconds = quiet_seconds
        self._call_seconds = call_seconds
        self._sessions = sessions
        self._okta = okta
        self._tell = tell
        self._backlog = Backlog(sessions, tell, self._tried, kept, retry_seconds)
        self._running: set[asyncio.Task[Final]] = set()
        self._turns = ClientQueues()

    @property
    def backlog(self) -> int:
        """How many closings are not proven yet and wait for another try."""
        return len(self._backlog)

    @property
    def doubted(self) -> int:
        """How many clients have a closing under way whose cookies may all be made up."""
        return len(self._turns)

    async def switch(
        self,
        cookies: Cookies,
        browser: Browser,
        trusted: bool,
        asks_alone: bool = False,
        spared_for: str = "",
        lease: HeldLease | None = None,
    ) -> Confirm | Redeem | Refuse:
        """Run a switch, and return what the login door must do with the redemption (``policy.switch.switch.begin``).

        ``cookies``: the session cookies that the browser presented, and those in its pending cookie. ``spared_for``: the browser whose
        open connections are not cut yet; the caller decides about them later with ``Sessions.moved``. ``lease``: the lease that the caller
        holds; if it is lost, this call closes nothing more.
        """
        closing = Closing(Goal.REDEEM, cookies, browser, trusted, asks_alone, spared_for=spared_for, lease=lease)
        final = await asyncio.shield(self._begin(closing))  # the closing must not stop half way if the client leaves
        if isinstance(final, Proven):
            raise AssertionError("a switch cannot end as a sign-out")
        return final

    async def close(self, cookies: Cookies, browser: Browser) -> Proven | Refuse:
        """End the sessions of these cookies. ``Refuse`` says why the end is not proven yet; the closing is then tried again.

        Raises ``OutsideFailed`` if the revocation could not be shared with other processes. The DELETE was sent to Okta in that case too.
        """
        closing = Closing(Goal.SIGN_OUT, cookies, browser)
        final = await asyncio.shield(self._begin(closing))
        if closing.not_shared is not None:
            raise closing.not_shared
        return _of_sign_out(final)

    async def end(self, cookies: Cookies, browser: Browser, session_id: str | None = None) -> str:
        """Sign out: first refuse the cookies everywhere, then close the session at Okta. It continues if the caller is cancelled.

        ``session_id``: Okta's id of the session, if a pass names it. Returns the reason why the end is not proven yet, or an empty text.
        The reason is ``NOT_SHARED`` if only the shared state could not be told, and ``NOT_SHARED_…`` if the end is not proven either.
        """
        closing = Closing(Goal.SIGN_OUT, cookies, browser, session_id=session_id)
        told = self._about(cookies, browser, "gateway")
        final = _of_sign_out(await asyncio.shield(self._begin(closing)))
        unproven = final.reason if isinstance(final, Refuse) else ""
        self._tell("signed_out", told | ({"reason": unproven} if unproven else {}))
        return unproven if closing.not_shared is None else f"{NOT_SHARED}_{unproven}" if unproven else NOT_SHARED

    def signed_out(self, cookies: Cookies, browser: Browser) -> None:
        """Write the log line ``signed_out`` for a browser that signed out at Okta itself."""
        self._tell("signed_out", self._about(cookies, browser, "okta"))

    def _about(self, cookies: Cookies, browser: Browser, by: str) -> dict[str, object]:
        user = next(filter(None, map(self._sessions.user_of, cookies)), "")
        figures = {"user": user, "fingerprint": self._sessions.shown_of(cookies), "by": by, "client": browser.client}
        return {name: value for name, value in figures.items() if value}

    async def revoke(self, cookies: Cookies, browser: Browser) -> None:
        """Refuse these cookies and their session in all processes. Raises ``OutsideFailed`` if the shared state cannot be told.

        Call it before Okta is asked to end the session: Okta does not name the id of a session that has ended.
        """
        # With Goal.REDEEM, ``_refuse`` raises the error; with Goal.SIGN_OUT it would only note it.
        await self._revoke(Closing(Goal.REDEEM, split(cookies)[0], browser), None, may_guess=True)

    def close_soon(self, cookies: Cookies, browser: Browser) -> asyncio.Task[Final]:
        """Run ``close`` in the background, for a sign-out that the browser itself requested at Okta."""
        return self._begin(Closing(Goal.SIGN_OUT, cookies, browser))

    async def has_ended(self, cookies: Cookies, browser: Browser) -> bool:
        """Whether Okta proves that the session of at least one of these cookies is gone. It is asked about each cookie alone."""
        for cookie in split(cookies)[0]:
            if is_proof_of_end((await self._alone(cookie, browser))[0]):
                return True
        return False

    async def resume(self) -> None:
        """Continue the unproven closings of earlier or killed processes. Raises ``StateFailed``."""
        await self._backlog.resume()

    async def aclose(self) -> None:
        """Cancel every closing that is under way. Their records stay in the shared state for the next process."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, self._backlog.aclose(), self.in_flight.aclose(), return_exceptions=True)

    def _begin(self, closing: Closing) -> asyncio.Task[Final]:
        closing.cookies, _ = split(closing.cookies)
        task = asyncio.create_task(self._drive(closing), name="closing")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _drive(self, closing: Closing) -> Final:
        final = await self._in_turn(closing)
        if isinstance(final, Refuse):
            # If nothing was revoked, nothing was changed, and there is nothing to finish.
            if final.revoked and final.reason not in LIMITED:
                await self._backlog.add(closing, final.reason)
        elif closing.not_shared is not None:
            await self._backlog.add(closing, "not_shared")
        elif not isinstance(final, Confirm):
            await self._backlog.forget(closing)
        return final

    async def _in_turn(self, closing: Closing) -> Final:
        """Run the closing. If all its cookies may be made up, only one such closing per client runs at a time, and it may be limited.

        A closing with at least one known cookie never waits here.
        """
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
        """Try a closing once more. True if the end is proven now and all processes know of the revocation."""
        await self.in_flight.cleared(self._sessions.fingerprints(closing.cookies), self._quiet_seconds)
        closing.not_shared = None
        return isinstance(await self._steps(closing), Proven) and closing.not_shared is None

    async def _steps(self, closing: Closing) -> Final:
        """Revoke, close and verify. Do it a second time if another process had requests with these cookies under way to Okta.

        The answer to such a request may have renewed the session after it was verified as gone.
        """
        final = await self._once(closing)
        names = self._sessions.fingerprints(closing.cookies)
        if not isinstance(final, Redeem | Proven) or not await self.in_flight.are_elsewhere(names):
            return final
        if not await self.in_flight.cleared_elsewhere(names, self._quiet_seconds):
            return Refuse("request_under_way", revoked=True)
        return await self._once(closing)

    async def _once(self, closing: Closing) -> Final:
        doubtful = frozenset(cookie for cookie in closing.cookies if not self._sessions.is_known(cookie))
        switch, command = begin(closing.goal, closing.cookies, closing.trusted, doubtful, closing.asks_alone)
        while not isinstance(command, Confirm | Redeem | Proven | Refuse):
            # Stored before the first DELETE: if this process is killed now, another one continues.
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
                if not await self.in_flight.cleared(self._sessions.fingerprints(cookies), self._quiet_seconds):
                    return Closed(False, "request_under_way")
                if closing.lease is not None:
                    try:
                        await closing.lease.outlasts(self._call_seconds)
                    except StateFailed as error:
                        # A sign-out continues without the state: its cookies are revoked already, so a second DELETE does no harm.
                        if closing.goal is Goal.REDEEM or isinstance(error, LeaseLost):
                            return Closed(False, error.reason)
                answer = await self._okta.close(cookies, closing.browser)
                gone = answer.status == 404 and answer.code == "E0000007"
                return Closed(answer.status == 204 or gone, f"close_{answer.status or 'unanswered'}", self._brought(answer.brought))
            case Verify(cookie):
                finding, brought = await self._alone(cookie, closing.browser)
                if isinstance(finding, Session):
                    # The session is alive. It may have other cookies that this process never saw, so revoke it by its id.
                    await self._refuse(closing, (), finding.id)
                return Verified(finding, self._brought(brought))
            case Confirm() | Redeem() | Proven() | Refuse():
                raise AssertionError("final commands are the door's")
            case _:
                assert_never(command)

    async def _refuse(self, closing: Closing, cookies: Cookies, session_id: str | None) -> None:
        """Revoke these cookies and this session in all processes. If the shared state fails, a sign-out continues and a switch does not."""
        try:
            await self._sessions.revoke(cookies, session_id=session_id, spared_for=closing.spared_for)
        except OutsideFailed as error:
            if closing.goal is Goal.REDEEM:
                raise
            if closing.not_shared is None:
                self._tell("sign_out_not_shared", {"reason": error.reason})
            closing.not_shared = error

    async def _revoke(self, closing: Closing, session: Session | None, may_guess: bool = False) -> None:
        """Revoke the cookies at once, then the session that they carry. If this process does not know the session's id, it asks Okta.

        The id matters because Okta renews cookies: all cookies of a session have the same session id, and a new worker does not know which
        cookies belong together. ``may_guess``: also ask about cookies that may be made up, as long as guesses are left.
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
        """The session that any of these cookies carries. Repeated cookie names and revoked cookies do not hide a living session."""
        return (await self._asked(split(cookies)[0], browser)).finding

    async def _asked(self, cookies: Cookies, browser: Browser) -> Asked:
        living = tuple(dict.fromkeys(cookie for cookie in cookies if not self._sessions.is_revoked((cookie,))))
        together = () if repeated(living) else (living,)  # all in one request, as browsers send them; the session cache has this key
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
        """Note that Okta set these session cookies in an answer to the gateway. They are real, so a question about them is not a guess."""
        self._sessions.issued(cookies)
        return cookies

    async def _alone(self, cookie: SessionCookie, browser: Browser) -> tuple[Finding, Cookies]:
        """Okta's answer about one cookie, and the session cookies that this answer set.

        A question about a known cookie is sent at once. A question about a cookie that may be made up counts as a guess.
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
