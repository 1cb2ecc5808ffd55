"""Which place of Okta's a path leads to, in whatever spelling.

Owns the words by which a place is known. A path is not parsed: parsers differ in what they drop and decode first (path
parameters, encoded slashes, dot segments, control characters), so a place counts wherever its words stand in any of the path's
decodings. That finds too much rather than too little, which is the right side: see org_requests. Rules from: OKTA section 2.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import unquote

TOKEN_NAMES = frozenset({"sessiontoken", "onetimetoken"})
_AT_COOKIE_REDIRECT = TOKEN_NAMES | {"token"}
_AT_STATE_REDIRECT = TOKEN_NAMES | {"statetoken"}

_COOKIE_REDIRECT = re.compile(r"sessioncookie")  # sessionCookieRedirect, and sessionCookie, the address of Okta's cookieTokenUrl
_STATE_REDIRECT = re.compile(r"(?:token|step-up).*redirect|userhome", re.DOTALL)
_AUTHORIZE = re.compile(r"authorize")
_PUSHED = re.compile(r"oauth2.*\bpar\b", re.DOTALL)
_LINK = re.compile(r"\b(?:app|home)\b|api.*\bsessions\b", re.DOTALL)
_CLOSE = re.compile(r"api.*\bsessions\b.*\bme\b", re.DOTALL)
_OKTA_SIGN_OUT = re.compile(r"\bsignout\b")
_OIDC_LOGOUT = re.compile(r"oauth2.*\blogout\b", re.DOTALL)


class Ending(Enum):
    """The three ways to end a session at Okta."""

    API = auto()
    """``DELETE /sessions/me``: another site's script needs Okta's leave first (CORS preflight)."""
    PAGE = auto()
    """``/login/signout``: whoever opens it is signed out."""
    OIDC = auto()
    """``/oauth2/…/logout``: Okta ends only the session whose ``id_token_hint`` it is shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """The decodings of a path, and which words of Okta's are in any of them."""

    spellings: tuple[str, ...]

    @classmethod
    def of(cls, path: str) -> "Place":
        """The place of a path as sent: decoded up to three times, with and without what cannot be printed, in lower case."""
        decoded = [path]
        for _ in range(3):
            decoded.append(unquote(decoded[-1]))
        texts = [text.casefold() for text in decoded]
        return cls(tuple(dict.fromkeys((*texts, *("".join(filter(str.isprintable, text)) for text in texts)))))

    def _has(self, words: re.Pattern[str]) -> bool:
        return any(words.search(text) for text in self.spellings)

    @property
    def names(self) -> frozenset[str]:
        """The parameter names, folded, that mean a token here."""
        at_cookie = _AT_COOKIE_REDIRECT if self.is_cookie_redirect else TOKEN_NAMES
        return at_cookie | (_AT_STATE_REDIRECT if self._has(_STATE_REDIRECT) else TOKEN_NAMES)

    @property
    def is_cookie_redirect(self) -> bool:
        """``/login/sessionCookieRedirect`` or ``/login/sessionCookie``."""
        return self._has(_COOKIE_REDIRECT)

    @property
    def needs_token(self) -> bool:
        """Whether a request here has no meaning without a token."""
        return self.is_cookie_redirect or self._has(_STATE_REDIRECT)

    @property
    def is_authorize(self) -> bool:
        """``/oauth2/…/authorize``."""
        return self._has(_AUTHORIZE)

    @property
    def is_pushed(self) -> bool:
        """``/oauth2/…/par``, which keeps an authorize request's parameters for later."""
        return self._has(_PUSHED)

    @property
    def takes_bodies(self) -> bool:
        """Whether a token could come in a body here."""
        return self.needs_token or self.is_authorize or self.is_pushed or self._has(_LINK)

    @property
    def ending(self) -> "Ending | None":
        """How a GET, HEAD or POST here ends a session, if it does."""
        if self._has(_OKTA_SIGN_OUT):
            return Ending.PAGE
        return Ending.OIDC if self._has(_OIDC_LOGOUT) else None

    @property
    def is_current_session(self) -> bool:
        """Whether a DELETE here closes the browser's session."""
        return self._has(_CLOSE)
