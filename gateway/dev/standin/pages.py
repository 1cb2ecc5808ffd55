"""The HTML pages of the org.

Owns: their values; the HTML is in `templates/`.
Must never: write a value that is not escaped.
Rules: none of Okta's; the pages are for developers and browser tests. Element ids do not change.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from jinja2 import Environment, PackageLoader

_TEMPLATES = Environment(loader=PackageLoader("gateway.dev.standin"), autoescape=True, trim_blocks=True, auto_reload=False)


def page(template: str, title: str, status: int = 200, **values: object) -> web.Response:
    """Return a page. A value that is not given is empty."""
    text = _TEMPLATES.get_template(template).render(values, title=title)
    return web.Response(text=text, status=status, content_type="text/html")


@dataclass(frozen=True, slots=True)
class SignIn:
    """The values of a sign-in page: its target, the login that it shows, and the values for its script.

    `state_token` belongs to a step-up. `state_handle` is the sign-in that Identity Engine's script continues. Without `script`, the form
    posts the password.
    """

    from_uri: str
    login: str = ""
    problem: str = ""
    state_token: str | None = None
    state_handle: str | None = None
    script: str = ""


def sign_in_page(sign_in: SignIn) -> web.Response:
    """Return the sign-in form. Without a script it posts to its own address."""
    return page("sign_in.html", "Sign in", sign_in=sign_in)


def home_page(login: str, name: str) -> web.Response:
    """Return the dashboard: the user who is signed in, and the sign-out."""
    return page("home.html", "My Apps", login=login, name=name)


def assertion_page(login: str) -> web.Response:
    """Return the page at the end of an app link, in place of the page that posts the SAML assertion."""
    return page("page.html", "SAML", id="assertion", sentence=f"SAML assertion for {login}")


def error_page(what: str, status: int = 400) -> web.Response:
    """Return Okta's error page."""
    return page("page.html", f"{status}", status, id="error", problem=True, sentence=what)


def posted_message_page(message: dict[str, str], target_origin: str) -> web.Response:
    """Return the page of `response_mode=okta_post_message`: it posts the result to the window that opened or frames it."""
    return page("leaving.html", "Signing in", message=message, target=target_origin)


def posted_form_page(values: dict[str, str], action: str, frames: Sequence[str] = ()) -> web.Response:
    """Return the page of `response_mode=form_post`: a form that sends itself when the hidden frames with these addresses are loaded."""
    return page("leaving.html", "Signing in", values=values, action=action, frames=frames)


def framing_page(frames: Sequence[str], location: str) -> web.Response:
    """Return a page that leads to `location` when the hidden frames with these addresses are loaded."""
    return page("leaving.html", "Signing out", location=location, frames=frames)
