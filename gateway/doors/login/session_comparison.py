"""Compares the new session's user with the older session's user, and makes the result valid: runs ``policy.switch.new_session``.

Owns the questions to Okta and the closing for one comparison, and what a decision changes: revocations, the browser's record, the audit
log. Must never close a session of the new session's own user, and never send a new cookie in a request that closes old ones.
``new_sessions`` decides what happens to the answer.
"""

from dataclasses import dataclass
from typing import assert_never

from gateway.closing.session_closer import Closer
from gateway.doors.login.browsers import Browsers
from gateway.doors.login.login_browser import LoginBrowser
from gateway.doors.login.switch_audit import SwitchAudit
from gateway.okta import BrowserFields
from gateway.policy.session.browser_record import BrowserRecord
from gateway.policy.session.session import Cookies, Finding, Session
from gateway.policy.switch import new_session as machine
from gateway.policy.switch.older_sessions import OlderSessions, as_finding, compared, recorded
from gateway.policy.switch.switch import Proven, Refuse
from gateway.sessions import Sessions

ASKING_SECONDS = 5.0
"""How long an answer waits for Okta to name the user of its session; the default of ``okta.first_byte_timeout``."""


@dataclass(slots=True)
class Comparison:
    """One run of the state machine: the new session's cookies, and the older sessions. ``session``: the new one, once Okta has named it."""

    sender: LoginBrowser
    new: Cookies
    older: OlderSessions
    session: Session | None = None


class SessionComparer:
    """Runs comparisons. For every call, the caller holds the browser's lease."""

    def __init__(self, sessions: Sessions, closer: Closer, browsers: Browsers, audit: SwitchAudit) -> None:
        """``closer`` closes sessions, and tries again by itself if an end cannot be proven."""
        self._sessions = sessions
        self._closer = closer
        self._browsers = browsers
        self._audit = audit

    async def run(self, comparison: Comparison) -> machine.Deliver | machine.Withhold:
        """Run the state machine to its end. If another user's session begins, the older one is refused everywhere after this."""
        state, command = machine.begin(
            comparison.new, comparison.older.cookies, comparison.older.user_id, carries=bool(comparison.sender.carried)
        )
        while not isinstance(command, machine.Deliver | machine.Withhold):
            state, command = machine.step(state, await self._carry_out(command, comparison))
        if isinstance(command, machine.Deliver) and command.why is machine.DeliveryReason.OTHER_USER:
            # If Okta said that the older session is gone already, nothing was closed; but its passes must be revoked too.
            await self._sessions.revoke(comparison.older.to_end)
        return command

    async def _carry_out(self, command: machine.Command, comparison: Comparison) -> machine.Event:
        sender = comparison.sender
        match command:
            case machine.CloseCarried():
                return await self.close(sender.carried, sender.browser_fields)
            case machine.AskNew():
                finding = await self.who(comparison.new, sender.browser_fields)
                comparison.session = finding if isinstance(finding, Session) else None
                return machine.NamedNew(finding)
            case machine.AskOld():
                return machine.NamedOld(await self._who_was(comparison))
            case machine.CloseOld():
                return await self.close((*comparison.older.to_end, *sender.carried), sender.browser_fields)
            case machine.Deliver() | machine.Withhold():
                raise AssertionError("final commands are not carried out")
            case _:
                assert_never(command)

    async def who(self, cookies: Cookies, browser: BrowserFields) -> Finding:
        """What Okta says about these cookies, now or a moment ago. Held cookies are asked about too."""
        return await self._sessions.current(cookies, browser, vouched=True, wait_seconds=ASKING_SECONDS, despite_hold=True)

    async def _who_was(self, comparison: Comparison) -> Finding:
        """What Okta says about the older sessions; each one without a known user is asked about by itself."""
        session, older = comparison.session, comparison.older
        if session is None:
            raise AssertionError("the older sessions are asked about only once the new one is named")
        findings = [
            as_finding(user_id, session) if user_id is not None else await self.who(cookies, comparison.sender.browser_fields)
            for cookies, user_id in older.groups
        ]
        comparison.older, finding = compared(older, session, findings, machine.names_same_session(comparison.new, older.cookies))
        return finding

    async def close(self, cookies: Cookies, browser: BrowserFields) -> machine.OldClosed:
        """Revoke, close and verify these cookies."""
        final = await self._closer.close(cookies, browser)
        return machine.OldClosed(isinstance(final, Proven), final.reason if isinstance(final, Refuse) else "")

    def unproven(self, record: BrowserRecord, begun: Cookies) -> Cookies:
        """Cookies that the browser was given, that are revoked, and whose end Okta has not proven yet.

        Their closing may still be running: the client that asked for it left, and did not get the pending cookie.
        """
        known = (cookie for cookie in record.all_cookies if cookie not in begun and self._sessions.is_known(cookie))
        return tuple(cookie for cookie in known if self._sessions.is_revoked((cookie,)))

    async def store(self, final: machine.Deliver, comparison: Comparison, record: BrowserRecord, unproven: Cookies, key: bytes) -> None:
        """Store what was decided in the browser's record, and then make it valid for the app hosts.

        ``record``: the browser's record so far. ``unproven``: cookies whose end is not proven. ``key``: the key of the record, or empty.
        A process that has lost its lease cannot store the record, and stops there. Raises ``OutsideFailed``.
        """
        older, new = comparison.older, comparison.new
        if key:
            after = recorded(final, new, older, comparison.sender.living_cookies, record)
            await self._browsers.keep_at(key, after.with_unproven(unproven))
        client = comparison.sender.head.client
        match final.why:
            case machine.DeliveryReason.SAME_USER:
                await self._sessions.adopt(older.cookies, new)
                await self._sessions.release((*older.cookies, *new))
            case machine.DeliveryReason.OTHER_USER:
                await self._sessions.release((*older.same, *new))
                self._audit.taken_over(older.user_id or "", final.session, client)
                self._audit.tell("user_changed_without_token", {"client": client})
                if older.same:
                    await self._sessions.adopt(older.same, new)
            case machine.DeliveryReason.FIRST:
                self._audit.signed_in(final.session.user_id if final.session is not None else "", new, client, "okta")
            case machine.DeliveryReason.NOBODY_YET | machine.DeliveryReason.UNDECIDED:
                return
            case _:
                assert_never(final.why)
