"""Checks the cookies that an app sets: which of them go on to the browser, and with which ``Domain``.

An app must never set a cookie of the gateway's. It must also never set a session cookie for the login host: the browser would send it there
beside Okta's own, and the attacker who chose its value would choose the user. Every other line stays byte-identical. Sources: RFC 6265bis
§5.6 (how browsers read the line), §5.6.3 (``Domain``), §5.1.3 (which hosts a domain covers).
"""

import re
from collections.abc import Callable
from typing import Final

from gateway.policy.http.cookies import PASS_NAME, is_gateway_name, is_okta_name, line_without, set_cookie_name

KeepCookie = Callable[[bytes], bytes | None]
"""Returns the value of a ``Set-Cookie`` field for the browser: the same one, a changed one, or None to drop the line."""

MOST_ATTRIBUTES: Final = 100
"""Of one cookie. Browsers know ten."""
_OWN: Final = PASS_NAME.lower()
_BLANKS: Final = b" \t"
_PLAIN_DOMAIN: Final = re.compile(rb"[a-z0-9.-]*\Z")


def kept_cookie(line: bytes, login_host: str) -> bytes | None:
    """The line for the browser, the same object if nothing is changed; None if the cookie is dropped.

    Dropped are cookies of the gateway's, and cookies with a ``Domain`` and more than ``MOST_ATTRIBUTES`` attributes. A cookie with a name
    of Okta's, whose ``Domain`` covers the login host, loses that attribute: it is then for the app's own host only. ``login_host``: in
    lower case.
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
    # Every ``Domain`` is removed: browsers use the last one, but some skip an empty one and use the one before.
    return b";".join((first, *(one for one in attributes if not _is_domain(one))))


def _is_oktas(line: bytes, first: bytes) -> bool:
    """Whether the login host would read this pair as a cookie of Okta's, or find a session hidden in it (``a=1, sid=2``)."""
    return is_okta_name(set_cookie_name(line)) or line_without(first, _is_okta_cookie) != first


def _is_okta_cookie(name: bytes, value: bytes) -> bool:
    return is_okta_name(name)


def _is_domain(attribute: bytes) -> bool:
    return attribute.partition(b"=")[0].strip(_BLANKS).lower() == b"domain"


def _covers(value: bytes, login_host: str) -> bool:
    """Whether the login host may belong to this domain. True for unusual characters, because browsers may decode or map them."""
    domain = value.strip(_BLANKS + b'"').lower().strip(b".")
    if not _PLAIN_DOMAIN.match(domain):
        return True
    host = login_host.encode("ascii")
    return bool(domain) and (host == domain or host.endswith(b"." + domain))
