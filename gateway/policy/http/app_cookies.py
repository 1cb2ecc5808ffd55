"""Cookies that an app sets: which go on to the browser, and how far they may reach.

Owns what is done to one ``Set-Cookie`` line. Must never let an app set a cookie of the gateway's, or plant a session at the login host: a
browser would send it there beside Okta's own, and whoever chose it would be the user. Every other line stays byte-identical. Rules from:
RFC 6265bis §5.6 (how browsers read the line), §5.6.3 (Domain), §5.1.3 (which hosts a domain covers).
"""

import re
from collections.abc import Callable
from typing import Final

from gateway.policy.http.cookies import PASS_NAME, is_gateway_name, is_okta_name, line_without, set_cookie_name

KeepCookie = Callable[[bytes], bytes | None]
"""What becomes of the value of a ``Set-Cookie`` field: itself, another one, or None where it is dropped."""

MOST_ATTRIBUTES: Final = 100
"""Of one cookie. Browsers know ten."""
_OWN: Final = PASS_NAME.lower()
_BLANKS: Final = b" \t"
_PLAIN_DOMAIN: Final = re.compile(rb"[a-z0-9.-]*\Z")


def kept_cookie(line: bytes, login_host: str) -> bytes | None:
    """The line as it goes on, the same object where nothing is changed; None for a cookie of the gateway's, and for one with
    more attributes than anybody sets.

    A cookie of Okta's whose ``Domain`` covers the login host loses the attribute, so that it is for the app's own host alone.
    ``login_host``: in lower case.
    """
    lowered = line.lower()
    if _OWN in lowered and is_gateway_name(set_cookie_name(line)):
        return None
    if b"domain" not in lowered:
        return line
    if line.count(b";") > MOST_ATTRIBUTES:
        return None
    first, *attributes = line.split(b";")
    if not _is_oktas(line, first) or not any(_is_domain(one) and _covers(one.partition(b"=")[2], login_host) for one in attributes):
        return line
    # All of them go: browsers take the last one, but some skip an empty one.
    return b";".join((first, *(one for one in attributes if not _is_domain(one))))


def _is_oktas(line: bytes, first: bytes) -> bool:
    """Whether the login host would be sent this pair as a cookie of Okta's, or as one that hides a session (``a=1, sid=2``)."""
    return is_okta_name(set_cookie_name(line)) or line_without(first, _is_okta_cookie) != first


def _is_okta_cookie(name: bytes, value: bytes) -> bool:
    return is_okta_name(name)


def _is_domain(attribute: bytes) -> bool:
    return attribute.partition(b"=")[0].strip(_BLANKS).lower() == b"domain"


def _covers(value: bytes, login_host: str) -> bool:
    """Whether the login host is or may be of this domain: browsers decode escapes and map other letters, which is not repeated here."""
    domain = value.strip(_BLANKS + b'"').lower().strip(b".")
    if not _PLAIN_DOMAIN.match(domain):
        return True
    host = login_host.encode("ascii")
    return bool(domain) and (host == domain or host.endswith(b"." + domain))
