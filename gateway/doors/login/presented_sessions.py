"""Sessions that a browser presents although no answer through this gateway gave them: a sibling host or another tab may have set them.

Owns what happens to the browser's record then: compares the presented session with the known one, and ends the known one if it is another
user's. Must never admit another user before the end of the older session is proven. The caller holds the browser's lease.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from gateway.doors.login.browsers import Browsers
from gateway.doors.login.login_browser import Cookies, LoginBrowser
from gateway.doors.login.session_comparison import ASKING_SECONDS, SessionComparer
from gateway.errors import TimedOut
from gateway.policy.session.browser_record import MOST_BEFORE, BrowserRecord, SessionStanding
from gateway.policy.session.session import Session
from gateway.policy.switch.switch import is_proof_of_end
from gateway.sessions import Sessions

Tell = Callable[[str, Mapping[str, object]], None]


class PresentedSessions:
    """Handles such sessions for one login host."""

    def __init__(self, sessions: Sessions, browsers: Browsers, comparer: SessionComparer, tell: Tell) -> None:
        """``tell`` gets (event name, figures) for the log; never a cookie."""
        self._sessions = sessions
        self._browsers = browsers
        self._comparer = comparer
        self._tell = tell

    def unproven(self, record: BrowserRecord, begun: Cookies) -> Cookies:
        """Cookies that the browser was given, that are revoked, and whose end Okta has not proven yet.

        Their closing may still be running: the client that asked for it left, and did not get the pending cookie.
        """
        known = (cookie for cookie in record.all_cookies if cookie not in begun and self._sessions.is_known(cookie))
        return tuple(cookie for cookie in known if self._sessions.is_revoked((cookie,)))

    async def replace(self, sender: LoginBrowser, record: BrowserRecord) -> bool:
        """Put the presented session into the record. If it is another user's than the known one, the known one is ended first.

        ``TimedOut`` if that end is not proven: then nobody is admitted, and the next request tries again. False if Okta names no user for
        the presented session. These cookies came from outside, so nothing says whose they are but Okta. From here on they count as the
        browser's: apps get a pass for them, which must end with them.
        """
        judgement = await self._sessions.judged(sender.presented, sender.browser, patience=ASKING_SECONDS)
        finding = judgement.finding
        if not isinstance(finding, Session):
            return False
        others = tuple(cookie for cookie in record.cookies if cookie not in judgement.living)
        rest = tuple(cookie for cookie in others if not self._sessions.is_revoked((cookie,)))
        # Revoked cookies are being closed already; here their end is not proven.
        unproven = (*record.before, *(cookie for cookie in others if cookie not in rest))
        if finding.user_id != record.user_id:
            await self._prove_ended(self.unproven(record, judgement.living), sender)
        if rest:
            known = finding.user_id == record.user_id
            was = finding if known else await self._comparer.who(rest, sender.browser)
            if isinstance(was, Session) and was.user_id == finding.user_id:
                await self._sessions.adopt(rest, judgement.living)
            elif not is_proof_of_end(was):
                await self._prove_ended(rest, sender)
                self._tell("user_changed_without_token", {"client": sender.head.client})
        await self._browsers.keep(sender.browser_id, record.given(judgement.living, finding.user_id).with_unproven(unproven))
        return True

    async def has_come_between(self, sender: LoginBrowser, record: BrowserRecord) -> bool:
        """Handle a presented session that the browser was not given, while Okta has not named the user of the one that it was given.

        Another user's session is accepted only if all sessions that the browser was given are proven gone. ``TimedOut`` if they are not,
        or if Okta has not said whose the last session is: then nobody is admitted. False if Okta names no user for the presented session.
        """
        judgement = await self._sessions.judged(sender.presented, sender.browser, patience=ASKING_SECONDS)
        finding = judgement.finding
        if not isinstance(finding, Session):
            return False
        if set(judgement.living) <= set(record.all_cookies):
            return True
        if record.standing is SessionStanding.UNDECIDED:
            raise TimedOut("first_byte")
        if finding.user_id == record.before_user_id:  # the user before: keep it beside the open one; both older ones end together
            before = tuple(dict.fromkeys((*record.before, *judgement.living)))
            await self._browsers.keep(sender.browser_id, replace(record, before=before[-MOST_BEFORE:]))
            return True
        rest = tuple(one for one in record.all_cookies if one not in judgement.living and not self._sessions.is_revoked((one,)))
        await self._prove_ended((*rest, *self.unproven(record, judgement.living)), sender)
        self._tell("user_changed_without_token", {"client": sender.head.client})
        await self._browsers.keep(sender.browser_id, record.given(judgement.living, finding.user_id))
        return True

    async def _prove_ended(self, cookies: Cookies, sender: LoginBrowser) -> None:
        """Close these cookies of the former user. ``TimedOut`` if Okta does not prove their end: then the next user must wait."""
        if cookies and not (await self._comparer.close(cookies, sender.browser)).proven:
            raise TimedOut("first_byte")
