"""The sessions of a request: which live sessions its cookies name, and what a token changes.

Owns: the behaviour of Okta that is the reason for the gateway.
Must never: answer a request.
Rules, as Okta documents them. Where Okta is silent, the stand-in does what is worst for the gateway:

- Classic Engine: with a live `sid` a token is ignored, and stays valid (guide "session-cookie", its "Important" note).
- Identity Engine: with a live `sid` or a live `idx` a token is ignored too. Okta calls this case unsupported and says no more; that the
  token is ignored is our assumption.
- A dead cookie does not stop a token. The token is redeemed, once, and the cookies are overwritten.
- If a cookie name is sent twice, any live value counts.
- Identity Engine: if a browser has only `sid`, the answer sets `idx` too.
- A sign-in without a token (password, external provider, activation) always begins a new session. Whether Okta closes the session
  that the browser had is unknown; here it lives on, because that is worst for the gateway.
- The `cookieToken` of a session that a server opened gives a browser that session.
- Quirk `token-overrides-cookie`: a valid token begins a new session, and the old one lives on; an invalid token ends the old one.
"""

from dataclasses import dataclass
from enum import Enum, auto

from gateway.dev.standin.cookies import blank, device, servlet_session, session_cookie, theme
from gateway.dev.standin.org import Org
from gateway.dev.standin.parameters import Pairs
from gateway.dev.standin.quirks import SID_NOISE, TOKEN_OVERRIDES_COOKIE
from gateway.dev.standin.sessions import OrgSession
from gateway.dev.standin.tokens import Tokens
from gateway.dev.standin.users import User


class Redemption(Enum):
    """What happened to a token."""

    NONE = auto()
    IGNORED = auto()
    REDEEMED = auto()
    INVALID = auto()


@dataclass(frozen=True, slots=True)
class Presence:
    """The live sessions that the cookies name."""

    by_sid: OrgSession | None
    by_idx: OrgSession | None

    @property
    def current(self) -> OrgSession | None:
        """The session that counts. On Identity Engine `idx` is preferred to `sid`."""
        return self.by_idx or self.by_sid

    @property
    def sessions(self) -> list[OrgSession]:
        """All sessions that the cookies name, each once."""
        return [session for session in dict.fromkeys((self.by_idx, self.by_sid)) if session is not None]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who is signed in after a request that may carry a token, and the Set-Cookie lines that follow from it."""

    session: OrgSession | None
    redemption: Redemption
    set_cookies: tuple[str, ...] = ()


def presence(org: Org, cookies: Pairs) -> Presence:
    """Return the live sessions that these cookies name."""
    by_sid = [org.sessions.by_sid(value) for name, value in cookies if name == "sid" and value]
    by_idx = [org.sessions.by_idx(value) for name, value in cookies if name == "idx" and value and org.is_identity]
    return Presence(next(filter(None, by_sid), None), next(filter(None, by_idx), None))


def arrive(org: Org, cookies: Pairs, token: str | None, tokens: Tokens[User]) -> Arrival:
    """Return who is signed in for these cookies and, if there is one, this token. The token may open a session."""
    here = presence(org, cookies)
    if here.current is not None:
        org.sessions.refresh(here.current)
    overrides = org.has(TOKEN_OVERRIDES_COOKIE)
    if not token:
        return Arrival(here.current, Redemption.NONE)
    if here.current is not None and not overrides:
        return Arrival(here.current, Redemption.IGNORED)
    user = tokens.spend(token)
    if user is not None:
        return begin(org, cookies, user, became=Redemption.REDEEMED, by_factor=org.proven_factors.spend(token) is not None)
    opened = org.cookie_tokens.spend(token) if tokens is org.session_tokens else None
    if opened is not None and opened in org.sessions.active():
        return Arrival(opened, Redemption.REDEEMED, sign_in_cookies(org, opened, cookies))
    for session in here.sessions:
        org.sessions.end(session)
    return Arrival(None, Redemption.INVALID, ended_cookies(org) if here.current is not None else ())


def begin(
    org: Org, cookies: Pairs, user: User, *, idp_id: str | None = None, became: Redemption = Redemption.NONE, by_factor: bool = False
) -> Arrival:
    """Open a new session for a user. The session that the cookies name is not closed.

    `idp_id` is the external identity provider that signed the user in; None is the org itself. `by_factor`: a factor was checked too.
    """
    session = org.sessions.open(user, with_idx=org.is_identity)
    session.idp_id = idp_id
    if by_factor:
        org.sessions.verify(session)
    return Arrival(session, became, sign_in_cookies(org, session, cookies))


def sign_in_cookies(org: Org, session: OrgSession, cookies: Pairs) -> tuple[str, ...]:
    """Return the Set-Cookie lines of a sign-in. With `sid-noise`, in the order seen on Okta: deletion, deletion, sid, and sid again."""
    lines = [servlet_session()]
    if org.has(SID_NOISE):
        noise = 'sid="";Version=1;Path=/;Max-Age=0'
        lines = [noise, servlet_session(), theme(), device(), noise, session_cookie("sid", session.sid or ""), theme()]
    elif not any(name == "DT" for name, _ in cookies):
        lines.append(device())
    seconds = int(session.expires_at - session.created_at) if org.uses_persistent_cookies else None
    lines.append(session_cookie("sid", session.sid or "", seconds))
    if session.idx is not None:
        lines.append(session_cookie("idx", session.idx, seconds))
        lines.append(session_cookie("xids", session.xids))
        lines.append(session_cookie("myr", session.sid or ""))
    return tuple(lines)


def ended_cookies(org: Org) -> tuple[str, ...]:
    """Return the lines that empty every session cookie of this engine."""
    names = ("sid", "idx", "xids", "myr") if org.is_identity else ("sid",)
    return tuple(blank(name) for name in names)
