"""Orgs that browsers reach by themselves (`session.source = "oidc"`): signing in by OpenID Connect, and the front-channel switch."""

from gateway.observe.reasons.entries import NOTHING, Reason

_AGAIN = "The user starts again from the app or the portal."
_PORTAL = "Correct the portal that announces starts."
_CLIENT = "Compare `oidc.client_id` and its secret or key with the app at Okta; `check --online` tries them."
_TRY = "The user tries again. If it happens again, run `check --online`."

_REFUSED_BY_ORG = {
    "access_denied": Reason("The org does not let this user use the gateway's app.", "Assign the user, or her group, to the app at Okta."),
    "account_selection_required": Reason("The org wants the user to choose an account.", _AGAIN),
    "consent_required": Reason("The org wants the user's consent.", "Do not require consent for the gateway's app at Okta."),
    "interaction_required": Reason("The org wants to show a page to the user.", _AGAIN),
    "login_required": Reason("The org says that nobody is signed in, although it could show its sign-in page.", _AGAIN),
    "invalid_request": Reason("The org refused the request as invalid.", "Check the redirect URI of the app at Okta."),
    "invalid_scope": Reason("The org refuses a scope.", "Allow the scopes openid and profile."),
    "server_error": Reason("The org says that it failed.", _TRY),
    "temporarily_unavailable": Reason("The org says that it cannot answer at present.", _TRY),
    "unauthorized_client": Reason(
        "The org does not allow this client to make such a request.", "Allow the authorization code for the app at Okta."
    ),
    "unsupported_response_type": Reason("The org refuses `response_type=code`.", "Allow the authorization code for the app at Okta."),
    "strange_error": Reason("The answer holds an error that OAuth does not define. It may come from a made-up address.", _TRY),
    "other_issuer": Reason("The answer names another issuer.", "Set `oidc.issuer` to what the org calls itself."),
    "no_code": Reason("The answer has no code, or one that is too long.", _AGAIN),
}
_TOKEN_REFUSED = {
    "token_invalid_client": Reason("The org does not accept the gateway's client id, secret or key.", _CLIENT),
    "token_invalid_request": Reason("The org does not accept the request for tokens.", _CLIENT),
    "token_invalid_scope": Reason("The org refuses a scope.", "Allow the scopes openid and profile."),
    "token_unauthorized_client": Reason(
        "The org does not allow this client to use authorization codes.", "Allow the authorization code for the app at Okta."
    ),
    "token_unsupported_grant_type": Reason(
        "The org does not support authorization codes.", "Allow the authorization code for the app at Okta."
    ),
    "token_refused": Reason("The org gave no ID token and no known reason.", _TRY),
}
_ISSUED = "The user tries again. If it happens again, ask Okta's support."
_ID_TOKEN = {
    "id_token_audience": Reason("The ID token is for another client.", _CLIENT),
    "id_token_auth_time": Reason("The ID token does not say when the user signed in.", _ISSUED),
    "id_token_issuer": Reason("The ID token is of another issuer.", "Set `oidc.issuer` to what the org calls itself."),
    "id_token_nonce": Reason("The ID token belongs to another request.", _AGAIN),
    "id_token_signature": Reason("The signature of the ID token is not of a key of the org.", _TRY),
    "id_token_subject": Reason("The ID token names no user.", _ISSUED),
    "id_token_times": Reason("The ID token is too old, or its time lies in the future.", "Set the clock of this machine."),
    "no_login": Reason("Neither the ID token nor userinfo names the user's login.", "Allow the scope profile for the app at Okta."),
}
NOT_IN_FRONT = {
    **_REFUSED_BY_ORG,
    **_TOKEN_REFUSED,
    **_ID_TOKEN,
    "prompt_none": Reason("The org is asked, without a page, who is signed in.", NOTHING),
    "prompt_login": Reason("The org is asked to sign the user in again.", NOTHING),
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
