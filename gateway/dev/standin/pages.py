"""The HTML pages of the org.

Owns: their HTML.
Must never: write a value that is not escaped.
Rules: none of Okta's; the pages are for developers and browser tests. Element ids do not change.
"""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f3f5f9, #14171c) }
main { width: min(22rem, 86vw); padding: 2rem; border-radius: .75rem; background: light-dark(#fff, #1f242c); box-shadow: 0 4px 24px #0002 }
h1 { margin: 0 0 1rem; font-size: 1.25rem }
label { display: block; margin: .75rem 0; font-size: .9rem }
input, button { width: 100%; border-radius: .4rem; font: inherit }
input { display: block; box-sizing: border-box; margin-top: .25rem; padding: .6rem; border: 1px solid #8886 }
button { margin-top: 1rem; padding: .7rem; border: 0; background: #2457d6; color: #fff }
.problem { padding: .6rem; border-radius: .4rem; background: #c0262622; color: light-dark(#a11, #f99) }
small { color: #888 }
"""


_LATER = "".join(
    f'<label data-name="{name}" hidden>{name}<input id="{name}" name="{name}"></label>' for name in ("passCode", "newPassword")
)
"""Fields that only the script makes visible."""


def page(title: str, inner: str, status: int = 200) -> web.Response:
    """Return a page. `inner` is HTML whose values are already escaped."""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{html.escape(title)}</h1>{inner}<p><small>Stand-in org</small></p></main></body></html>"
    )
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


def sign_in_page(asked: SignIn) -> web.Response:
    """Return the sign-in form. Without a script it posts to its own address."""
    carried = {"fromURI": asked.from_uri, "stateToken": asked.state_token, "stateHandle": asked.state_handle}
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in carried.items() if value is not None
    )
    notice = f'<p class="problem" role="alert"{"" if asked.problem else " hidden"}>{html.escape(asked.problem)}</p>'
    engine = "identity" if asked.state_handle is not None else "classic"
    return page(
        "Sign in",
        f'{notice}<form method="post" action="/login/login.htm" data-engine="{engine}">{hidden}'
        '<label data-name="username">Username'
        f'<input id="username" name="username" autocomplete="username" value="{html.escape(asked.login)}" required></label>'
        '<label data-name="password">Password'
        '<input id="password" name="password" type="password" autocomplete="current-password" required></label>'
        f'{_LATER if asked.script else ""}<button id="sign-in">Sign in</button></form>'
        f"{f'<script>{asked.script}</script>' if asked.script else ''}",
    )


def home_page(login: str, name: str) -> web.Response:
    """Return the dashboard: the user who is signed in, and the sign-out."""
    return page(
        "My Apps",
        f'<p>Signed in as <strong id="login">{html.escape(login)}</strong> ({html.escape(name)})</p>'
        '<p><a href="/app/example_saml/0oa1/sso/saml">Example SAML app</a></p>'
        '<p><a id="sign-out" href="/login/signout?fromURI=/login/login.htm">Sign out</a></p>',
    )


def assertion_page(login: str) -> web.Response:
    """Return the page at the end of an app link, in place of the page that posts the SAML assertion."""
    return page("SAML", f'<p id="assertion">SAML assertion for {html.escape(login)}</p>')


def error_page(what: str, status: int = 400) -> web.Response:
    """Return Okta's error page."""
    return page(f"{status}", f'<p class="problem" id="error">{html.escape(what)}</p>', status)


def posted_message_page(message: dict[str, str], target_origin: str) -> web.Response:
    """Return the page of `response_mode=okta_post_message`: it posts the result to the window that opened or frames it."""
    literal = json.dumps(message).replace("<", "\\u003c")
    target = json.dumps(target_origin).replace("<", "\\u003c")
    return page("Signing in", f"<script>(window.opener || window.parent).postMessage({literal}, {target})</script>")


def posted_form_page(values: dict[str, str], action: str, frames: Sequence[str] = ()) -> web.Response:
    """Return the page of `response_mode=form_post`: a form that sends itself when the hidden frames with these addresses are loaded."""
    inputs = "".join(f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">' for name, value in values.items())
    return page(
        "Signing in",
        f'<form method="post" action="{html.escape(action)}">{inputs}<button>Continue</button></form>'
        + _after(frames, "document.forms[0].submit()"),
    )


def framing_page(frames: Sequence[str], location: str) -> web.Response:
    """Return a page that leads to `location` when the hidden frames with these addresses are loaded."""
    target = json.dumps(location).replace("<", "\\u003c")
    return page("Signing out", _after(frames, f"window.location.replace({target})"))


def _after(frames: Sequence[str], script: str) -> str:
    framed = "".join(f'<iframe src="{html.escape(address)}" hidden></iframe>' for address in frames)
    return f'{framed}<script>addEventListener("load", () => {{ {script} }})</script>' if frames else f"<script>{script}</script>"
