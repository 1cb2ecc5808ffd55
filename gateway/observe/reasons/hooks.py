"""What Okta tells the gateway by itself: the event hook, and Universal Logout."""

from gateway.observe.reasons.entries import Reason

_HOOK = "Compare the event hook in Okta's admin console with `session-gateway hook`."
_LOGOUT = "Compare the app's Universal Logout in Okta's admin console with `session-gateway hook`."

HOOKS = {
    "not_json": Reason("A delivery is no JSON.", _HOOK),
    "not_an_object": Reason("A delivery is no JSON object.", _HOOK),
    "no_event_hook": Reason("A delivery is not one of an event hook.", _HOOK),
    "incomplete_event_hook": Reason("A delivery lacks a field that every event has.", _HOOK),
    "too_many_users": Reason("A delivery names more users than one may.", "Nothing: Okta sends fewer."),
    "no_token": Reason("A call of Universal Logout came without a token.", _LOGOUT),
    "token": Reason("A call of Universal Logout came with a token that is not Okta's.", _LOGOUT),
    "issuer": Reason("The token is of another org.", _LOGOUT),
    "audience": Reason("The token is for another address.", _LOGOUT),
    "not_yet_valid": Reason("The token is not valid yet.", "Check this machine's clock."),
    "times_missing": Reason("The token names no times.", _LOGOUT),
    "jti_missing": Reason("The token has no id.", _LOGOUT),
    "app_not_allowed": Reason("The token is of an app that is not in `hooks.universal_logout_apps`.", "Add its client id if it may."),
    "no_subject": Reason("The call names nobody.", _LOGOUT),
    "incomplete_subject": Reason("The call names its user incompletely.", _LOGOUT),
    "subject_format": Reason("The call names its user in a format that is not known.", _LOGOUT),
    "sign_in_without_event": Reason("A sign-in was seen here, and its event did not come within five minutes.", _HOOK),
    "unreadable_event": Reason("An event could not be read.", _HOOK),
    "state_away": Reason("The shared state is away, so nobody knows whether events came.", "Look at the event state_failed."),
}
