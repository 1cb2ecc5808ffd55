"""Sessions for which Okta has not named a user: nobody is admitted by them, and Okta is asked again and again.

Owns the waits between the questions, their number, and which process asks (``coordination.unfinished_work``). Must never admit the user
of the older session while it is undecided who came.
"""

import asyncio
from contextlib import suppress

from gateway.background import BackgroundTasks
from gateway.closing.session_closer import Closer
from gateway.coordination.unfinished_work import UnfinishedWork
from gateway.doors.login.browsers import REMEMBERED_SECONDS, Browsers
from gateway.doors.login.login_browser import LoginBrowser
from gateway.doors.login.session_comparison import Comparison, SessionComparer
from gateway.errors import OutsideFailed
from gateway.observe import Tell
from gateway.policy.http.cookies import repeated
from gateway.policy.http.messages import Authority, RequestHead
from gateway.policy.session.browser_record import BrowserRecord, RecordState
from gateway.policy.session.session import Cookies
from gateway.policy.switch.new_session import Deliver, DeliveryReason, Withhold
from gateway.policy.switch.older_sessions import older_sessions
from gateway.sessions import Sessions
from gateway.shared_state import SharedState

AGAIN_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0) + 120 * (30.0,)
"""Seconds between the questions to Okta about an undecided session: together about an hour."""

MOST_UNDECIDED = 1000

_NO_HEAD = RequestHead("GET", "/", Authority("", 443), (), True, "", "")
"""Stands for the request of a browser of which only the record is known."""


class UndecidedSessions:
    """The undecided sessions of one login host. Close it with ``aclose``."""

    def __init__(
        self, state: SharedState, sessions: Sessions, closer: Closer, browsers: Browsers, comparer: SessionComparer, tell: Tell
    ) -> None:
        """``state``: other processes continue what this one leaves undecided."""
        self._sessions = sessions
        self._closer = closer
        self._browsers = browsers
        self._comparer = comparer
        self._tell = tell
        self._work = UnfinishedWork(state, "undecided", REMEMBERED_SECONDS)
        self._asking = BackgroundTasks()

    async def begin(self, sender: LoginBrowser, cookies: Cookies) -> None:
        """Admit nobody by these cookies, and ask Okta about the browser's session from time to time.

        If too many are undecided, the browser's next visit decides.
        """
        await self._sessions.hold(cookies)
        if sender.record_key and self._ask_later(sender, sender.record_key):
            await self._work.begin(sender.record_key)

    async def resume(self) -> None:
        """Hold every undecided session (its cookies admit nobody), and ask Okta about those whose process is gone.

        Raises ``OutsideFailed``.

        Call it before any request is answered. Only the records of these browsers are known, not their requests.
        """
        unsettled = await self._browsers.unsettled()
        for key, record in unsettled:
            if not self._sessions.are_held(record.all_cookies):
                await self._sessions.hold(record.all_cookies)
                self._asking.start(self._release_where_settled(key, record), "releasing a session that is settled")
        await self._work.adopt([key for key, _ in unsettled])
        await self._work.look(self._take)
        self._work.start(self._take)

    async def decide(self, sender: LoginBrowser, key: bytes, record: BrowserRecord) -> bool:
        """Ask Okta once more whose the session in this record is. True if that is settled now. The caller holds the browser's lease."""
        if record.state is RecordState.UNDECIDED and self._sessions.is_revoked(record.cookies):
            await self._end_before(sender, key, record)
            return True
        self._sessions.forget(record.cookies)
        older = older_sessions(((record.before, record.before_user_id),))
        comparison = Comparison(LoginBrowser(sender.head, sender.browser_id, record.before), record.cookies, older)
        unproven: Cookies = ()
        final = await self._comparer.run(comparison)
        if isinstance(final, Withhold):
            # The browser has the answer already, so it cannot be withheld. The older session is refused everywhere, and the gateway
            # goes on trying to end it.
            final, unproven = Deliver(DeliveryReason.OTHER_USER, comparison.session), comparison.older.to_end
            await self._sessions.revoke(unproven)
        if final.why is DeliveryReason.UNDECIDED:
            await self._sessions.hold(record.all_cookies)
            return False
        await self._comparer.store(final, comparison, record, (*unproven, *self._comparer.unproven(record, record.cookies)), key)
        before = tuple(cookie for cookie in record.before if not self._sessions.is_revoked((cookie,)))
        if final.why is DeliveryReason.NOBODY_YET and record.state is RecordState.UNDECIDED and not repeated(before):
            # There was one session before, and it goes on. If there were several, it is not known which is the user's.
            await self._sessions.release(before)
        return final.why is not DeliveryReason.NOBODY_YET

    async def aclose(self) -> None:
        """Stop asking. Undecided sessions are left to other processes."""
        self._asking.cancel()
        await self._asking.ended()
        await self._work.aclose()

    def _ask_later(self, sender: LoginBrowser, key: bytes) -> bool:
        if len(self._asking) >= MOST_UNDECIDED:
            return False
        self._asking.start(self._ask_again(sender, key), "asking again who a session is")
        return True

    async def _take(self, key: bytes) -> bool:
        """Ask about this browser in place of a process that is gone."""
        return self._ask_later(LoginBrowser(_NO_HEAD, "", ()), key)

    async def _release_where_settled(self, key: bytes, record: BrowserRecord) -> None:
        """Release the cookies if another process decided between this one's reading of the record and its ``hold``."""
        with suppress(OutsideFailed):
            async with self._browsers.leases.held((key,)):
                if (await self._browsers.record_at(key)).state is not RecordState.UNDECIDED:
                    await self._sessions.release(record.all_cookies)

    async def _ask_again(self, sender: LoginBrowser, key: bytes) -> None:
        """Ask Okta again and again about an undecided session, until it is settled or another process took over."""
        for seconds in AGAIN_SECONDS:
            await asyncio.sleep(seconds)
            try:
                if not await self._work.is_mine(key):
                    return  # this process was stopped for a while, and another one has taken over
                async with self._browsers.leases.held((key, *self._sessions.fingerprints(sender.living_cookies))):
                    record = await self._browsers.record_at(key)
                    if record.state is not RecordState.UNDECIDED or await self.decide(sender, key, record):
                        if record.state is RecordState.SETTLED:
                            await self._sessions.release(record.all_cookies)  # the process that settled it may have died before its release
                        await self._work.end(key)
                        return
            except OutsideFailed as error:
                self._tell("session_undecided", {"reason": error.reason})

    async def _end_before(self, sender: LoginBrowser, key: bytes, record: BrowserRecord) -> None:
        """The newest session ended before Okta named its user, perhaps by a sign-out: the session before it must not come back."""
        await self._sessions.revoke(record.before)
        self._closer.close_soon(record.before, sender.browser_fields)
        await self._browsers.keep_at(key, record.given(record.cookies, "").with_unproven(record.before))
        await self._sessions.release(record.all_cookies)
