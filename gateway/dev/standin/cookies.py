"""Cookies on the wire: the raw Cookie field in, Set-Cookie lines out.

Owns: the spelling of Okta's cookies.
Must never: use a cookie parser that drops or folds anything (a repeated name keeps every value, in order).
Rules: traces of Classic and Identity Engine sign-ins: `sid=102…;Version=1;Path=/;Secure;HttpOnly;SameSite=None`, no Domain; deletions
`sid="";Version=1;Path=/;Max-Age=0`, without the attributes of the cookie that they delete.
"""

import secrets
from collections.abc import Iterable

SESSION_COOKIE_NAMES = ("sid", "idx")
_DEVICE_SECONDS = 63_072_000


def cookie_pairs(fields: Iterable[str]) -> list[tuple[str, str]]:
    """Return every name and value of the Cookie fields, in order, repeated names included, surrounding quotes removed."""
    pairs = []
    for field in fields:
        for part in field.split(";"):
            name, equals, value = part.strip().partition("=")
            if equals:
                pairs.append((name.strip(), value.strip().strip('"')))
    return pairs


def session_cookie(name: str, value: str, seconds: int | None = None) -> str:
    """Return the line that sets one of Okta's session cookies; with `seconds` it outlives the browser's process."""
    lasting = f"Max-Age={seconds};" if seconds is not None else ""
    return f"{name}={value};Version=1;Path=/;{lasting}Secure;HttpOnly;SameSite=None"


def blank(name: str) -> str:
    """Return the line by which a sign-out blanks a session cookie in the browser, from another site too."""
    return f'{name}="";Version=1;Path=/;Max-Age=0;Secure;HttpOnly;SameSite=None'


def deletion(name: str) -> str:
    """Return the noisy deletion that Okta sends with nearly every answer to somebody who is not signed in."""
    return f'{name}="";Version=1;Path=/;Max-Age=0'


def old_deletion(name: str) -> str:
    """Return the older form of a deletion, which Okta still sends for the cookies of its pages."""
    return f'{name}=""; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Path=/'


def program_cookie(name: str, value: str) -> str:
    """Return the line that sets a session cookie in the answer to a program: without HttpOnly and SameSite, as recorded."""
    return f"{name}={value};Version=1;Path=/;Secure"


def servlet_session() -> str:
    """Return a JSESSIONID line, which carries no sign-in."""
    return f"JSESSIONID={secrets.token_hex(16).upper()}; Path=/; Secure; HttpOnly"


def theme() -> str:
    """Return the theme cookie's line."""
    return "t=default; Path=/"


def device() -> str:
    """Return a device token line: two years, no sign-in."""
    return f"DT=DI1{secrets.token_urlsafe(24)};Version=1;Path=/;Max-Age={_DEVICE_SECONDS};Secure;HttpOnly;SameSite=None"
