"""Activation links: a new user's first sign-in, by a token in the path.

Owns: `GET /welcome/{token}`, and how the journal writes this path (the token is a secret, so it is left out).
Must never: close the session that the browser came with.
Rules: Okta's Users API, "Activate user": `activationUrl` is `https://{yourOktaDomain}/welcome/{activationToken}`, once, seven days.
The pages in between (a new password, a security image) are left out. Whether Okta keeps another user's session is unknown.
"""

from aiohttp import web

from gateway.dev.standin.answers import redirect, with_cookies
from gateway.dev.standin.call import Call
from gateway.dev.standin.pages import error_page
from gateway.dev.standin.presence import begin
from gateway.dev.standin.redirects import HOME

PREFIX = "/welcome/"


def welcome(call: Call) -> web.Response:
    """Spend the token of the path, open a session for its user and go home; 403 for a dead token, which changes nothing."""
    user = call.org.activations.spend(call.path_names["token"])
    if user is None:
        return error_page("The activation link is no longer valid.", 403)
    return with_cookies(redirect(HOME), begin(call.org, call.cookies, user).set_cookies)


def token_of(path: str) -> str | None:
    """Return the token in a path of an activation link; None for any other path."""
    return path.removeprefix(PREFIX) or None if path.startswith(PREFIX) else None


def shown(path: str) -> str:
    """Return the path as the journal may write it: `/welcome/{token}`, in these very letters, for an activation link."""
    return f"{PREFIX}{{token}}" if token_of(path) is not None else path
