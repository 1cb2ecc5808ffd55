"""What Okta says about session cookies before and after a closing. Nothing here changes a session.

A cookie that this gateway never saw as a session may be made up by an attacker. A question to Okta about such a cookie is a *guess*, and
``Sessions.alone`` limits guesses. Must never take an answer about several cookies for a proof about one of them.
"""

from gateway.okta import BrowserFields
from gateway.policy.http.cookies import repeated
from gateway.policy.session.cookies import split
from gateway.policy.session.session import Cookies, Finding, NoSession, Session, SessionCookie, Unknown
from gateway.policy.switch.switch import Identified, is_proof_of_end
from gateway.sessions import Sessions, SessionsApi


class CookieQuestions:
    """Asks Okta about cookies."""

    def __init__(self, sessions: Sessions, okta: SessionsApi) -> None:
        """``okta`` names the session of some cookies."""
        self._sessions = sessions
        self._okta = okta

    async def who(self, cookies: Cookies, browser: BrowserFields) -> Finding:
        """The session that any of these cookies carries. Repeated cookie names and revoked cookies do not hide a living session."""
        return (await self.ask(split(cookies)[0], browser)).finding

    async def has_ended(self, cookies: Cookies, browser: BrowserFields) -> bool:
        """Whether Okta proves that the session of at least one of these cookies is gone. It is asked about each cookie alone."""
        for cookie in split(cookies)[0]:
            if is_proof_of_end((await self.alone(cookie, browser))[0]):
                return True
        return False

    async def ask(self, cookies: Cookies, browser: BrowserFields) -> Identified:
        """Like ``who``, with the cookies that are proven gone."""
        living = tuple(dict.fromkeys(cookie for cookie in cookies if not self._sessions.is_revoked((cookie,))))
        together = () if repeated(living) else (living,)  # all in one request, as browsers send them; the session cache has this key
        findings: list[Finding] = []
        gone: list[SessionCookie] = []
        for chosen in dict.fromkeys((*together, *((cookie,) for cookie in living))):
            findings.append(await self._sessions.current(chosen, browser))
            if isinstance(findings[-1], Session):
                break
            if len(chosen) == 1 and is_proof_of_end(findings[-1]):
                gone.append(chosen[0])
        ranked = [finding for kind in (Session, Unknown, NoSession) for finding in findings if isinstance(finding, kind)]
        return Identified(ranked[0], frozenset(gone)) if ranked else Identified(NoSession("no_cookie"))

    async def alone(self, cookie: SessionCookie, browser: BrowserFields) -> tuple[Finding, Cookies]:
        """Okta's answer about one cookie, and the session cookies that this answer set.

        A question about a known cookie is sent at once. A question about a cookie that may be made up counts as a guess.
        """
        if not self._sessions.is_known(cookie):
            guess = await self._sessions.alone(cookie, browser)
            return guess.finding, guess.brought
        answer = await self._okta.session((cookie,), browser)
        if is_proof_of_end(answer.finding):
            self._sessions.note_gone(cookie)
        return answer.finding, answer.brought
