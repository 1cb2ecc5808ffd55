"""The paths that a browser navigates to: sign-in, redemption of tokens, the dashboard, sign-out.

Owns: `/login/…`, `/app/UserHome`, `/idp/idx/login/token/redirect`.
Must never: decide what a token does (presence.py does) or where a browser may go (redirects.py does).
Rules: the guide "session-cookie", the Classic sign-in flow. What a dead token shows is not documented; here it is the sign-in page. A
target that is not trusted is refused before the token is read.
"""

import base64
from urllib.parse import urlencode

from aiohttp import web

from gateway.dev.standin import prompts, step_up
from gateway.dev.standin.answers import redirect, with_cookies
from gateway.dev.standin.call import Call
from gateway.dev.standin.credentials import signed
from gateway.dev.standin.pages import SignIn, error_page, home_page
from gateway.dev.standin.presence import Arrival, Redemption, arrive, begin, ended_cookies, presence
from gateway.dev.standin.redirects import HOME, SIGN_IN, to_sign_in, trusted_target
from gateway.dev.standin.sign_in_form import ask_to_sign_in, form

_POINT = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def session_cookie_redirect(call: Call) -> web.Response:
    """Redeem `token`, by GET or POST, and redirect to `redirectUrl`."""
    target = trusted_target(call, call.first("redirectUrl"))
    if target is None:
        return error_page("The redirect URI is not a trusted origin.")
    arrival = arrive(call.org, call.cookies, call.first("token"), call.org.session_tokens)
    response = redirect(target) if arrival.session is not None else to_sign_in(target)
    return with_cookies(response, arrival.set_cookies)


def session_cookie_image(call: Call) -> web.Response:
    """Redeem `token` for a page that shows this address as an image (`cookieTokenUrl`).

    The answer is always one transparent pixel, whether the token was valid or not.
    """
    arrival = arrive(call.org, call.cookies, call.first("token"), call.org.session_tokens)
    return with_cookies(web.Response(body=_POINT, content_type="image/gif"), arrival.set_cookies)


def state_token_redirect(call: Call) -> web.Response:
    """Complete the step-up of `stateToken`; or redeem it at the end of a sign-in, and redirect to `fromURI` or the dashboard."""
    resumed = step_up.resume(call, call.first("stateToken") or "")
    if resumed is not None:
        return resumed
    arrival = _by_state_token(call)
    kept = call.org.page_targets.meaning(call.first("stateToken") or "")
    target = trusted_target(call, call.first("fromURI") or kept) or HOME
    response = redirect(target) if arrival.session is not None else to_sign_in(target)
    return with_cookies(response, arrival.set_cookies)


def _by_state_token(call: Call) -> Arrival:
    """Redeem `stateToken`. If the same user has a living session, the token is used up and changes nothing."""
    token, tokens = call.first("stateToken"), call.org.state_tokens
    arrival = arrive(call.org, call.cookies, token, tokens)
    if token and arrival.session is not None and arrival.redemption is Redemption.IGNORED and tokens.meaning(token) == arrival.session.user:
        tokens.spend(token)
    return arrival


def home(call: Call) -> web.Response:
    """Show the dashboard, with the user who is signed in. A `stateToken` is completed or redeemed first."""
    resumed = step_up.resume(call, call.first("stateToken") or "")
    if resumed is not None:
        return resumed
    arrival = _by_state_token(call)
    session = arrival.session
    is_in = session is not None and session.status == "ACTIVE"
    response = home_page(session.user.login, session.user.name) if session is not None and is_in else ask_to_sign_in(call)
    return with_cookies(response, arrival.set_cookies)


def root(call: Call) -> web.Response:
    """Redirect to the dashboard."""
    return redirect(HOME)


def sign_in(call: Call) -> web.Response:
    """Show the sign-in form. With a live session, redirect to the target without the form.

    A running step-up, and a request with `prompt=login`, show the form even then.
    """
    target = trusted_target(call, call.first("fromURI")) or HOME
    transaction = step_up.living(call.org, call.first("stateToken"))
    if transaction is not None:
        return form(call, SignIn(target, transaction.session.user.login, state_token=call.first("stateToken")))
    session = presence(call.org, call.cookies).current
    is_in = session is not None and session.status == "ACTIVE" and not prompts.still_asks(call.org, target, session)
    return redirect(target) if is_in else form(call, SignIn(target, prompts.hinted_login(call.org, target)))


def submit_sign_in(call: Call) -> web.Response:
    """Check login and password. On success open a new session and redirect to `fromURI`. The browser's older session lives on.

    The page posts here if it has no script; users with a factor cannot sign in this way. With the `stateToken` of this user's step-up, the
    password verifies that transaction instead, and no session begins.
    """
    target = trusted_target(call, call.first("fromURI")) or HOME
    login = call.first("username") or ""
    user, state_token = signed(call, login, call.first("password") or ""), call.first("stateToken")
    transaction = step_up.living(call.org, state_token)
    if user is None:
        kept = state_token if transaction is not None else None
        return form(call, SignIn(target, login, "Unable to sign in", kept))
    if transaction is not None and transaction.session.user == user:
        transaction.is_verified = True
        return redirect(f"{step_up.REDIRECT}?{urlencode({'stateToken': state_token})}")
    return with_cookies(redirect(target), begin(call.org, call.cookies, user).set_cookies)


def sign_out(call: Call) -> web.Response:
    """End every session that the cookies name, and redirect to `fromURI` or to the sign-in page."""
    for session in presence(call.org, call.cookies).sessions:
        call.org.sessions.end(session)
    target = trusted_target(call, call.first("fromURI")) or SIGN_IN
    return with_cookies(redirect(target), ended_cookies(call.org))
