"""How somebody is asked to sign in.

Owns: the sign-in page of each engine, and whether a browser is led to it or shown it at once.
Must never: check a password.
Rules: Classic Engine leads to `/login/login.htm?fromURI=…`. Identity Engine shows the page at the very address that was asked for (Okta's
"Identity Engine overview", app intent links); public traces have both, so here `Org.signs_in_at_the_address` chooses.
"""

from dataclasses import replace

from aiohttp import web

from gateway.dev.standin import ion, prompts
from gateway.dev.standin.call import Call
from gateway.dev.standin.interactions import Interaction
from gateway.dev.standin.pages import SignIn, sign_in_page
from gateway.dev.standin.redirects import this_request, to_sign_in
from gateway.dev.standin.sign_in_script import SCRIPT


def form(call: Call, asked: SignIn) -> web.Response:
    """Return the page with its script, and on Identity Engine with a sign-in that ends at the page's target."""
    if not call.org.has_sign_in_script:
        return sign_in_page(asked)
    if not call.org.is_identity:
        return sign_in_page(replace(asked, script=SCRIPT))
    token = asked.state_token or call.org.interactions.issue(Interaction(target=asked.from_uri))
    return sign_in_page(replace(asked, state_handle=ion.handle_of(token), script=SCRIPT))


def ask_to_sign_in(call: Call) -> web.Response:
    """Ask for a sign-in that leads back to this very request, less its token."""
    target = this_request(call)
    if not call.org.signs_in_at_the_address:
        return to_sign_in(target)
    return form(call, SignIn(target, prompts.hinted_login(call.org, target)))
