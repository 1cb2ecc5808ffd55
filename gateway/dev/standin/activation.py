"""Activation links: the first sign-in of a new user, with a token in the path.

Owns: `GET /welcome/{token}`, and how the journal writes this path. The token is a secret, so the journal leaves it out.
Must never: close the session that the browser came with.
Rules: Okta's Users API, "Activate user": `activationUrl` is `https://{yourOktaDomain}/welcome/{activationToken}`, valid once, seven days.
The pages in between (a new password, a security image) are left out. Whether Okta closes another user's session is unknown; here it stays.
"""

from aiohttp import web

from gateway.dev.standin.answers import redirect, with_cookies
from gateway.dev.standin.call import Call
from gateway.dev.standin.pages import error_page
from gateway.dev.standin.presence import begin
from gateway.dev.standin.redirects import HOME

PREFIX = "/welcome/"


def welcome(call: Call) -> web.Response:
    """Use the token of the path up, open a session for its user and redirect to the dashboard. A dead token changes nothing (403)."""
    user = call.org.activations.spend(call.path_names["token"])
    if user is None:
        return error_page("The activation link is no longer valid.", 403)
    return with_cookies(redirect(HOME), begin(call.org, call.cookies, user).set_cookies)


def token_of(path: str) -> str | None:
    """Return the token in a path of an activation link; None for any other path."""
    return path.removeprefix(PREFIX) or None if path.startswith(PREFIX) else None


def shown(path: str) -> str:
    """Return the path as the journal may write it: for an activation link literally `/welcome/{token}`."""
    return f"{PREFIX}{{token}}" if token_of(path) is not None else path
