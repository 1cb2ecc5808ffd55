"""Whether Okta refused a ``sessionToken``, as its answer to the redemption shows.

Refused means: no session began, and the answer redirects the browser to the org's sign-in page, or is that page. An error for an OpenID
Connect client must never count: the client handles it.

Source: Okta's session cookie guide. It does not say what happens with a used or expired token; there the rule follows the stand-in and
public traces: a sign-in form is shown. A ``stateToken`` in the address means that a sign-in continues. Not known: whether an org that asks
for another factor after a token shows that page at once.
"""

from typing import Final
from urllib.parse import urlsplit

from gateway.policy.http.messages import Fields
from gateway.policy.switch.redemption import cookies_set

SIGN_IN_PATHS: Final = frozenset(("/login/login.htm", "/login/default", "/signin", "/login"))


def leads_to_sign_in(status: int, fields: Fields, login: str) -> str | None:
    """Where an answer without a new session leads: an address of the org's sign-in page, "" if the answer itself is a page, else None.

    ``login``: the origin of the login host.
    """
    if cookies_set(fields):
        return None
    if status == 200:
        kinds = [value for name, value in fields if name.lower() == b"content-type"]
        return "" if kinds and kinds[0].lower().startswith(b"text/html") else None
    locations = [value.decode("latin-1") for name, value in fields if name.lower() == b"location"]
    if not 300 <= status < 400 or len(locations) != 1:
        return None
    try:
        parts = urlsplit(locations[0])
    except ValueError:
        return None
    # The sign-in continues, for example with another factor.
    if "stateToken=" in parts.query:
        return None
    is_ours = not parts.netloc or f"{parts.scheme}://{parts.netloc}" == login
    return locations[0] if is_ours and parts.path in SIGN_IN_PATHS else None
