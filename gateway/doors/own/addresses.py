"""The gateway's own addresses: the paths under ``/.gateway/``, and the paths to which a user may return.

Must never make a return address that leads to another host.
"""

from collections.abc import Mapping
from string import punctuation
from typing import Final
from urllib.parse import quote, urlsplit

from gateway.policy.http.messages import Malformed, RequestHead
from gateway.policy.routing.navigation import LONGEST_TARGET, own_target
from gateway.policy.routing.routing import RouteTable

SESSION_PAGE: Final = "/.gateway/"
SESSION_PAGE_UNSLASHED: Final = "/.gateway"
SESSION: Final = "/.gateway/session"
SIGN_IN: Final = "/.gateway/sign-in"
HANDOFF: Final = "/.gateway/handoff"
ACCEPT: Final = "/.gateway/accept"
SIGN_OUT: Final = "/.gateway/sign-out"
AGAIN: Final = "&again=1"
"""Added to an address of ``sign_in_path``: a ticket came to a browser without the start cookie, and the browser was given one now."""
BACK: Final = "&back=1"
"""Added to the address of a hand-off: Okta's sign-in leads back to it, in a browser that was given a cookie before."""
FORM: Final = "/.gateway/form"
LATE: Final = "&late=1"
"""Added to an address of ``sign_in_path``: the login host found the previous start too old."""


def requested_target(given: Mapping[str, str]) -> str | Malformed:
    """The return path from the parameter ``to``; ``/`` if it is not allowed; 400 if it is too long to be checked as a whole."""
    to = given.get("to", "/")
    if len(to) > LONGEST_TARGET:
        return Malformed(400, "to_too_long")
    return target_or_root(to)


def target_or_root(raw: str) -> str:
    """The path as it may be used in ``Location``; ``/`` if it is not allowed."""
    return own_target(raw) or "/"


def return_target(head: RequestHead) -> str:
    """The return path to this request after a sign-in, checked by ``target_or_root``. Bytes beyond ASCII are percent-encoded."""
    target = head.target
    return target_or_root(target if target.isascii() else quote(target.encode("latin-1"), safe=punctuation))


def sign_in_path(target: str) -> str:
    """The own path that begins a hand-off which comes back to ``target``."""
    return f"{SIGN_IN}?to={quote(target, safe='')}"


def at_okta(template: str, own_path: str) -> str:
    """The URL of Okta's sign-in (``okta.sign_in``) that comes back to an own path of the login host."""
    return template.replace("{return}", quote(own_path, safe=""))


def form_targets(table: RouteTable, sign_in: str) -> tuple[str, ...]:
    """The origins that a page's form may lead to. Chromium checks the redirects of a posted form against ``form-action`` too."""
    okta = urlsplit(sign_in)
    return (*table.origins, *((f"{okta.scheme}://{okta.netloc}",) if okta.netloc else ()))
