"""Orgs that browsers reach by themselves (`session.source = "oidc"`): signing in by OpenID Connect, and the front-channel switch."""

from gateway.observe.reasons.entries import NOTHING, Reason

_AGAIN = "The user starts again from the app or the portal."
_PORTAL = "Correct the portal that announces starts."

NOT_IN_FRONT = {
    "bounce": Reason("The answer of the org belongs to no sign-in that was begun here, or to one that is too old.", _AGAIN),
    "bounce_of_another": Reason("The answer of the org belongs to a sign-in of another browser.", "Nothing: an address was passed on."),
    "no_browser": Reason("The browser did not bring back the cookie that it was just given.", "Allow cookies for the login host."),
    "code_used": Reason("The code of the org was used before: the page was loaded twice.", NOTHING),
    "codes_of_one_client": Reason(
        "Codes from this address wait for the org, or the org refused too many of them within a minute.",
        "Look which client it is; it may go on a minute later.",
    ),
    "session_ended": Reason(
        "This session was ended here, and the org still knows it.", "The user signs in again; look at the org's session."
    ),
    "sign_out_expired": Reason("A sign-out was not finished in time.", "The user signs out again."),
    "outdated": Reason("Another tab has changed the user of this browser meanwhile.", _AGAIN),
    "proof_due": Reason("It is time to ask the org again whether the session lives.", NOTHING),
    "untrusted_start": Reason(
        "A switch that no trusted site started; the user was asked.", "Add the site to `switch.trusted_origins` if it may."
    ),
    "checking": Reason("A switch under way: the org is asked who is signed in.", NOTHING),
    "ending": Reason("A switch under way: the org is asked to end the session before.", NOTHING),
    "proving": Reason("A switch or sign-out under way: the org is asked whether the session is gone.", NOTHING),
    "redeemed": Reason("A switch under way: the token goes to the org.", NOTHING),
    "done": Reason("A switch is done.", NOTHING),
    "unclear": Reason(
        "The org did not say clearly who is signed in, so nothing was switched.", "The user tries again; `check --online` asks the org."
    ),
    "not_ended": Reason(
        "The org did not end the session before, so the token was not sent.", "Check the sign-out redirect URIs of the app at Okta."
    ),
    "not_signed_in": Reason(
        "The token was sent, and nobody is signed in.", "The token was used, too old, or of another org: the portal asks for a new one."
    ),
    "other_user": Reason("The org names another user than the token's.", _AGAIN),
    "old_session": Reason("The org names a session from before the switch.", _AGAIN),
    "session_token": Reason("An announced start brings no session token, or a malformed one.", _PORTAL),
    "login": Reason("An announced start names its user in a wrong form.", _PORTAL),
    "to": Reason("An announced start leads to no app that is known.", _PORTAL),
    "address_and_user_agent": Reason("An announced start names the browser in a wrong form.", _PORTAL),
}
