"""The changes that the login door makes to header fields around a redemption: which cookies it removes, expires or passes on.

It must never send an old session cookie together with a token. It must never leave an old session cookie in the browser, unless the answer
sets that cookie again.
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
"""A browser has cookies of two names, and other hosts of the same site may have planted more. Each value costs requests to Okta."""


def are_too_many(cookies: Collection[SessionCookie]) -> bool:
    """Whether these session cookies are too many or too long for a real browser. Then Okta is not asked about them."""
    return len(cookies) > MOST_SESSION_COOKIES or any(len(cookie.value) > LARGEST_SESSION_COOKIE_BYTES for cookie in cookies)


def leaves_with_token(name: bytes, value: bytes) -> bool:
    """Whether a cookie must be removed from a request with a token: session cookies, their companions, and the gateway's cookies."""
    return name in OKTA_SESSION_NAMES or is_gateway_name(name)


def dead_or_ours(is_revoked: Callable[[SessionCookie], bool]) -> Callable[[bytes, bytes], bool]:
    """A filter for ordinary requests to the org: True for cookies to remove, which are the gateway's cookies and revoked sessions."""

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
    """The names of session cookies that an answer deletes and does not set again in a later line."""
    last: dict[bytes, bool] = {}
    for name, value in fields:
        if name.lower() == b"set-cookie" and set_cookie_name(value) in OKTA_SESSION_NAMES:
            last[set_cookie_name(value)] = bool(set_cookie_value(value).strip(b' "'))
    return frozenset(name for name, is_set in last.items() if not is_set)


def settled(fields: Fields, received_names: Collection[bytes], host: str) -> Fields:
    """The header fields of the answer to a redemption, as the browser gets them.

    ``received_names``: the cookie names in the request. Each session cookie that the answer does not set is deleted, even if it was not
    presented, because an earlier answer may have set it meanwhile. A presented cookie may come from another host of the same site, so it
    is deleted on the parent domains of ``host`` too. The pending cookies are deleted, because their sessions are proven gone.
    """
    old = {name for name in received_names if name in OKTA_SESSION_NAMES}
    planted = tuple(expired(name, parent) for parent in parent_domains(host) for name in sorted(old))
    carried = tuple(expired(name) for name in parts_of(PENDING_NAME) if name == PENDING_NAME or name in received_names)
    return (*planted, *fields, *expiries((old | set(SESSION_NAMES)) - names_set(fields), ()), *carried)


def expiries(names: Collection[bytes], parents: Collection[str]) -> Fields:
    """The ``Set-Cookie`` lines that delete cookies of these names, on this host and on the given parent domains."""
    return tuple(expired(name, domain) for name in sorted(names) for domain in (None, *parents))


def without_session(fields: Fields) -> Fields:
    """The fields of a late answer, without lines that would set a revoked session again or delete the next one."""
    return tuple(
        (name, value) for name, value in fields if name.lower() != b"set-cookie" or set_cookie_name(value) not in OKTA_SESSION_NAMES
    )


def without_deletions(fields: Fields) -> Fields:
    """The fields of an answer to a request without a living session, without deletions of session cookies.

    Okta's sign-in page deletes ``sid`` when the request has none. That could delete a session that another tab received meanwhile.
    """
    return tuple(
        (name, value)
        for name, value in fields
        if name.lower() != b"set-cookie" or set_cookie_name(value) not in OKTA_SESSION_NAMES or set_cookie_value(value).strip(b' "')
    )


def without_session_settings(fields: Fields) -> Fields:
    """The fields of an answer to a sign-out: deletions of session cookies stay, but lines that set one are removed."""
    return tuple(
        (name, value)
        for name, value in fields
        if name.lower() != b"set-cookie" or set_cookie_name(value) not in OKTA_SESSION_NAMES or not set_cookie_value(value).strip(b' "')
    )


def without_gateway_cookies(fields: Fields) -> Fields:
    """The fields of an answer of the org, without cookies that have names of the gateway."""
    return tuple((name, value) for name, value in fields if name.lower() != b"set-cookie" or not is_gateway_name(set_cookie_name(value)))


def relocated(fields: Fields, old_origin: str, new_origin: str, names: Collection[bytes]) -> Fields:
    """The fields with ``old_origin`` replaced by ``new_origin`` at the start of the named fields (for orgs without a custom domain)."""
    old, new = old_origin.encode(), new_origin.encode()
    return tuple(
        (name, new + value[len(old) :])
        if name.lower() in names and value.startswith(old) and value[len(old) : len(old) + 1] in (b"", b"/", b"?", b"#")
        else (name, value)
        for name, value in fields
    )


def parent_domains(host: str) -> tuple[str, ...]:
    """The parent domains of a host, down to two labels. Another host of such a domain can set cookies for all of it."""
    labels = host.split(".")
    return tuple(".".join(labels[start:]) for start in range(1, len(labels) - 1))


def location_of(fields: Fields) -> str:
    """The answer's ``Location``, if there is exactly one and it is printable ASCII without blanks; else empty."""
    found = [value.decode("latin-1") for name, value in fields if name.lower() == b"location"]
    return found[0] if len(found) == 1 and found[0].isascii() and found[0].isprintable() and " " not in found[0] else ""
