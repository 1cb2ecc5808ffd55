"""The recognition of Okta's endpoints by their path, in any spelling of the path.

Here a *place* is one of Okta's endpoints, such as ``/login/sessionCookieRedirect``. Servers differ in what they drop and decode first (path
parameters, encoded slashes, dot segments, control characters). So the path is not parsed. Instead, a path leads to a place if the words of
the place are segments of any decoding of the path, in the right order. That finds too many places rather than too few, which is the safe
side (see org_requests).

A word counts only as a whole segment. It must begin the segment, and a character that cannot be in a name (``;``, ``.``, ``,``, a blank,
the end …) must end it. So ``/login/signout;x`` and ``/login/signout.do`` are the sign-out, but the app link ``/home/acme-signout/0oa1`` is
not.

Each check is one pass over the text. Each word is searched only after the position of the word before, so nothing is tried twice.
Sources: Okta's API reference (Sessions, OIDC & OAuth 2.0), Okta's session cookie guide; RFC 3986 §3.3.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from gateway.memo import Memo
from gateway.policy.http.percent import printable, unescaped

TOKEN_NAMES: Final = frozenset({"sessiontoken", "onetimetoken"})
_AT_COOKIE_REDIRECT: Final = TOKEN_NAMES | {"token"}
_AT_STATE_REDIRECT: Final = TOKEN_NAMES | {"statetoken"}

LONGEST_PATH: Final = 4096
"""Characters. A longer path is not judged; Okta's paths have less than 300. Judging 4 KiB takes less than 1 ms."""

MOST_DECODINGS: Final = 3
LONGEST_NESTED: Final = 1024
"""Characters. A longer path that is still escaped after one decoding is not judged either."""

_UP: Final = ".."
_COOKIE: Final = "sessioncookie"
_NAMES_OF_PLACES: Final = (
    "api app authorize delete_sessions home login logout me oauth2 par redirect sessions signout slo step-up token userhome"
)
# The word sessioncookie stands for sessionCookieRedirect, sessionCookie (the path of Okta's cookieTokenUrl), and all that begins so.
_SEGMENT: Final = re.compile(
    rf"(?:\A|[/\\])\s*(?:({_COOKIE})|((?:{_NAMES_OF_PLACES.replace(' ', '|')})(?![\w-])|\.\.(?![^;\s/\\])))", re.ASCII
)


class SignOutKind(Enum):
    """The ways to end a session at Okta."""

    API = auto()
    """``DELETE /sessions/me``: a script of another site needs Okta's permission first (CORS preflight)."""
    PAGE = auto()
    """``/login/signout``: each browser that opens it is signed out."""
    OIDC = auto()
    """``/oauth2/…/logout``: Okta ends only the session that belongs to the ``id_token_hint``."""
    SAML = auto()
    """``/app/…/slo/saml``: Okta ends the session after a request that the app has signed."""


@dataclass(frozen=True, slots=True)
class OrgPath:
    """The known words in a path. ``readings``: for each decoding of the path, the known words in their order.

    ``is_too_long``: the path was not judged, so it may lead to any place.
    """

    readings: tuple[tuple[str, ...], ...]
    is_too_long: bool = False

    @classmethod
    def of(cls, path: str) -> "OrgPath":
        """The words of a path as it was sent: decoded up to three times, with and without unprintable characters, in any case."""
        return _PLACES[path]

    @classmethod
    def judged(cls, path: str) -> "OrgPath":
        """The same as ``of``, without the cache."""
        if len(path) > LONGEST_PATH:
            return cls((), is_too_long=True)
        spellings = [path]
        for count in range(MOST_DECODINGS):
            decoded = unescaped(spellings[-1])
            if decoded == spellings[-1]:
                break
            if count and len(decoded) > LONGEST_NESTED:
                return cls((), is_too_long=True)
            spellings.append(decoded)
        texts = dict.fromkeys((*spellings, *map(printable, spellings)))
        return cls(tuple(dict.fromkeys(_words(text.casefold()) for text in texts)))

    def _has(self, *words: str) -> bool:
        """Whether these words come in this order in some decoding; other segments may be between them."""
        for reading in self.readings:  # noqa: SIM110 - a generator takes twice as long, and this is asked ten times for each request
            if words[0] in reading and _follow(reading, words):
                return True
        return False

    @property
    def names(self) -> frozenset[str]:
        """The parameter names, folded, that mean a token here."""
        at_cookie = _AT_COOKIE_REDIRECT if self.is_cookie_redirect else TOKEN_NAMES
        return at_cookie | (_AT_STATE_REDIRECT if self._is_state_redirect else TOKEN_NAMES)

    @property
    def is_cookie_redirect(self) -> bool:
        """``/login/sessionCookieRedirect`` or ``/login/sessionCookie``."""
        return self._has(_COOKIE)

    @property
    def _is_state_redirect(self) -> bool:
        """``/login/token/redirect``, ``/idp/idx/login/token/redirect``, ``/login/step-up/redirect`` or ``/app/UserHome``."""
        return self._has("token", "redirect") or self._has("step-up", "redirect") or self._has("userhome")

    @property
    def needs_token(self) -> bool:
        """Whether a request here has no meaning without a token."""
        return self.is_cookie_redirect or self._is_state_redirect

    @property
    def is_authorize(self) -> bool:
        """``/oauth2/…/authorize``."""
        return self._has("oauth2", "authorize")

    @property
    def is_pushed(self) -> bool:
        """``/oauth2/…/par``, which stores the parameters of a later authorize request (RFC 9126)."""
        return self._has("oauth2", "par")

    @property
    def is_link(self) -> bool:
        """``/app/…``, ``/home/…`` or ``/api/v1/sessions``."""
        return self._has("app") or self._has("home") or self._has("api", "sessions")

    @property
    def takes_tokens_in_bodies(self) -> bool:
        """Whether a token could come in a body here. If such a body cannot be read, that is a doubt."""
        return self.needs_token or self.is_authorize or self.is_pushed or self.is_link

    @property
    def takes_bodies(self) -> bool:
        """Whether the body decides what the request is: it may hold a token, an ``id_token_hint``, or ``keepCurrent``."""
        says_more = self._is_oidc_logout or self._has("api", "delete_sessions")
        return self.is_too_long or says_more or self.takes_tokens_in_bodies

    @property
    def sign_out_kind(self) -> "SignOutKind | None":
        """The kind of sign-out of a GET, HEAD or POST here, or None."""
        if any(_is_sign_out(reading) for reading in self.readings):
            return SignOutKind.PAGE
        if self._is_oidc_logout:
            return SignOutKind.OIDC
        return SignOutKind.SAML if self._has("app", "slo") else None

    @property
    def _is_oidc_logout(self) -> bool:
        return self._has("oauth2", "logout")

    @property
    def is_current_session(self) -> bool:
        """Whether a DELETE here closes the browser's session."""
        return self._has("api", "sessions", "me")


_PLACES: Final = Memo(OrgPath.judged)


def _words(folded: str) -> tuple[str, ...]:
    return tuple([cookie or word for cookie, word in _SEGMENT.findall(folded)])


def _follow(reading: tuple[str, ...], words: tuple[str, ...]) -> bool:
    at = 0
    for word in words:
        try:
            at = reading.index(word, at) + 1
        except ValueError:
            return False
    return True


def _is_sign_out(reading: tuple[str, ...]) -> bool:
    """Whether the path is ``/login/signout``, or ``/signout`` alone.

    ``signout`` may be the name of an app, as in ``/home/signout/0oa1``. That is no sign-out, unless the path also has a ``..`` segment.
    """
    if "signout" not in reading:
        return False
    return _follow(reading, ("login", "signout")) or _UP in reading or ("home" not in reading and "app" not in reading)
