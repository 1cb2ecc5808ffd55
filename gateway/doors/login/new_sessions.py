"""Judges each answer of Okta's that may begin a session without a token, before the browser gets it.

Owns what the browser gets of such an answer; ``session_comparison`` finds out whose the session is, one answer of a browser at a time
(under the browser's lease). Must never deliver an answer that begins another user's session before the older session was proven gone.

If a session is revoked while one of its requests is on its way to Okta, that request gets no session cookie from the answer. (It is a
late answer of another tab; the code that revoked the session waits until it has come.)
"""

import asyncio
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace

from gateway.background import BackgroundTasks
from gateway.closing.session_closer import Closer
from gateway.doors.login.browsers import Browsers
from gateway.doors.login.login_browser import LoginBrowser, Withheld
from gateway.doors.login.session_comparison import Comparison, SessionComparer
from gateway.doors.login.undecided_sessions import UndecidedSessions
from gateway.doors.pending_cookie import PendingCookie
from gateway.errors import OutsideFailed
from gateway.observe import Tell
from gateway.policy.http.messages import Fields
from gateway.policy.session.browser_record import BrowserRecord, RecordState
from gateway.policy.session.session import Cookies, Session
from gateway.policy.switch.clients import client_of
from gateway.policy.switch.new_session import DeliveryReason, Withhold
from gateway.policy.switch.older_sessions import OlderSessions, is_from_before, older_expiries, older_sessions
from gateway.policy.switch.redemption import cookies_set, deleted_names, without_deletions, without_session
from gateway.policy.switch.switch import Refuse
from gateway.sessions import Sessions


class NewSessions:
    """Judges the answers for one login host. Close it with ``aclose``."""

    def __init__(
        self,
        sessions: Sessions,
        closer: Closer,
        browsers: Browsers,
        pending_cookie: PendingCookie,
        comparer: SessionComparer,
        undecided: UndecidedSessions,
        tell: Tell,
    ) -> None:
        """``undecided`` goes on asking Okta about a session whose user it did not name."""
        self._sessions = sessions
        self._closer = closer
        self._browsers = browsers
        self._pending_cookie = pending_cookie
        self._comparer = comparer
        self._undecided = undecided
        self._tell = tell
        self._judging = BackgroundTasks()

    async def judged(self, answered: Fields, sender: LoginBrowser, in_flight: ExitStack) -> Fields:
        """The answer's fields as the browser may have them. Raises ``Withheld``, and ``OutsideFailed`` if the state is away.

        ``in_flight`` registers the request with the sender's cookies as on its way to Okta; it is closed as soon as no other code waits
        for that.
        """
        begun = cookies_set(answered)
        if self._is_late(sender):
            return self._late(answered, begun, sender)
        if not begun and not sender.living_cookies:
            # Okta's sign-in page deletes `sid` whenever a request has none. In the browser that could only delete the cookie that
            # another tab got meanwhile, so deletions are left out.
            return without_deletions(answered)
        if not begun:
            if deleted_names(answered).intersection(cookie.name for cookie in sender.living_cookies):
                await self._doubt(sender)
            if not await self._may_bring_a_factor(sender):
                return answered
        # A task of its own, because it must end even if the client leaves: the session has begun at Okta, and the record must say so.
        judging = self._judging.start(self._stored_or_closed(answered, begun, sender, in_flight), "judging an answer")
        # The waiting request gets the exception; if none waits, asyncio must not report it as never retrieved.
        judging.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(judging)

    async def redeemed(self, sender: LoginBrowser, begun: Cookies) -> Session | None:
        """A token became this session, after every older session was proven gone: store it, and return it if Okta names its user."""
        record = await self._browsers.record(sender.browser_id)
        session: Session | None = None
        if begun:
            self._sessions.issued(begun)
            finding = await self._comparer.who(begun, sender.browser_fields)
            session = finding if isinstance(finding, Session) else None
        if begun or record.cookies:  # invented tokens must not fill the store with records
            user_id = session.user_id if session is not None else ""
            given = record.given(begun, user_id)
            # A token in an authorize request signs its user in for that client too.
            await self._browsers.keep(sender.browser_id, given.used(client_of(sender.head), user_id) if user_id else given)
        return session

    async def aclose(self) -> None:
        """Wait for the answers that are being judged."""
        await self._judging.ended()

    # Answers that begin no session.

    def _is_late(self, sender: LoginBrowser) -> bool:
        return any(self._sessions.is_revoked((cookie,)) for cookie in sender.living_cookies)

    def _late(self, answered: Fields, begun: Cookies, sender: LoginBrowser) -> Fields:
        """The answer without the session that was revoked while it was on its way. The new cookies reach no browser, so they are closed."""
        begun = tuple(cookie for cookie in begun if cookie not in sender.living_cookies)
        if begun:
            until_closed = ExitStack()
            until_closed.enter_context(self._closer.in_flight.counting(self._sessions.fingerprints(sender.living_cookies)))
            self._closer.close_issued(begun, sender.browser_fields).add_done_callback(lambda _: until_closed.close())
        return without_session(answered)

    async def _doubt(self, sender: LoginBrowser) -> None:
        """Okta deletes a presented cookie: ask Okta again about its session.

        Other processes are told only if the browser's record has the cookie.
        """
        self._sessions.forget(sender.living_cookies)
        if not set((await self._browsers.record(sender.browser_id)).cookies).isdisjoint(sender.living_cookies):
            await self._sessions.doubt(sender.living_cookies)

    async def _may_bring_a_factor(self, sender: LoginBrowser) -> bool:
        """Whether the browser presents a session for which Okta has named no user so far: this request may bring the missing factor."""
        record = await self._browsers.record_of(sender)
        return record.state is RecordState.NOBODY_YET and not set(record.cookies).isdisjoint(sender.living_cookies)

    # Answers that begin a session.

    async def _stored_or_closed(self, answered: Fields, begun: Cookies, sender: LoginBrowser, in_flight: ExitStack) -> Fields:
        """What the browser gets. If the answer cannot be judged or stored, the browser gets nothing, and the new session is closed."""
        self._sessions.issued(begun)
        try:
            return await self._under_lease(answered, begun, sender, in_flight)
        except OutsideFailed:
            if begun:
                self._closer.close_issued(tuple(one for one in begun if one not in sender.living_cookies), sender.browser_fields)
            raise

    async def _under_lease(self, answered: Fields, begun: Cookies, sender: LoginBrowser, in_flight: ExitStack) -> Fields:
        """Take the browser's lease, then judge the answer against the browser's record."""
        async with AsyncExitStack() as held:
            if not await self._take_lease(sender, held):
                return self._late(answered, begun, sender)
            in_flight.close()
            record = await self._browsers.record_of(sender)
            if begun and is_from_before(sender.living_cookies, record):
                await self._sessions.hold(begun)
                await self._browsers.keep(sender.browser_id, record.with_unproven(begun))
                return without_session(answered)
            if begun:
                unproven = self._comparer.unproven(record, begun)
                sender = replace(sender, carried=tuple(dict.fromkeys((*sender.carried, *unproven))))
                return await self._compared(answered, Comparison(sender, begun, self._older(begun, sender, record)), record, unproven)
            if record.state is not RecordState.NOBODY_YET:
                return answered
            self._sessions.forget(record.cookies)
            older = older_sessions(((record.before, record.before_user_id),))
            unproven = self._comparer.unproven(record, record.cookies)
            return await self._compared(answered, Comparison(sender, record.cookies, older), record, unproven)

    async def _take_lease(self, sender: LoginBrowser, held: AsyncExitStack) -> bool:
        """Take the browser's lease. False if its session was revoked during the wait, or by the previous holder of the lease.

        The code that revoked it may hold the lease, and wait for this answer: so the wait ends with the revocation.
        """
        keys = sender.lease_keys(self._sessions.fingerprints(sender.living_cookies))
        lease = asyncio.ensure_future(held.enter_async_context(self._browsers.leases.held(keys)))
        with self._sessions.noticing(sender.living_cookies) as revoked:
            ended = asyncio.ensure_future(revoked.wait())
            try:
                await asyncio.wait({lease, ended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ended.cancel()
                if not lease.done():
                    lease.cancel()
                    await asyncio.wait({lease})
        if lease.cancelled() or not lease.done():
            return False
        lease.result()  # raises if the lease could not be taken
        return not self._is_late(sender)

    def _older(self, begun: Cookies, sender: LoginBrowser, record: BrowserRecord) -> OlderSessions:
        """The older sessions: those of the record, those before, and those in the request."""
        finding = self._sessions.from_cache(sender.living_cookies) if sender.living_cookies else None
        living_user_id = finding.user_id if isinstance(finding, Session) else None
        known = ((record.cookies, record.user_id), (record.before, record.before_user_id), (sender.living_cookies, living_user_id))
        return older_sessions(known, begun, lambda cookie: self._sessions.is_revoked((cookie,)))

    async def _compared(self, answered: Fields, comparison: Comparison, record: BrowserRecord, unproven: Cookies) -> Fields:
        """Compare the users, store the result, and return what the browser gets."""
        sender = comparison.sender
        final = await self._comparer.run(comparison)
        if isinstance(final, Withhold):
            raise self._withheld(final, comparison)
        closes_unproven = final.why in (DeliveryReason.FIRST, DeliveryReason.OTHER_USER)
        await self._comparer.store(final, comparison, record, () if closes_unproven else unproven, sender.record_key)
        if final.why is DeliveryReason.UNDECIDED:
            await self._undecided.begin(sender, (*comparison.new, *comparison.older.cookies))
        if not closes_unproven:
            return answered
        cleared = self._pending_cookie.cleared(sender.head) if sender.carried else ()
        if final.why is DeliveryReason.FIRST:
            return (*answered, *cleared)
        kept = (*comparison.new, *comparison.older.same)
        return (*answered, *older_expiries(answered, sender.living_cookies, kept, sender.head.authority.host), *cleared)

    def _withheld(self, final: Withhold, comparison: Comparison) -> Withheld:
        """Close the new session too. The older sessions are moved from their own cookie names into the pending cookie."""
        sender = comparison.sender
        self._closer.close_issued(comparison.new, sender.browser_fields)
        self._tell("answer_withheld", {"reason": final.reason, "client": sender.head.client})
        older = tuple(dict.fromkeys((*sender.carried, *comparison.older.cookies)))
        return Withheld(Refuse(final.reason, revoked=True), self._pending_cookie.moved(sender.head, sender.living_cookies, older))
