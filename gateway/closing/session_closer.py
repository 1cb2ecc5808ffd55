"""Ends old sessions at Okta, for switches and sign-outs: which closings run, and what follows if an end is not proven.

Owns the running closings. Each one runs in its own task (``closing_steps``), so that it never stops half way because the client left. A
closing without a proof is tried again in the background (``backlog``), until Okta proves the end or the tries are used up. The browser
also keeps the same cookies in its pending cookie, so the next switch closes them first, even after a restart.

Each client may have one closing at a time whose cookies may all be made up (see ``cookie_questions``). When no guess is left, a
redemption is refused; a sign-out ends without a proof and is not tried again. Must never say that a session is gone without proof.
"""

import asyncio
from collections.abc import Sequence

from gateway.background import BackgroundTasks
from gateway.closing.backlog import RETRY_SECONDS, Backlog
from gateway.closing.closing_steps import Closing, ClosingApi, ClosingSteps, ClosingTimes
from gateway.closing.cookie_questions import CookieQuestions
from gateway.closing.kept_closings import KeptClosings
from gateway.coordination.in_flight_requests import InFlightRequests
from gateway.coordination.leases import HeldLease
from gateway.observe import Tell
from gateway.okta import BrowserFields
from gateway.policy.session.cookies import split
from gateway.policy.session.session import Cookies
from gateway.policy.switch.switch import Confirm, Final, Goal, Proven, Redeem, Refuse
from gateway.sessions import ClientQueues, Sessions

LIMITED = frozenset({"client_limited", "guesses_limited"})
"""Reasons why Okta was not asked about cookies that may be made up. Such a closing is not tried again: each try is another guess."""

NOT_SHARED = "not_shared"


class Closer:
    """Runs closings. There is one per process; call ``aclose`` when the process serves no more requests."""

    def __init__(
        self,
        sessions: Sessions,
        okta: ClosingApi,
        kept: KeptClosings,
        in_flight: InFlightRequests,
        tell: Tell,
        times: ClosingTimes,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
    ) -> None:
        """``kept``: the records of unproven closings. ``tell`` gets (event name, figures) for the log: never a cookie, never a token.

        ``retry_seconds``: the waits between tries.
        """
        self.in_flight = in_flight
        self.questions = CookieQuestions(sessions, okta)
        self._sessions = sessions
        self._tell = tell
        self._steps = ClosingSteps(sessions, okta, in_flight, self._record, tell, times)
        self._backlog = Backlog(sessions, tell, self._steps.run_again, kept, retry_seconds)
        self._running = BackgroundTasks()
        self._queues = ClientQueues()

    @property
    def backlog(self) -> int:
        """How many closings are not proven yet and wait for another try."""
        return len(self._backlog)

    @property
    def doubted(self) -> int:
        """How many clients have a closing under way whose cookies may all be made up."""
        return len(self._queues)

    async def switch(
        self,
        cookies: Cookies,
        browser: BrowserFields,
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

    async def close(self, cookies: Cookies, browser: BrowserFields) -> Proven | Refuse:
        """End the sessions of these cookies. ``Refuse`` says why the end is not proven yet; the closing is then tried again.

        Raises ``OutsideFailed`` if the revocation could not be shared with other processes. The DELETE was sent to Okta in that case too.
        """
        closing = Closing(Goal.SIGN_OUT, cookies, browser)
        final = await asyncio.shield(self._begin(closing))
        if closing.not_shared is not None:
            raise closing.not_shared
        return _of_sign_out(final)

    async def end(self, cookies: Cookies, browser: BrowserFields, session_id: str | None = None) -> str:
        """Sign out: first refuse the cookies everywhere, then close the session at Okta. It continues if the caller is cancelled.

        ``session_id``: Okta's id of the session, if a pass names it. Returns the reason why the end is not proven yet, or an empty text.
        The reason is ``NOT_SHARED`` if only the shared state could not be told, and ``NOT_SHARED_…`` if the end is not proven either.
        """
        closing = Closing(Goal.SIGN_OUT, cookies, browser, session_id=session_id)
        figures = self._figures(cookies, browser, "gateway")
        final = _of_sign_out(await asyncio.shield(self._begin(closing)))
        unproven = final.reason if isinstance(final, Refuse) else ""
        self._tell("signed_out", figures | ({"reason": unproven} if unproven else {}))
        return unproven if closing.not_shared is None else f"{NOT_SHARED}_{unproven}" if unproven else NOT_SHARED

    def note_signed_out(self, cookies: Cookies, browser: BrowserFields) -> None:
        """Write the log line ``signed_out`` for a browser that signed out at Okta itself."""
        self._tell("signed_out", self._figures(cookies, browser, "okta"))

    async def revoke(self, cookies: Cookies, browser: BrowserFields) -> None:
        """Refuse these cookies and their session in all processes. Raises ``OutsideFailed`` if the shared state cannot be told.

        Call it before Okta is asked to end the session: Okta does not name the id of a session that has ended.
        """
        # With Goal.REDEEM, ``refuse`` raises the error; with Goal.SIGN_OUT it would only note it.
        await self._steps.revoke(Closing(Goal.REDEEM, split(cookies)[0], browser), None, may_guess=True)

    def close_soon(self, cookies: Cookies, browser: BrowserFields) -> asyncio.Task[Final]:
        """Run ``close`` in the background, for a sign-out that the browser itself requested at Okta."""
        return self._begin(Closing(Goal.SIGN_OUT, cookies, browser))

    def close_issued(self, cookies: Cookies, browser: BrowserFields) -> asyncio.Task[Final]:
        """Like ``close_soon``, for cookies that Okta has just set in an answer to this process or another. So they are not made up."""
        self._sessions.issued(cookies)
        return self.close_soon(cookies, browser)

    async def resume(self) -> None:
        """Continue the unproven closings of earlier or killed processes. Raises ``StateFailed``."""
        await self._backlog.resume()

    async def aclose(self) -> None:
        """Cancel every closing that is under way. Their records stay in the shared state for the next process."""
        self._running.cancel()
        await asyncio.gather(self._running.ended(), self._backlog.aclose(), self.in_flight.aclose(), return_exceptions=True)

    def _figures(self, cookies: Cookies, browser: BrowserFields, by: str) -> dict[str, object]:
        user = next(filter(None, map(self._sessions.user_of, cookies)), "")
        figures = {"user": user, "fingerprint": self._sessions.shown_of(cookies), "by": by, "client": browser.client}
        return {name: value for name, value in figures.items() if value}

    def _begin(self, closing: Closing) -> asyncio.Task[Final]:
        closing.cookies, _ = split(closing.cookies)
        return self._running.start(self._run(closing), "closing")

    async def _record(self, closing: Closing) -> None:
        await self._backlog.keep(closing)

    async def _run(self, closing: Closing) -> Final:
        final = await self._limited(closing)
        if isinstance(final, Refuse):
            # If nothing was revoked, nothing was changed, and there is nothing to finish.
            if final.revoked and final.reason not in LIMITED:
                await self._backlog.add(closing, final.reason)
        elif closing.not_shared is not None:
            await self._backlog.add(closing, "not_shared")
        elif not isinstance(final, Confirm):
            await self._backlog.forget(closing)
        return final

    async def _limited(self, closing: Closing) -> Final:
        """Run the closing. If all its cookies may be made up, only one such closing per client runs at a time, and it may be limited.

        A closing with at least one known cookie never waits here.
        """
        cookies, browser = closing.cookies, closing.browser
        if not cookies or any(self._sessions.is_known(cookie) for cookie in cookies):
            return await self._steps.run(closing)
        revoked = closing.goal is Goal.SIGN_OUT
        if revoked and not all(self._sessions.is_revoked((cookie,)) for cookie in cookies):
            await self._steps.refuse(closing, cookies, closing.session_id)
        async with self._queues.slot(browser.client) as has_slot:
            limited = self._sessions.may_guess(browser)
            if limited is not None:
                return Refuse(limited.reason, revoked, limited.retry_at)
            if not has_slot:
                return Refuse("client_limited", revoked)
            return await self._steps.run(closing)


def _of_sign_out(final: Final) -> Proven | Refuse:
    if isinstance(final, Confirm | Redeem):
        raise AssertionError("a sign-out cannot end as a switch")
    return final
