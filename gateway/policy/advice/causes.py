"""Extra advice when Okta refuses a call: one more sentence in ``errorCauses``, if the request itself shows what is wrong.

Holds the sentences, and for which requests and statuses they are given. It must never change a status or an error code, because programs
decide by them. Sources: Okta's Sessions API ("session cookies with browsers only"), Okta's guide about third-party cookies; Fetch Metadata.
"""

from dataclasses import dataclass
from typing import Final

from gateway.policy.advice.legacy_calls import legacy_call
from gateway.policy.http.cookies import session_cookies
from gateway.policy.http.messages import RequestHead

_ME: Final = frozenset(("/api/v1/sessions/me", "/api/v1/sessions/me/lifecycle/refresh"))
_METHODS: Final = frozenset(("GET", "POST", "DELETE"))


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence to add if Okta answers with one of these statuses. ``word`` names it in the log and the metrics."""

    word: str
    sentence: str
    statuses: frozenset[int]


SERVER_WITHOUT_COOKIE: Final = Advice(
    "server_without_cookie",
    "This call came without a session cookie. A session lives in the user's browser, so a server cannot read or end it by this call. Behind"
    " session-gateway it does not have to: send the browser to the link with the sessionToken, and the session before it is ended first. To"
    " sign somebody out, send the browser to /.gateway/sign-out.",
    frozenset((404,)),
)
OTHER_SITE_WITHOUT_COOKIE: Final = Advice(
    "other_site_without_cookie",
    "The browser sent no session cookie with this request of another site. Either nobody is signed in, or the browser blocks third-party"
    " cookies: then serve the page on the same site as this host, or send the browser itself to /.gateway/sign-out.",
    frozenset((404,)),
)
BY_ID: Final = Advice(
    "session_by_id",
    "Calls by session id need an API token or an administrator's session. For the user's own session use /api/v1/sessions/me instead.",
    frozenset((401, 403, 404)),
)
REFUSED_TOKEN: Final = Advice(
    "token_refused",
    "The session token was used before, is older than five minutes, is made up, or is of another org. Ask /api/v1/authn for a new one, and"
    " use it once.",
    frozenset((400, 401, 403)),
)
USED_TOKEN: Final = Advice(
    "token_used",
    "This session token was redeemed here before; it works once. POST /api/v1/sessions uses it up too, for a session that no browser has:"
    " send the browser to the link with a token that was not used.",
    frozenset((401,)),
)
UNCONFIRMED: Final = Advice(
    "confirmation_required",
    "A user must confirm this sign-in, and a script cannot ask. Let the browser navigate to the link, from a page of this site or of an"
    " origin in switch.trusted_origins.",
    frozenset((409,)),
)


def advice_for(head: RequestHead) -> Advice | None:
    """The advice for a request that is forwarded to Okta. None for nearly all requests."""
    if head.method not in _METHODS:
        return None
    if head.path in _ME:
        return without_cookie(head)
    return BY_ID if legacy_call(head) in ("session_read", "session_refreshed", "session_ended") else None


def without_cookie(head: RequestHead) -> Advice | None:
    """The advice for a call without a session cookie; None if it has one.

    ``Sec-Fetch-Site`` tells the two cases apart: browsers send it, programs do not.
    """
    if session_cookies(head.fields):
        return None
    sites = head.values(b"sec-fetch-site")
    if not sites:
        return SERVER_WITHOUT_COOKIE
    return OTHER_SITE_WITHOUT_COOKIE if sites == (b"cross-site",) else None
