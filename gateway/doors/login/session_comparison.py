"""Compares the new session's user with the older session's user: runs the state machine ``policy.switch.new_session``.

Owns the questions to Okta and the closing for one comparison. Must never close a session of the new session's own user, and never send a
new cookie in a request that closes old ones. ``new_sessions`` decides what happens to the answer.
"""

from dataclasses import dataclass, field
from typing import assert_never

from gateway.closing.session_closer import Closer
from gateway.doors.login.login_browser import Cookies, LoginBrowser
from gateway.okta import Browser
from gateway.policy.session.session import Finding, NoSession, Session, Unknown
from gateway.policy.switch.new_session import (
    AskNew,
    AskOld,
    CloseCarried,
    CloseOld,
    Command,
    Deliver,
    Event,
    NamedNew,
    NamedOld,
    OldClosed,
    Withhold,
    begin,
    names_same_session,
    step,
)
from gateway.policy.switch.switch import Proven, Refuse, may_live
from gateway.sessions import Sessions

ASKING_SECONDS = 5.0
"""How long an answer waits for Okta to name the user of its session; the default of ``okta.first_byte_timeout``."""


@dataclass(slots=True)
class OlderSessions:
    """The sessions that a new one may replace, each with the user whom Okta named for it, or None.

    ``same`` collects those that turn out to be the new user's own: a sibling host may have planted another user's cookie beside them.
    """

    groups: list[tuple[Cookies, str | None]]
    same: Cookies = ()

    @property
    def cookies(self) -> Cookies:
        """The cookies of all of them, each once."""
        return tuple(dict.fromkeys(cookie for group, _ in self.groups for cookie in group))

    @property
    def ending(self) -> Cookies:
        """The cookies that end when another user's session begins."""
        return tuple(cookie for cookie in self.cookies if cookie not in self.same)

    @property
    def user_id(self) -> str | None:
        """The user of all of them, if every one is known and all are the same; else None."""
        users = {user for _, user in self.groups}
        return users.pop() if len(users) == 1 else None


@dataclass(slots=True)
class Comparison:
    """One run of the state machine. ``unproven``: sessions that this browser was given and whose closing still runs."""

    sender: LoginBrowser
    new: Cookies
    older: OlderSessions
    unproven: Cookies = ()
    session: Session | None = field(default=None)


class SessionComparer:
    """Runs comparisons."""

    def __init__(self, sessions: Sessions, closer: Closer) -> None:
        """``closer`` closes sessions, and tries again by itself if an end cannot be proven."""
        self._sessions = sessions
        self._closer = closer

    async def run(self, comparison: Comparison) -> Deliver | Withhold:
        """Run the state machine to its end. The caller holds the browser's lease."""
        state, command = begin(comparison.new, comparison.older.cookies, comparison.older.user_id, carries=bool(comparison.sender.carried))
        while not isinstance(command, Deliver | Withhold):
            state, command = step(state, await self._carry_out(command, comparison))
        return command

    async def _carry_out(self, command: Command, comparison: Comparison) -> Event:
        sender = comparison.sender
        match command:
            case CloseCarried():
                return await self.close(sender.carried, sender.browser)
            case AskNew():
                finding = await self.who(comparison.new, sender.browser)
                comparison.session = finding if isinstance(finding, Session) else None
                return NamedNew(finding)
            case AskOld():
                return NamedOld(await self._who_was(comparison))
            case CloseOld():
                return await self.close((*comparison.older.ending, *sender.carried), sender.browser)
            case Deliver() | Withhold():
                raise AssertionError("final commands are not carried out")
            case _:
                assert_never(command)

    async def who(self, cookies: Cookies, browser: Browser) -> Finding:
        """What Okta says about these cookies, now or a moment ago. Held cookies are asked about too."""
        return await self._sessions.current(cookies, browser, vouched=True, patience=ASKING_SECONDS, despite_hold=True)

    async def _who_was(self, comparison: Comparison) -> Finding:
        """What Okta says about the older sessions; each one is asked about by itself.

        A session of another user decides the result; if there is none, one about which Okta does not say.
        """
        session = comparison.session
        if session is None:
            raise AssertionError("the older sessions are asked about only once the new one is named")
        named = session.user_id
        findings: list[Finding] = []
        has_other, is_renewed = False, names_same_session(comparison.new, comparison.older.cookies)
        for cookies, user_id in comparison.older.groups:
            finding: Finding
            if user_id is None:
                finding = await self.who(cookies, comparison.sender.browser)
                user_id = finding.user_id if isinstance(finding, Session) else None
            else:
                finding = session  # stands for "the same user"
            if user_id == named:
                comparison.older.same = (*comparison.older.same, *cookies)
            has_other = has_other or user_id not in (None, named) or (may_live(finding) and not is_renewed)
            findings.append(finding)
        if has_other:
            other = next((one for one in findings if isinstance(one, Session) and one.user_id != named), None)
            return other if other is not None else _stranger(session)
        return next((one for kind in (Unknown, Session, NoSession) for one in findings if isinstance(one, kind)), NoSession("no_cookie"))

    async def close(self, cookies: Cookies, browser: Browser) -> OldClosed:
        """Revoke, close and verify these cookies."""
        final = await self._closer.close(cookies, browser)
        return OldClosed(isinstance(final, Proven), final.reason if isinstance(final, Refuse) else "")


def groups(cookies: Cookies, user_id: str | None) -> list[tuple[Cookies, str | None]]:
    """These cookies as groups that are one session each: one group if their user is known, else one group for each cookie.

    Why: Okta names one session for several cookies, and perhaps none of two cookies with the same name.
    """
    if user_id:
        return [(cookies, user_id)] if cookies else []
    return [((cookie,), None) for cookie in cookies]


def _stranger(session: Session) -> Session:
    """A placeholder session of another user than this one's, when only that fact is known."""
    return Session("", f"not {session.user_id}", "", session.expires_at)
