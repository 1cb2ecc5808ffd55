"""Shows the sign-in page.

Owns: the sign-in page of each engine, and whether a browser is redirected to it or gets it at once.
Must never: check a password.
Rules: Classic Engine redirects to `/login/login.htm?fromURI=…`. Identity Engine shows the page at the requested address (Okta's
"Identity Engine overview", app intent links). Public traces show both, so `Org.signs_in_at_the_address` chooses here.
"""

from dataclasses import replace
from importlib.resources import files

from aiohttp import web

from gateway.dev.standin import ion, prompts
from gateway.dev.standin.call import Call
from gateway.dev.standin.pages import SignIn, sign_in_page
from gateway.dev.standin.redirects import this_request, to_sign_in
from gateway.dev.standin.transactions import Interaction

_SCRIPT = (files("gateway.dev.standin") / "static" / "sign_in.js").read_text(encoding="utf-8")


def form(call: Call, sign_in: SignIn) -> web.Response:
    """Return the page, with its script if the org has one. On Identity Engine the script continues a sign-in that begins here."""
    if not call.org.has_sign_in_script:
        return sign_in_page(sign_in)
    if not call.org.is_identity:
        return sign_in_page(replace(sign_in, script=_SCRIPT))
    token = sign_in.state_token or call.org.interactions.issue(Interaction(target=sign_in.from_uri))
    return sign_in_page(replace(sign_in, state_handle=ion.handle_of(token), script=_SCRIPT))


def ask_to_sign_in(call: Call) -> web.Response:
    """Show the sign-in page, or redirect to it. It leads back to this request, without its token."""
    target = this_request(call)
    if not call.org.signs_in_at_the_address:
        return to_sign_in(target)
    return form(call, SignIn(target, prompts.hinted_login(call.org, target)))
