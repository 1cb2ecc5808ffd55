"""Whose is the new session, and whose was the older one: drives ``policy.switch.new_session`` through Sessions and the closer.

Owns the questions and the closing of one comparison. It must never close a session of the new session's own user, nor send a new cookie
among those that it closes. What becomes of the answer is ``new_sessions``'.
"""

from dataclasses import dataclass, field
from typing import assert_never

from gateway.doors.login.sender import Cookies, LoginBrowser
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
from gateway.session_closer import Closer
from gateway.sessions import Sessions

ASKING_SECONDS = 5.0
"""How long an answer waits for Okta to say who its session is; the default of ``okta.first_byte_timeout``."""


@dataclass(slots=True)
class OlderSessions:
    """The sessions that a new one may take the place of, each with the user whom Okta named for it, or None.

    ``same`` collects those that turned out to be the new user's own: a sibling host may have planted another user's cookie beside them.
    """

    groups: list[tuple[Cookies, str | None]]
    same: Cookies = ()

    @property
    def cookies(self) -> Cookies:
        """All of them, each once."""
        return tuple(dict.fromkeys(cookie for group, _ in self.groups for cookie in group))

    @property
    def ending(self) -> Cookies:
        """Those that end when another user's session begins."""
        return tuple(cookie for cookie in self.cookies if cookie not in self.same)

    @property
    def user_id(self) -> str | None:
        """The one user of all of them, where every one is known and they agree."""
        users = {user for _, user in self.groups}
        return users.pop() if len(users) == 1 else None


@dataclass(slots=True)
class Comparison:
    """One run of the machine. ``unproven``: sessions that this browser was given and whose closing is still under way."""

    sender: LoginBrowser
    new: Cookies
    older: OlderSessions
    unproven: Cookies = ()
    session: Session | None = field(default=None)


class SessionComparer:
    """Runs comparisons."""

    def __init__(self, sessions: Sessions, closer: Closer) -> None:
        """``closer`` goes on trying where an end cannot be proven."""
        self._sessions = sessions
        self._closer = closer

    async def run(self, comparison: Comparison) -> Deliver | Withhold:
        """Drive the machine to its end. The caller holds the browser's turn."""
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
        """Who Okta says these cookies are, or said a moment ago; held cookies too."""
        return await self._sessions.current(cookies, browser, vouched=True, patience=ASKING_SECONDS, despite_hold=True)

    async def _who_was(self, comparison: Comparison) -> Finding:
        """Who the older sessions are, each asked about by itself; one of another user decides, then one that Okta does not speak of."""
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
    """These cookies in groups that are one session each: all of them where their user is known, else every one by itself.

    Okta names one session for several cookies, and of a name that is there twice perhaps neither.
    """
    if user_id:
        return [(cookies, user_id)] if cookies else []
    return [((cookie,), None) for cookie in cookies]


def _stranger(session: Session) -> Session:
    """A session of another user than this one, where only that fact is known."""
    return Session("", f"not {session.user_id}", "", session.expires_at)
