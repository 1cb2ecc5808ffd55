"""Whether Okta took a token, as its answer to a redemption shows.

Owns what counts as "not taken": no session began, and the browser is led to the org's sign-in page or shown it. Must never call an answer
to a client of OpenID Connect so: an error there is the client's to read.
Rules from: Okta's session cookie guide; where it says nothing of a dead token, what the stand-in and public traces show: a sign-in form.
A ``stateToken`` in the address says that a sign-in goes on. Unknown: whether an org that wants a factor after a token shows a page at once.
"""

from typing import Final
from urllib.parse import urlsplit

from gateway.policy.http.messages import Fields
from gateway.policy.switch.redemption import cookies_set

SIGN_IN_PATHS: Final = frozenset(("/login/login.htm", "/login/default", "/signin", "/login"))


def leads_to_sign_in(status: int, fields: Fields, login: str) -> str | None:
    """Where an answer without a new session leads to: an address of the org's sign-in, or "" for a page shown at once; else None.

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
    if "stateToken=" in parts.query:
        return None
    is_ours = not parts.netloc or f"{parts.scheme}://{parts.netloc}" == login
    return locations[0] if is_ours and parts.path in SIGN_IN_PATHS else None
