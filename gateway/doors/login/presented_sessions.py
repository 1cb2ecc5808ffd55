"""A session that a browser presents, though no answer that passed through here gave it: a sibling host, or another tab, may have.

Owns what becomes of the browser's record then: drives the comparison of the two, and the end of the one before. It must never let another
user in before the end of the session before is proven. The caller holds the browser's turn.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from gateway.doors.login.browsers import Browsers
from gateway.doors.login.sender import Cookies, LoginBrowser
from gateway.doors.login.session_comparison import ASKING_SECONDS, SessionComparer
from gateway.errors import TimedOut
from gateway.policy.session.browser_record import MOST_BEFORE, BrowserRecord, SessionStanding
from gateway.policy.session.session import Session
from gateway.policy.switch.switch import is_proof_of_end
from gateway.sessions import Sessions

Tell = Callable[[str, Mapping[str, object]], None]


class PresentedSessions:
    """Those of one login host."""

    def __init__(self, sessions: Sessions, browsers: Browsers, comparer: SessionComparer, tell: Tell) -> None:
        """``tell`` gets (event name, figures) for the log; never a cookie."""
        self._sessions = sessions
        self._browsers = browsers
        self._comparer = comparer
        self._tell = tell

    def unproven(self, record: BrowserRecord, begun: Cookies) -> Cookies:
        """What the browser was given and is refused by now, but Okta has not said that it is gone.

        Its closing may still be under way: the client that asked for it left, and was never told to carry these cookies.
        """
        known = (cookie for cookie in record.all_cookies if cookie not in begun and self._sessions.is_known(cookie))
        return tuple(cookie for cookie in known if self._sessions.is_revoked((cookie,)))

    async def replace(self, sender: LoginBrowser, record: BrowserRecord) -> bool:
        """The browser presents a session that did not come through here: where it is another user's, the known one ends first.

        ``TimedOut`` where that end is not proven: then nobody is let in, and the next request tries again. False where Okta names nobody
        for it. Nobody vouches for these cookies. From here on they are the browser's: apps get a pass for them, which must end with them.
        """
        judgement = await self._sessions.judged(sender.presented, sender.browser, patience=ASKING_SECONDS)
        finding = judgement.finding
        if not isinstance(finding, Session):
            return False
        others = tuple(cookie for cookie in record.cookies if cookie not in judgement.living)
        rest = tuple(cookie for cookie in others if not self._sessions.is_revoked((cookie,)))
        # What is refused already is being closed; its end is not proven here.
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
        """The browser presents a session that it was not given, while it is open whose the one is that it was given last.

        Another user's comes in only where all that the browser was given is proven gone. ``TimedOut`` where it is not, and where Okta has
        not said whose that session is: then nobody is let in. False where Okta names nobody for what is presented.
        """
        judgement = await self._sessions.judged(sender.presented, sender.browser, patience=ASKING_SECONDS)
        finding = judgement.finding
        if not isinstance(finding, Session):
            return False
        if set(judgement.living) <= set(record.all_cookies):
            return True
        if record.standing is SessionStanding.UNDECIDED:
            raise TimedOut("first_byte")
        if finding.user_id == record.before_user_id:  # it goes on beside the one that waits, and ends with the session before
            before = tuple(dict.fromkeys((*record.before, *judgement.living)))
            await self._browsers.keep(sender.browser_id, replace(record, before=before[-MOST_BEFORE:]))
            return True
        rest = tuple(one for one in record.all_cookies if one not in judgement.living and not self._sessions.is_revoked((one,)))
        await self._prove_ended((*rest, *self.unproven(record, judgement.living)), sender)
        self._tell("user_changed_without_token", {"client": sender.head.client})
        await self._browsers.keep(sender.browser_id, record.given(judgement.living, finding.user_id))
        return True

    async def _prove_ended(self, cookies: Cookies, sender: LoginBrowser) -> None:
        """Close these cookies of the user before. ``TimedOut`` where Okta does not prove that they are gone: then the next user waits."""
        if cookies and not (await self._comparer.close(cookies, sender.browser)).proven:
            raise TimedOut("first_byte")
