"""The lines of the log that are not about one request, with their levels."""

from gateway.observe.reasons.entries import NOTHING, Event

_ADVISED = "Read the answer's errorCauses, and correct the program."
_CAUSES = "See the cause in the table of causes."

EVENTS = {
    # the process
    "started": Event("debug", "The program begins.", NOTHING),
    "listening": Event("info", "Clients are served now.", NOTHING),
    "stopping": Event("info", "SIGTERM or SIGINT came; running requests may end.", NOTHING),
    "stopped": Event("info", "The process ends.", NOTHING),
    "config": Event("warning", "The configuration says something that is often not meant.", "See `problem`."),
    "config_loaded": Event("info", "SIGHUP: a new configuration is in force.", NOTHING),
    "config_unchanged": Event("info", "SIGHUP: configuration and secrets are as they were; certificates were read again.", NOTHING),
    "config_refused": Event(
        "error", "SIGHUP: the new configuration has a problem; the old one goes on.", "See `problem`, correct it, send SIGHUP again."
    ),
    "certificate_loaded": Event("info", "New connections get the new certificate.", NOTHING),
    "certificate_refused": Event(
        "error", "The certificate's files changed and cannot be used; the old one goes on.", "See `problem`; write both files anew."
    ),
    "connections_full": Event(
        "warning", "All `listen.connections` are in use.", "Raise it, with the limit of open files, or find who holds them."
    ),
    "connections_free": Event("info", "There is room for connections again.", NOTHING),
    "request_failed": Event("error", "A bug: one request was answered 500 or broken off.", "Report it, with `error` and `frames`."),
    "library": Event("warning", "A library wrote a record; its arguments are withheld.", "See `template` and `frames`."),
    "log_lines_lost": Event(
        "warning", "Lines of the log were dropped, because standard error was read too slowly.", "Look at what reads standard error."
    ),
    # workers
    "worker_started": Event("info", "A worker listens.", NOTHING),
    "worker_stopped": Event("info", "A worker ended as it was told to.", NOTHING),
    "worker_died": Event(
        "error",
        "A worker ended by itself; another takes its place.",
        "See what it wrote before; with code -9 look at the machine's memory.",
    ),
    "worker_not_started": Event("error", "A worker could not be started.", "See `error`: mostly memory or the limit of processes."),
    "supervisor_lost": Event(
        "error", "The supervisor is gone, so its workers end.", "Start the gateway again; look at the machine's memory."
    ),
    # apps
    "upstream_failed": Event("warning", "A server of an app failed; requests to it are answered 502, 503 or 504.", _CAUSES, floods=True),
    "server_down": Event("warning", "A server of an app does not answer its health check.", "See upstream_failed with the same address."),
    "server_up": Event("info", "A server of an app answers its health check again.", NOTHING),
    "app_cookie_narrowed": Event(
        "info", "An app set a cookie of Okta's names for a parent domain; it was made host-only.", "Rename the app's cookie."
    ),
    "override_stripped": Event(
        "info",
        "A field that overrides the method or the path was not passed on to an app.",
        "Name it in `app.allow_fields` if the app needs it.",
    ),
    "app_session_unbound": Event(
        "info",
        "A browser brought a session cookie of an app that is bound to no user, so the app does not get it. Logged once for each app.",
        'See "The app\'s own session" in config/README.md.',
    ),
    "app_signed_out": Event("info", "An app heard that its former user is gone.", NOTHING),
    "app_sign_out_failed": Event(
        "warning",
        "An app could not be told that its former user is gone.",
        "See `reason` or `status`; check `app.sign_out_path`.",
        floods=True,
    ),
    # Okta
    "okta_failed": Event("error", "Okta could not be reached, or broke off.", _CAUSES, floods=True),
    "okta_circuit_open": Event(
        "error",
        "Okta failed several times in a row; the gateway does not ask it for a moment, and lets nobody new in.",
        "See okta_failed; `check --online`.",
    ),
    "okta_circuit_closed": Event("info", "Okta answers again.", NOTHING),
    "okta_rate_limited": Event(
        "warning", "Okta's rate limit is used up.", "Raise `session.ttl`, use `session.ttl_with_hook`, or ask Okta for more."
    ),
    "okta_rate_low": Event(
        "warning", "Little of Okta's rate limit is left; answers are believed for longer (`session.ttl_max`).", "As for okta_rate_limited."
    ),
    "okta_rate_recovered": Event("info", "Enough of Okta's rate limit is left again.", NOTHING),
    "question_failed": Event("error", "A bug: a question to Okta was not asked to its end.", "Report it."),
    # sessions: the audit
    "signed_in": Event("info", "Audit: a session began through the login host.", NOTHING),
    "switched": Event("info", "Audit: another user took a browser over, or tried to: who before, who now, and the step.", NOTHING),
    "signed_out": Event("info", "Audit: a browser signed out.", NOTHING),
    "revoked": Event("info", "Audit: sessions or users are not believed any more.", NOTHING),
    "user_changed_without_token": Event("info", "Another user signed in with a browser, without a token.", NOTHING),
    "sessions_ended_by_call": Event("info", "A call to Okta ended sessions by name.", NOTHING),
    "refresh_token_refused": Event("info", "A page of a session that was ended here asked for new tokens.", NOTHING),
    "silent_request_without_cookie": Event(
        "info", "A page asked silently for tokens, and its browser sent no cookie.", "Serve the page on the same site as the login host."
    ),
    "advised_server_without_cookie": Event(
        "info", "A server asked about a session without a cookie; the answer says what works.", _ADVISED
    ),
    "advised_other_site_without_cookie": Event("info", "A page of another site asked without a cookie; the answer says why.", _ADVISED),
    "advised_session_by_id": Event("info", "A call by session id was refused by Okta; the answer says what works.", _ADVISED),
    "advised_token_refused": Event("info", "Okta refused a session token; the answer says why it may.", _ADVISED),
    "advised_token_used": Event("info", "A session token was used twice; the answer says so.", _ADVISED),
    "advised_confirmation_required": Event("info", "A script asked for what a user must confirm; the answer says so.", _ADVISED),
    **{
        f"legacy_{call}": Event("info", f"A program makes a call that Okta gives up ({what}).", "Let it call /api/v1/sessions/me.")
        for call, what in {
            "sessions_deleted": "delete_sessions",
            "cookie_token": "cookieToken",
            "session_refreshed": "refresh by id",
            "session_read": "GET by id",
            "session_ended": "DELETE by id",
        }.items()
    },
    "sign_out_ordered": Event("warning", "`session-gateway sign-out` ended sessions.", NOTHING),
    "kin_revoked": Event("info", "Cookies that a browser held before were another user's, and were revoked.", NOTHING),
    "passes_outdated": Event(
        "warning",
        "Older passes go through one hand-off, so that no forgotten sign-out opens an app.",
        "If it comes while the gateway runs, its memory of sign-outs was full: look for a program that signs in all the time.",
    ),
    "answer_withheld": Event(
        "warning", "A new session was not delivered: the end of the one before is not proven.", "See okta_failed; the user tries again."
    ),
    "session_undecided": Event("warning", "Okta does not say whose a new session is; nobody is let in by it.", "See okta_failed."),
    "close_unproven": Event("warning", "Okta did not prove the end of a session yet; it is tried again.", "See okta_failed.", floods=True),
    "close_proven_late": Event("info", "A later try proved the end of a session.", NOTHING),
    "close_given_up": Event(
        "warning", "A session's end was never proven; the session's own time ends it.", "End it in Okta's admin console."
    ),
    # what processes agree on
    "state_failed": Event("error", "The shared state cannot be read or written.", "See `problem`: the disk, its space and mode, or Redis."),
    "state_works": Event("info", "The shared state can be read and written again.", NOTHING),
    "state_made_anew": Event(
        "warning", "The state's file was damaged or gone, and was made anew.", "See `problem`; passes from before go through one hand-off."
    ),
    "state_entry_unreadable": Event(
        "warning",
        "An entry of the shared state cannot be read.",
        "Nothing during an update; else look for another program that writes there.",
        floods=True,
    ),
    "revocation_not_shared": Event("error", "Other processes could not be told of a revocation; it is tried again.", "See state_failed."),
    "sign_out_not_shared": Event("error", "Other processes could not be told of a sign-out; it is tried again.", "See state_failed."),
    # hooks
    "hook_ended_sessions": Event("info", "Audit: Okta's event hook ended users' sessions.", NOTHING),
    "hook_asks_again": Event("info", "Okta's event hook named users about whom Okta is asked again.", NOTHING),
    "hook_of_another_org": Event(
        "warning", "A delivery of another org came with our secret.", "Give each org a secret of its own.", floods=True
    ),
    "hook_delivery_lost": Event(
        "error",
        "A delivery of Okta could not be carried out; its events may be lost.",
        "See `reason`; the short ttl holds until the hook is heard again.",
    ),
    "event_hook_trusted": Event("info", "Events come; `session.ttl_with_hook` holds.", NOTHING),
    "event_hook_waiting": Event("info", "No sign-in event has come yet; `session.ttl` holds.", NOTHING),
    "event_hook_silent": Event("warning", "Events got lost; `session.ttl` holds.", "See `reason`; check the hook in Okta's admin console."),
    "event_hook_unknown": Event(
        "warning", "The shared state is away, so it is unknown whether events come; `session.ttl` holds.", "See state_failed."
    ),
    "universal_logout": Event("info", "Audit: Universal Logout ended a user's sessions.", NOTHING),
    "universal_logout_failed": Event(
        "error", "A call of Universal Logout could not be carried out.", "See `reason`; Okta does not call again."
    ),
}
