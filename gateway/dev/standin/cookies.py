"""Cookies in requests and answers: reads the raw Cookie field, makes Set-Cookie lines.

Owns: the exact form of Okta's cookies.
Must never: use a cookie parser that drops or merges anything. A repeated name keeps every value, in order.
Rules: traces of Classic and Identity Engine sign-ins: `sid=102…;Version=1;Path=/;Secure;HttpOnly;SameSite=None`, no Domain; deletions
`sid="";Version=1;Path=/;Max-Age=0`, without the attributes of the cookie that they delete.
"""

import secrets
from collections.abc import Iterable

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
    """Return the line that sets one of Okta's session cookies. With `seconds` the browser keeps it after it was closed."""
    max_age = f"Max-Age={seconds};" if seconds is not None else ""
    return f"{name}={value};Version=1;Path=/;{max_age}Secure;HttpOnly;SameSite=None"


def blank(name: str) -> str:
    """Return the line that empties a session cookie at a sign-out. It works in answers to requests of other sites too."""
    return f'{name}="";Version=1;Path=/;Max-Age=0;Secure;HttpOnly;SameSite=None'


def deletion(name: str) -> str:
    """Return the deletion that Okta sends with nearly every answer to a browser that is not signed in."""
    return f'{name}="";Version=1;Path=/;Max-Age=0'


def old_deletion(name: str) -> str:
    """Return the older form of a deletion, which Okta still sends for the cookies of its pages."""
    return f'{name}=""; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Path=/'


def program_cookie(name: str, value: str) -> str:
    """Return the line that sets a session cookie in the answer to a program: without HttpOnly and SameSite, as recorded."""
    return f"{name}={value};Version=1;Path=/;Secure"


def servlet_session() -> str:
    """Return a JSESSIONID line. This cookie has nothing to do with the sign-in."""
    return f"JSESSIONID={secrets.token_hex(16).upper()}; Path=/; Secure; HttpOnly"


def theme() -> str:
    """Return the theme cookie's line."""
    return "t=default; Path=/"


def device() -> str:
    """Return the line of a device token: valid for two years, no part of the sign-in."""
    return f"DT=DI1{secrets.token_urlsafe(24)};Version=1;Path=/;Max-Age={_DEVICE_SECONDS};Secure;HttpOnly;SameSite=None"
