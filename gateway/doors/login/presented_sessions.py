"""Sessions that a browser presents although no answer through this gateway gave them: a sibling host or another tab may have set them.

Owns what happens to the browser's record before an app gets a pass for such a session: compares it with the known one, and ends the known
one if it is another user's. Must never admit another user before the end of the older session is proven.
"""

from dataclasses import replace

from gateway.doors.login.browsers import Browsers
from gateway.doors.login.login_browser import LoginBrowser
from gateway.doors.login.session_comparison import ASKING_SECONDS, SessionComparer
from gateway.doors.login.undecided_sessions import UndecidedSessions
from gateway.errors import TimedOut
from gateway.observe import Tell
from gateway.policy.session.browser_record import MOST_BEFORE, BrowserRecord, RecordState
from gateway.policy.session.session import Cookies, Session
from gateway.policy.switch.redemption import MOST_SESSION_COOKIES
from gateway.policy.switch.switch import is_proof_of_end
from gateway.sessions import Sessions


class PresentedSessions:
    """Handles such sessions for one login host."""

    def __init__(self, sessions: Sessions, browsers: Browsers, comparer: SessionComparer, undecided: UndecidedSessions, tell: Tell) -> None:
        """``undecided`` is asked first about a session for which Okta has not named a user."""
        self._sessions = sessions
        self._browsers = browsers
        self._comparer = comparer
        self._undecided = undecided
        self._tell = tell

    async def settle(self, sender: LoginBrowser) -> None:
        """Decide what is still open about this browser's session, before other code relies on the cookies that it presents.

        Raises ``OutsideFailed`` if the state is away. If Okta still names no user, it stays open.
        """
        arrived = await self._browsers.record_of(sender)
        if arrived.state is RecordState.SETTLED and set(sender.living_cookies) <= set(arrived.cookies):
            return
        async with self._browsers.leases.held(sender.lease_keys(self._sessions.fingerprints(sender.living_cookies))):
            record = await self._browsers.record_of(sender)
            if record.state is not RecordState.SETTLED:
                await self._undecided.decide(sender, sender.record_key, record)
            elif sender.living_cookies and record.cookies == arrived.cookies:
                # If the record changed, the browser signed in while this request waited: then its cookies are the older ones.
                await self._replace(sender, record)

    async def may_hand_out(self, sender: LoginBrowser, arrived: BrowserRecord) -> bool:
        """Called when an app gets a pass for the presented session.

        The session goes into the record, so the browser's next sign-in ends it.

        False if the browser was given another session since the request ``arrived``: then the pass must not be made. Okta may have named
        the session only after ``settle`` gave up. Raises ``OutsideFailed`` if the state is away, or if the browser has a session already
        that could not be compared with this one.
        """
        record = await self._browsers.record(sender.browser_id)
        if set(sender.living_cookies) <= set(record.cookies):
            return True
        async with self._browsers.leases.held(sender.lease_keys(self._sessions.fingerprints(sender.living_cookies))):
            record = await self._browsers.record(sender.browser_id)
            if record.cookies != arrived.cookies:
                # ``settle`` of this same request may have changed the record: it stored the living cookies, and left out dead ones.
                given, living = set(record.cookies), set(sender.living_cookies)
                return living <= given or (bool(given) and given <= living)
            if record.state is not RecordState.SETTLED:
                return await self._add_beside_open(sender, record)
            if not await self._replace(sender, record):
                if not all(self._sessions.is_revoked((cookie,)) for cookie in record.cookies):
                    raise TimedOut("first_byte")  # it has another session already, and Okta did not name this one in time
                known = tuple(dict.fromkeys((*record.cookies, *sender.living_cookies)))[-2 * MOST_SESSION_COOKIES :]
                await self._browsers.keep(sender.browser_id, record.given(known, ""))
        return True

    async def _replace(self, sender: LoginBrowser, record: BrowserRecord) -> bool:
        """Put the presented session into the record. If it is another user's than the known one, the known one is ended first.

        ``TimedOut`` if that end is not proven: then nobody is admitted, and the next request tries again. False if Okta names no user for
        the presented session. These cookies came from outside, so nothing says whose they are but Okta. From here on they count as the
        browser's: apps get a pass for them, which must end with them.
        """
        judgement = await self._sessions.judged(sender.living_cookies, sender.browser_fields, wait_seconds=ASKING_SECONDS)
        finding = judgement.finding
        if not isinstance(finding, Session):
            return False
        others = tuple(cookie for cookie in record.cookies if cookie not in judgement.living)
        rest = tuple(cookie for cookie in others if not self._sessions.is_revoked((cookie,)))
        # Revoked cookies are being closed already; here their end is not proven.
        unproven = (*record.before, *(cookie for cookie in others if cookie not in rest))
        if finding.user_id != record.user_id:
            await self._prove_ended(self._comparer.unproven(record, judgement.living), sender)
        if rest:
            known = finding.user_id == record.user_id
            was = finding if known else await self._comparer.who(rest, sender.browser_fields)
            if isinstance(was, Session) and was.user_id == finding.user_id:
                await self._sessions.adopt(rest, judgement.living)
            elif not is_proof_of_end(was):
                await self._prove_ended(rest, sender)
                self._tell("user_changed_without_token", {"client": sender.head.client})
        await self._browsers.keep(sender.browser_id, record.given(judgement.living, finding.user_id).with_unproven(unproven))
        return True

    async def _add_beside_open(self, sender: LoginBrowser, record: BrowserRecord) -> bool:
        """Handle a presented session that the browser was not given, while Okta has not named the user of the one that it was given.

        Another user's session is accepted only if all sessions that the browser was given are proven gone. ``TimedOut`` if they are not,
        or if Okta has not said whose the last session is: then nobody is admitted. False if Okta names no user for the presented session.
        """
        judgement = await self._sessions.judged(sender.living_cookies, sender.browser_fields, wait_seconds=ASKING_SECONDS)
        finding = judgement.finding
        if not isinstance(finding, Session):
            return False
        if set(judgement.living) <= set(record.all_cookies):
            return True
        if record.state is RecordState.UNDECIDED:
            raise TimedOut("first_byte")
        if finding.user_id == record.before_user_id:  # the user before: keep it beside the open one; both older ones end together
            before = tuple(dict.fromkeys((*record.before, *judgement.living)))
            await self._browsers.keep(sender.browser_id, replace(record, before=before[-MOST_BEFORE:]))
            return True
        rest = tuple(one for one in record.all_cookies if one not in judgement.living and not self._sessions.is_revoked((one,)))
        await self._prove_ended((*rest, *self._comparer.unproven(record, judgement.living)), sender)
        self._tell("user_changed_without_token", {"client": sender.head.client})
        await self._browsers.keep(sender.browser_id, record.given(judgement.living, finding.user_id))
        return True

    async def _prove_ended(self, cookies: Cookies, sender: LoginBrowser) -> None:
        """Close these cookies of the former user. ``TimedOut`` if Okta does not prove their end: then the next user must wait."""
        if cookies and not (await self._comparer.close(cookies, sender.browser_fields)).proven:
            raise TimedOut("first_byte")
