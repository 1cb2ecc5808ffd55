"""What the tests of sign-ins without a token share: an assertion, and the look at who is signed in where."""

import base64
import html

from gateway.dev.standin import OrgSession, RunningOrg
from tests.dev.standin.browser import OrgBrowser


def saml_response(login: str) -> str:
    """An unsigned SAML response about a user, in base64."""
    text = (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">'
        '<saml:Assertion><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">'
        f"{html.escape(login)}</saml:NameID></saml:Subject></saml:Assertion></samlp:Response>"
    )
    return base64.b64encode(text.encode()).decode()


def enter(running: RunningOrg, browser: OrgBrowser, login: str) -> OrgSession:
    """Put the cookies of a new session into the browser."""
    session = running.org.sign_in(login)
    browser.cookies |= {"sid": session.sid or ""} | ({"idx": session.idx} if session.idx else {})
    return session


def logins(running: RunningOrg) -> list[str]:
    """The users of every live session, oldest first."""
    return [session.user.login for session in running.org.sessions.active()]
