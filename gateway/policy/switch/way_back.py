"""The address to which the confirmation page leads a user who says no to a link and stays signed in.

It is the app page that the user came from, or else the home page of the app that the link names, or else that of the only app.
It must never be an address of another site, and never contain a path that a stranger chose. A button on the gateway's own page would make
such an address look trustworthy.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

from gateway.policy.http.messages import RequestHead
from gateway.policy.routing.navigation import return_url

LARGEST_FORM_BYTES: Final = 16 * 1024
MOST_PARAMETERS: Final = 100
_NAMES: Final = frozenset(("redirecturl", "fromuri", "relaystate", "redirect_uri", "targetresource"))
"""The parameters that name the address after a sign-in (Okta's sessionCookieRedirect, login page, SAML, OpenID Connect), in lower case."""


def way_back(head: RequestHead, form: bytes, apps: Sequence[str]) -> str:
    """An address on one of the origins ``apps``; empty if no app is known. ``form``: the body of the request, or empty."""
    referer = (head.value(b"referer") or b"").decode("latin-1")
    came_from = return_url(referer, apps) if "://" in referer else None
    if came_from is not None:
        return came_from
    for value in _values(head.query) + _values(form.decode("latin-1") if len(form) <= LARGEST_FORM_BYTES else ""):
        home = _home(value, apps)
        if home:
            return home
    return f"{apps[0]}/" if len(apps) == 1 else ""


def _values(encoded: str) -> list[str]:
    try:
        pairs = parse_qsl(encoded, encoding="latin-1", max_num_fields=MOST_PARAMETERS)
    except ValueError:  # more parameters than any browser sends
        return []
    return [value for name, value in pairs if name.lower() in _NAMES]


def _home(value: str, apps: Sequence[str]) -> str:
    """The home page of the app that this address belongs to; empty if it belongs to none."""
    url = return_url(value, apps) if "://" in value else None
    return next((f"{app}/" for app in apps if url is not None and url.startswith(f"{app}/")), "")
