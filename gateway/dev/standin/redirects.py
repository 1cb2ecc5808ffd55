"""The addresses to which the org may redirect a browser.

Owns: the check of redirect targets, and the redirect to the sign-in page.
Must never: redirect to another site than this org and its Trusted Origins.
Rules: Trusted Origins of type Redirect (`redirectUrl`, `fromURI`, `post_logout_redirect_uri`).
"""

import re
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from gateway.dev.standin.answers import redirect
from gateway.dev.standin.call import Call

HOME = "/app/UserHome"
SIGN_IN = "/login/login.htm"
TOKEN_NAMES = frozenset({"sessionToken", "onetimetoken", "stateToken"})
_UNSAFE = re.compile(r"[\x00-\x20\\]")


def trusted_target(call: Call, target: str | None) -> str | None:
    """Return the target when it is a path of this org, an address of this org, or one of a Trusted Origin; else None."""
    if not target or _UNSAFE.search(target):
        return None
    if target.startswith("/"):
        return None if target.startswith("//") else target
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.netloc}"
    return target if origin == call.origin or origin in call.org.trusted_origins else None


def this_request(call: Call) -> str:
    """Return path and parameters of this request, without its token."""
    kept = urlencode([(name, value) for name, value in call.parameters if name not in TOKEN_NAMES])
    return call.path + ("?" + kept if kept else "")


def to_sign_in(from_uri: str) -> web.Response:
    """Redirect to the sign-in page, which leads to `from_uri` afterwards."""
    return redirect(f"{SIGN_IN}?{urlencode({'fromURI': from_uri})}")
