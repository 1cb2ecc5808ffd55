"""One closing, step by step: revoke the cookies, close the session, verify that it is gone. Runs ``policy.switch.switch``.

Owns every DELETE that the gateway sends by itself. Must never report a session as closed without Okta's proof (``404 E0000007``).

A sign-out is recorded, sealed, before its first DELETE: if this process is killed, another process continues. If the shared state cannot
be reached, the sign-out still happens in this process and at Okta. It then counts as unproven (``Closing.not_shared``), and the next try
publishes the revocation again. A switch is refused instead.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, assert_never

from gateway.closing.cookie_questions import CookieQuestions
from gateway.coordination.in_flight_requests import InFlightRequests
from gateway.coordination.leases import HeldLease
from gateway.errors import LeaseLost, OutsideFailed, StateFailed
from gateway.observe import Tell
from gateway.okta import BrowserFields, OktaAnswer
from gateway.policy.session.session import Cookies, Session, SessionCookie
from gateway.policy.switch import switch as machine
from gateway.sessions import Sessions, SessionsApi

NAMING_SECONDS = 2.0
"""How long a closing waits for Okta to name the id of the session. The cookies are already refused at that time."""


class ClosingApi(SessionsApi, Protocol):
    """An API that names the session of some cookies and closes it: Okta's Sessions API, or the gateway's own sessions (OpenID Connect)."""

    async def close(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """End the session of these cookies."""


@dataclass(slots=True)
class Closing:
    """One closing: the sessions to end, for which browser and with which goal.

    ``session_id``: Okta's id of the session, if it is known in advance. ``spared_for``: as in ``Revocation``. ``lease``: held by this
    process, so that no other process does the same closing. ``not_shared``: the error that kept the revocation from other processes; only a
    sign-out continues after it. ``is_kept``: the shared state has a record of this closing. ``revoked_at``: when the last revocation was
    published, on the event loop's clock.
    """

    goal: machine.Goal
    cookies: Cookies
    browser: BrowserFields
    trusted: bool = True
    asks_alone: bool = False
    session_id: str | None = None
    spared_for: str = ""
    not_shared: OutsideFailed | None = None
    is_kept: bool = False
    lease: HeldLease | None = None
    revoked_at: float = 0.0


@dataclass(frozen=True, slots=True)
class ClosingTimes:
    """How long a closing may wait, in seconds.

    ``quiet_seconds``: for forwarded requests that carry the same cookies; their answers may renew the session. The user waits for the
    closing, so this is about as long as one session check may take. Forwarding itself waits longer, up to
    ``okta.forward_first_byte_timeout``. If Okta answers such a request after this time, the end is not proven: the closing is refused,
    and tried again in the background.

    ``call_seconds``: the longest time that one DELETE may take. A lease must last at least this long before the DELETE is sent.
    """

    quiet_seconds: float = 6.0
    call_seconds: float = 15.0


class ClosingSteps:
    """Carries out closings."""

    def __init__(
        self,
        sessions: Sessions,
        okta: ClosingApi,
        in_flight: InFlightRequests,
        record: Callable[[Closing], Awaitable[None]],
        tell: Tell,
        times: ClosingTimes,
    ) -> None:
        """``record`` is called before the first DELETE of a sign-out. ``tell`` gets (event name, figures) for the log."""
        self._sessions = sessions
        self._okta = okta
        self._questions = CookieQuestions(sessions, okta)
        self._in_flight = in_flight
        self._record = record
        self._tell = tell
        self._times = times

    async def run(self, closing: Closing) -> machine.Final:
        """Revoke, close and verify. Do it a second time if another process had requests with these cookies in flight to Okta.

        The answer to such a request may have renewed the session after it was verified as gone.
        """
        final = await self._once(closing)
        if not isinstance(final, machine.Redeem | machine.Proven):
            return final
        names = self._sessions.fingerprints(closing.cookies)
        if not await self._in_flight.are_elsewhere(names, closing.revoked_at):
            return final
        if not await self._in_flight.cleared_elsewhere(names, self._times.quiet_seconds):
            return machine.Refuse("request_under_way", revoked=True)
        return await self._once(closing)

    async def run_again(self, closing: Closing) -> bool:
        """Try a closing once more. True if the end is proven now and all processes know of the revocation."""
        await self._in_flight.cleared(self._sessions.fingerprints(closing.cookies), self._times.quiet_seconds)
        closing.not_shared = None
        return isinstance(await self.run(closing), machine.Proven) and closing.not_shared is None

    async def refuse(self, closing: Closing, cookies: Cookies, session_id: str | None) -> None:
        """Revoke these cookies and this session in all processes. If the shared state fails, a sign-out continues and a switch does not."""
        try:
            await self._sessions.revoke(cookies, session_id=session_id, spared_for=closing.spared_for)
        except OutsideFailed as error:
            if closing.goal is machine.Goal.REDEEM:
                raise
            if closing.not_shared is None:
                self._tell("sign_out_not_shared", {"reason": error.reason})
            closing.not_shared = error
        closing.revoked_at = asyncio.get_running_loop().time()

    async def revoke(self, closing: Closing, session: Session | None, *, may_guess: bool = False) -> None:
        """Revoke the cookies at once, then the session that they carry. If this process does not know the session's id, it asks Okta.

        The id matters because Okta renews cookies: all cookies of a session have the same session id, and a new worker does not know which
        cookies belong together. ``may_guess``: also ask about cookies that may be made up, as long as guesses are left.
        """
        session_id = session.id if session is not None else closing.session_id
        is_named = session_id is not None or isinstance(self._sessions.from_cache(closing.cookies), Session)
        await self.refuse(closing, closing.cookies, session_id)
        if is_named:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(NAMING_SECONDS):
                for cookie in closing.cookies:
                    asks = may_guess or self._sessions.is_known(cookie)
                    found = (await self._questions.alone(cookie, closing.browser))[0] if asks else None
                    if isinstance(found, Session):
                        self._sessions.vouch((cookie,), found.user_id)
                        await self.refuse(closing, (), found.id)
                        if may_guess:
                            return

    async def _once(self, closing: Closing) -> machine.Final:
        doubtful = frozenset(cookie for cookie in closing.cookies if not self._sessions.is_known(cookie))
        switch, command = machine.begin(closing.goal, closing.cookies, closing.trusted, doubtful, closing.asks_alone)
        while not isinstance(command, machine.Confirm | machine.Redeem | machine.Proven | machine.Refuse):
            if isinstance(command, machine.Close) and closing.goal is machine.Goal.SIGN_OUT:
                await self._record(closing)
            switch, command = machine.step(switch, await self._carry_out(command, closing))
        return command

    async def _carry_out(self, command: machine.Command, closing: Closing) -> machine.Event:
        match command:
            case machine.Ask(cookies):
                return await self._questions.ask(cookies, closing.browser)
            case machine.Revoke(_, session):
                await self.revoke(closing, session)
                return machine.Revoked()
            case machine.Close(cookies):
                return await self._closed(cookies, closing)
            case machine.Verify(cookie):
                finding, brought = await self._questions.alone(cookie, closing.browser)
                if isinstance(finding, Session):
                    # The session is alive. It may have other cookies that this process never saw, so revoke it by its id.
                    await self.refuse(closing, (), finding.id)
                self._sessions.issued(brought)  # Okta set them, so they are real: a question about them is not a guess
                return machine.Verified(finding, brought)
            case machine.Confirm() | machine.Redeem() | machine.Proven() | machine.Refuse():
                raise AssertionError("final commands are the door's")
            case _:
                assert_never(command)

    async def _closed(self, cookies: Cookies, closing: Closing) -> machine.Closed:
        """Send the DELETE, when no answer is awaited that may renew the session."""
        if not await self._in_flight.cleared(self._sessions.fingerprints(cookies), self._times.quiet_seconds):
            return machine.Closed(False, "request_under_way")
        if closing.lease is not None:
            try:
                await closing.lease.outlasts(self._times.call_seconds)
            except StateFailed as error:
                # A sign-out continues without the state: its cookies are revoked already, so a second DELETE does no harm.
                if closing.goal is machine.Goal.REDEEM or isinstance(error, LeaseLost):
                    return machine.Closed(False, error.reason)
        answer = await self._okta.close(cookies, closing.browser)
        gone = answer.status == 404 and answer.code == "E0000007"
        self._sessions.issued(answer.brought)
        return machine.Closed(answer.status == 204 or gone, f"close_{answer.status or 'unanswered'}", answer.brought)
