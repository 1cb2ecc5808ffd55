"""Signing in, switching users and signing out at the login host, and the hand-off to an app."""

from gateway.observe.reasons.entries import NOTHING, Reason

_FILL_IN = "The user fills in the form again."
_AGAIN = "The user starts again from the app or the portal."
_OKTA = "Look at the events okta_failed and okta_circuit_open, and at the way to the org (`check --online`)."
_STATE = "Look at the event state_failed: the shared state cannot be written."

SIGN_IN = {
    "close_unproven": Reason(
        "The end of the session before is not proven, so the token was not redeemed, or the new session was withheld.",
        f"{_OKTA} The gateway goes on trying.",
    ),
    "close_pending": Reason(
        "Signed out here, but Okta has not confirmed the end yet.", f"{_OKTA} The gateway goes on trying (event close_proven_late)."
    ),
    "redemption_unanswered": Reason("Okta did not answer the redemption of a token; it may be used up.", f"{_OKTA} {_AGAIN}"),
    "token_spent": Reason("The one-time link was used before.", _AGAIN),
    "other_tab": Reason("The same link is being redeemed in another tab.", NOTHING),
    "unknown_place": Reason(
        "A token came to an address of the org that is not known to redeem one.", "If an app of yours needs it, report the address."
    ),
    "foreign_frame": Reason(
        "A frame, image or script of another site fetched a link that signs in.", "Add the site to `switch.trusted_origins` if it may."
    ),
    "script": Reason(
        "A script tried to redeem a token or to sign out. Only a navigation may do that.",
        "Add the site to `switch.trusted_origins` if it may sign in by a frame.",
    ),
    "untrusted_sign_out": Reason(
        "Another site asked for a sign-out, and the user was not asked.", "Add the site to `switch.trusted_origins` if it may."
    ),
    "cross_site": Reason("A form of another site was posted here.", "Nothing, unless one of your sites does so."),
    "other_site": Reason("A confirmation was posted by another site.", "Nothing: somebody tried to confirm in the user's place."),
    "confirmation": Reason("The confirmation is not one that was shown to this browser.", _AGAIN),
    "confirmation_expired": Reason("The confirmation is older than five minutes.", _AGAIN),
    "browser_changed": Reason("Another user has signed in since the confirmation was shown.", _AGAIN),
    "own_transaction": Reason("A token of the user's own sign-in, which is under way: nothing was switched.", NOTHING),
    "client_of_another_user": Reason("A page of the former user asked silently for tokens; it was told to sign in.", NOTHING),
    "logout_of_another_user": Reason("A logout named another user than the one who is signed in; it ended nobody's session here.", NOTHING),
    "ends_sessions": Reason("A call to Okta ended sessions by name.", NOTHING),
    "legacy_session_id": Reason(
        "A program calls /api/v1/sessions/ID of its own session, which Okta gives up.", "Let it call /api/v1/sessions/me."
    ),
    "nobody_signed_in": Reason("The page of a sign-out or of a kept form was asked for, and nobody was signed in.", NOTHING),
    "sign_in_loop": Reason(
        "The browser came back several times in a minute without a session.",
        "Check that cookies are kept, that the org's sign-in leads back (`okta.sign_in`), and the clocks of gateway and org.",
    ),
    "cookies_blocked": Reason(
        "The browser does not send back the cookie that it was just given.", "Allow cookies for the login host and the app's host."
    ),
    "start": Reason("The start of a hand-off is malformed or sealed with an unknown key.", _AGAIN),
    "start_expired": Reason("The hand-off began more than ten minutes ago.", _AGAIN),
    "unknown_app": Reason("The hand-off names an app that is not configured.", "Add the app, or correct the link."),
    "no_nonce": Reason("The browser lacks the cookie with which its sign-in began.", "The user starts again; cookies may be blocked."),
    "no_ticket": Reason("The ticket is malformed or sealed with an unknown key.", "All replicas need the same seal keys."),
    "other_browser": Reason("The ticket belongs to another browser.", "Nothing: a link with a ticket was passed on."),
    "other_host": Reason("The ticket is for another app.", _AGAIN),
    "used": Reason("The ticket was used before.", "Nothing: the page was loaded twice."),
    "ended_meanwhile": Reason("The session ended while the browser was on its way.", _AGAIN),
    "signed_in_meanwhile": Reason("The browser was given another session while it was on its way.", _AGAIN),
    "ticket_not_kept": Reason("The ticket could not be written down.", _STATE),
    "pass_too_large": Reason("The session's cookies are too large for a pass.", "Report it, with the sizes of sid and idx."),
    "request_under_way": Reason("Another sign-in of this browser is under way.", "The user tries again."),
    "prefetch": Reason("A browser fetched a step of the sign-in ahead of time.", NOTHING),
    "not_a_navigation": Reason("A step of the sign-in was fetched by something that is no page.", NOTHING),
    "to_too_long": Reason("The address to go to afterwards is too long.", "Shorten it."),
    "form": Reason("The posted form cannot be read.", _AGAIN),
    "form_nobody": Reason("The page of a kept form: nobody is signed in.", NOTHING),
    "form_same": Reason("The page of a kept form: its own user is signed in and may send it.", NOTHING),
    "form_other": Reason("The page of a kept form: another user is signed in and cannot send it.", NOTHING),
    "form_lost_gone": Reason("The browser no longer has the kept form.", _FILL_IN),
    "form_lost_not_ascii": Reason("What the browser sent back is not a form that the gateway has kept.", _FILL_IN),
    "form_lost_too_large": Reason("The form is too large to be kept.", _FILL_IN),
    "form_lost_too_late": Reason("The form was kept for longer than allowed.", _FILL_IN),
    "form_lost_unreadable": Reason(
        "The address of the kept form cannot be opened: it is damaged, of another host, or sealed with a key that is gone.", _FILL_IN
    ),
    "form_type": Reason("The posted form has another type than a page's form.", _AGAIN),
    "form_too_large": Reason("The posted form is too large.", _AGAIN),
    "parameters": Reason("The parameters cannot be read.", _AGAIN),
    "nested_too_deeply": Reason(
        "A link of another site is encoded so many times that the gateway cannot tell whether it holds a token.",
        "Correct the page that made the link.",
    ),
    "session_cookies": Reason(
        "More session cookies came than any browser has.", "Look for a site of the same parent domain that sets sid or idx."
    ),
    "path_too_long": Reason("The path is longer than any of Okta's.", "Correct the link, or the program that made it."),
    "portal_secret": Reason("A portal announced a start without a secret of `switch.portal_secrets_file`.", "Give the portal its secret."),
    "too_many_parameters": Reason("There are more parameters than any client sends.", _AGAIN),
    "session_revoked": Reason(
        "A refresh token of a session that was ended here was refused.", "Nothing: the app's page signs its user in again."
    ),
    "parameter_repeated": Reason("A parameter came twice.", _AGAIN),
    "address_missing": Reason("An announced start names no address of the browser.", "Correct the portal that announces starts."),
    "user_agent_missing": Reason("An announced start names no User-Agent of the browser.", "Correct the portal that announces starts."),
    "token_sha256_not_hex": Reason("An announced start names no SHA-256 of a token.", "Correct the portal that announces starts."),
}
