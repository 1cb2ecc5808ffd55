"""What a redemption sends and what its answer becomes: the stripped request, the expired cookies, the late answer.

Owns every change that the login door makes to fields around a switch. Must never let an old session cookie travel with a
token, nor leave one in the browser that the answer does not set anew.
"""

from collections.abc import Callable, Collection, Iterable

from gateway.policy.http.cookies import PENDING_NAME, expired, is_gateway_name, is_okta_name, parts_of, set_cookie_name, set_cookie_value
from gateway.policy.http.messages import Fields
from gateway.policy.session.session import COMPANION_NAMES, SESSION_NAMES, SessionCookie

OKTA_SESSION_NAMES = frozenset(SESSION_NAMES + COMPANION_NAMES)
ORG_ANSWER_BYTES = 4 * 1024 * 1024
"""The largest answer to a redemption; Okta's are redirects and small pages."""


MOST_SESSION_COOKIES = 8
LARGEST_SESSION_COOKIE_BYTES = 4096
"""What a browser has: two names, each perhaps planted once more by a sibling; each value is a question and a closing at Okta."""


def are_too_many(cookies: Collection[SessionCookie]) -> bool:
    """Whether no browser would present these session cookies, so that nobody is asked about them."""
    return len(cookies) > MOST_SESSION_COOKIES or any(len(cookie.value) > LARGEST_SESSION_COOKIE_BYTES for cookie in cookies)


def leaves_with_token(name: bytes, value: bytes) -> bool:
    """Whether a cookie must not travel with a token: every session cookie, its companions, and the gateway's own."""
    return name in OKTA_SESSION_NAMES or is_gateway_name(name)


def dead_or_ours(is_revoked: Callable[[SessionCookie], bool]) -> Callable[[bytes, bytes], bool]:
    """A filter for ordinary requests to the org: the gateway's cookies stay here, and revoked sessions are dead here too."""

    def unwanted(name: bytes, value: bytes) -> bool:
        return is_gateway_name(name) or (name in SESSION_NAMES and is_revoked(SessionCookie(name, value)))

    return unwanted


def names_set(fields: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """The cookie names that an answer sets or deletes."""
    return frozenset(set_cookie_name(value) for name, value in fields if name.lower() == b"set-cookie")


def cookies_set(fields: Iterable[tuple[bytes, bytes]]) -> tuple[SessionCookie, ...]:
    """The session cookies that the browser holds after this answer: the last line of each name, if it is no deletion."""
    last: dict[bytes, bytes] = {}
    for name, value in fields:
        if name.lower() == b"set-cookie" and (cookie := set_cookie_name(value)) in SESSION_NAMES:
            last[cookie] = set_cookie_value(value)
    return tuple(SessionCookie(name, value) for name, value in last.items() if value.strip(b' "'))


def okta_values(fields: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, ...]:
    """The values of all cookies of Okta's names that an answer sets, without quotes."""
    lines = (value for name, value in fields if name.lower() == b"set-cookie" and is_okta_name(set_cookie_name(value)))
    return tuple(value for value in (set_cookie_value(line).strip(b' \t"') for line in lines) if value)


def deleted_names(fields: Fields) -> frozenset[bytes]:
    """The names of session cookies that an answer deletes and does not set again behind that."""
    last: dict[bytes, bool] = {}
    for name, value in fields:
        if name.lower() == b"set-cookie" and set_cookie_name(value) in OKTA_SESSION_NAMES:
            last[set_cookie_name(value)] = bool(set_cookie_value(value).strip(b' "'))
    return frozenset(name for name, is_set in last.items() if not is_set)


def settled(fields: Fields, presented: Collection[bytes], host: str) -> Fields:
    """The answer to a redemption as the browser gets it.

    ``presented``: the cookie names that the request carried. Each session name that the answer does not set is expired, presented
    or not: an answer on its way may have brought it meanwhile. What was presented may have been planted by a sibling of
    ``host``, so it is expired on the parent domains too. The pending cookies are cleared: what they carried is proven gone.
    """
    old = {name for name in presented if name in OKTA_SESSION_NAMES}
    planted = tuple(expired(name, parent) for parent in parent_domains(host) for name in sorted(old))
    carried = tuple(expired(name) for name in parts_of(PENDING_NAME) if name == PENDING_NAME or name in presented)
    return (*planted, *fields, *expiries((old | set(SESSION_NAMES)) - names_set(fields), ()), *carried)


def expiries(names: Collection[bytes], parents: Collection[str]) -> Fields:
    """The lines that take cookies of these names out of the browser, on this host and on the given parent domains."""
    return tuple(expired(name, domain) for name in sorted(names) for domain in (None, *parents))


def without_session(fields: Fields) -> Fields:
    """A late answer: without any line that would put a revoked session back, or take the next one away."""
    return tuple(
        (name, value) for name, value in fields if name.lower() != b"set-cookie" or set_cookie_name(value) not in OKTA_SESSION_NAMES
    )


def without_deletions(fields: Fields) -> Fields:
    """The answer to a request without a live session: what it would delete can only be what another tab got meanwhile.

    Okta's sign-in page deletes ``sid`` whenever it saw none.
    """
    return tuple(
        (name, value)
        for name, value in fields
        if name.lower() != b"set-cookie" or set_cookie_name(value) not in OKTA_SESSION_NAMES or set_cookie_value(value).strip(b' "')
    )


def without_session_settings(fields: Fields) -> Fields:
    """The answer to a sign-out: its deletions stay, but it begins no session."""
    return tuple(
        (name, value)
        for name, value in fields
        if name.lower() != b"set-cookie" or set_cookie_name(value) not in OKTA_SESSION_NAMES or not set_cookie_value(value).strip(b' "')
    )


def without_gateway_cookies(fields: Fields) -> Fields:
    """An answer of the org without cookies in the gateway's own names."""
    return tuple((name, value) for name, value in fields if name.lower() != b"set-cookie" or not is_gateway_name(set_cookie_name(value)))


def relocated(fields: Fields, old_origin: str, new_origin: str, names: Collection[bytes]) -> Fields:
    """Fields of these names that begin with the old origin begin with the new one (for orgs without a custom domain)."""
    old, new = old_origin.encode(), new_origin.encode()
    return tuple(
        (name, new + value[len(old) :])
        if name.lower() in names and value.startswith(old) and value[len(old) : len(old) + 1] in (b"", b"/", b"?", b"#")
        else (name, value)
        for name, value in fields
    )


def parent_domains(host: str) -> tuple[str, ...]:
    """The parent domains of a host on which a sibling could have planted a cookie, down to two labels."""
    labels = host.split(".")
    return tuple(".".join(labels[start:]) for start in range(1, len(labels) - 1))
