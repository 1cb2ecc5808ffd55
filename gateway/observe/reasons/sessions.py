"""Who comes: why a browser has no session here, or may not go where it wants to."""

from gateway.observe.reasons.entries import NOTHING, Reason

_SIGN_IN = "Nothing: the user signs in."
_OKTA = "Look at the events okta_failed and okta_circuit_open, at status.okta.com and at the way to the org (`check --online`)."

SESSIONS = {
    "no_pass": Reason("The browser has no pass for this host yet.", _SIGN_IN),
    "pass_unreadable": Reason(
        "The pass was sealed with a key that is not known, for another host, or was changed.",
        "After a change of seal keys, keep the old one behind the new one for 12 hours.",
    ),
    "pass_before_start": Reason(
        "The pass is older than what the gateway remembers of sign-outs.",
        "Nothing, once. To keep that memory over restarts set `state.directory` or `state.url`.",
    ),
    "no_cookie": Reason("The browser sent no session cookie of Okta.", _SIGN_IN),
    "impossible_cookie": Reason(
        "The session cookie is one that Okta cannot have issued; it was expired.",
        "Look for a site of the same parent domain that sets sid or idx.",
    ),
    "repeated": Reason(
        "The same session cookie came twice, with two values.", "Look for a site of the same parent domain that sets sid or idx."
    ),
    "not_found": Reason("Okta knows no session for these cookies.", _SIGN_IN),
    "expired": Reason("The session, or a token of Okta's, has ended by its own time.", _SIGN_IN),
    "revoked": Reason("This session was ended: signed out, switched, or ended by Okta's event hook.", _SIGN_IN),
    "user_changed": Reason("Okta names another user for these cookies than the pass does; both were ended here.", _SIGN_IN),
    "two_users": Reason("Two session cookies of one browser belong to two users.", "The user signs out and in again."),
    "mfa_pending": Reason("Okta waits for a second factor of this session.", "The user finishes signing in."),
    "undecided": Reason("Okta has not said yet whose new session this is; until then the gateway lets nobody in by it.", _OKTA),
    "not_asked": Reason("The rule lets everybody or nobody in, so nobody was looked up.", NOTHING),
    "user": Reason(
        "The signed-in user is not among `users` of the rule that is named as route.", "Add the user to the rule if that is wrong."
    ),
    "nobody": Reason('The rule that is named as route has `access = "nobody"`.', "Change the rule if somebody should open this path."),
    "amr": Reason(
        "The session lacks a factor that `amr` of the rule asks for.", "The user signs in with that factor; check Okta's sign-on policy."
    ),
    "step_up_amr": Reason("As `amr`, on the page.", "The user signs in with that factor; check Okta's sign-on policy."),
    "authenticated_within": Reason(
        "The last sign-in is longer ago than `authenticated_within` of the rule allows.", "The user signs in again."
    ),
    "step_up_authenticated_within": Reason("As `authenticated_within`, on the page.", "The user signs in again."),
    # what Okta did not say
    "circuit_open": Reason("Okta failed several times in a row; the gateway does not ask it for a moment.", _OKTA),
    "rate_limited": Reason(
        "Okta's rate limit is used up.", "Raise `session.ttl`, use `session.ttl_with_hook`, or ask Okta for a higher limit."
    ),
    "busy": Reason(
        "All connections for questions to Okta, or to an app, are in use.",
        "Raise `okta.connections` or `app.connections`, or find out why answers are slow.",
    ),
    "slow": Reason("Okta did not answer within `subrequest.patience`.", _OKTA),
    "unanswered": Reason("A question to Okta was given up before its answer.", _OKTA),
    "closed": Reason("The gateway is stopping.", NOTHING),
    "closing": Reason("The gateway is stopping.", NOTHING),
    "client_limited": Reason(
        "This client asks about too many made-up sessions; it has to wait.",
        "Nothing, unless it is a proxy: list it in `listen.trusted_proxies`.",
    ),
    "unsendable_cookie": Reason(
        "A session cookie holds bytes that cannot be sent to Okta.", "Look for a site of the same parent domain that sets sid or idx."
    ),
    "incomplete_session": Reason(
        "Okta's answer lacks a field of a session.", "Check that `okta.org` is an Okta org, and that nothing changes its answers."
    ),
    "strange_status": Reason("Okta answered with a status that says nothing about a session.", _OKTA),
    "strange_404": Reason(
        "A 404 that is not Okta's own word for `no session`.",
        "Check `okta.org`, `okta.host` and `okta.connect_to`: another server answers.",
    ),
    "strange_type": Reason(
        "The answer about a session is no JSON.", "Check `okta.org`, `okta.host` and `okta.connect_to`: another server answers."
    ),
    "too_large": Reason("Okta's answer about a session is larger than 64 KiB.", "Check that `okta.org` is an Okta org."),
}
