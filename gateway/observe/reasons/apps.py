"""Apps, Okta and the shared state as servers: why they cannot be reached, and front proxies that ask."""

from gateway.observe.reasons.entries import NOTHING, Reason

_SERVER = "Look at the event upstream_failed: it names the address and the cause."
_STATE = "Look at the event state_failed."
_RECIPE = "Compare the proxy's configuration with its recipe under deploy/."

APPS = {
    # as a page and the line about a request say it
    "unreachable": Reason("No connection to the server could be made.", _SERVER),
    "timed_out": Reason("The server did not answer in time.", f"{_SERVER} Raise `first_byte_timeout` where it is meant to be slow."),
    "hung_up": Reason("The server ended the connection before its answer.", _SERVER),
    "nonsense": Reason("The server's answer is no HTTP that can be passed on safely.", _SERVER),
    "all_down": Reason("Every server of the app is out of service just now.", "Look at the events server_down and upstream_failed."),
    "outside_failed": Reason("A server failed in another way.", _SERVER),
    "client_stalled": Reason("The client read nothing of its answer for too long.", NOTHING),
    "client_gone": Reason("The client left before its answer was whole.", NOTHING),
    "stopping": Reason("The gateway stopped while the answer was on its way.", "Raise `listen.drain` if it comes with every restart."),
    "going_away": Reason("The gateway stopped, and told a WebSocket to come again.", NOTHING),
    "message_too_large": Reason("A message of a WebSocket is larger than may be.", NOTHING),
    "state_failed": Reason("The shared state cannot be read or written.", _STATE),
    "lease_lost": Reason(
        "Another process took over the sign-in of this browser.", "Nothing, unless it comes often: then the state is slow."
    ),
    "turn_taken": Reason(
        "Another process serves this browser, and did not end in time.", "Nothing, unless it comes often: then Okta or the state is slow."
    ),
    # front proxies
    "peer_not_listed": Reason(
        "Something asked /.gateway/auth that is not in `listen.trusted_proxies`.", "List the proxy's own address there."
    ),
    "login_host": Reason("A proxy asked about a request to the login host.", _RECIPE),
    "own_path": Reason("A proxy asked about a path under /.gateway/.", _RECIPE),
    "okta_cookie": Reason(
        "A front proxy would hand a session cookie of Okta's to an app.",
        "Let the login host be another site than the apps; rename the app's cookie.",
    ),
    "auth_of_auth": Reason("The proxy sent the sub-request through its own check: it asks whether it may ask.", _RECIPE),
    "method_of_sub_request": Reason("A sub-request came with an odd method.", _RECIPE),
    "metadata": Reason("What the proxy says of the original request cannot be read.", _RECIPE),
    "metadata_missing": Reason("The proxy does not say which request it asks about.", _RECIPE),
    "metadata_repeated": Reason("The proxy says twice which request it asks about.", _RECIPE),
    "metadata_conflict": Reason("What the proxy says of the original request contradicts itself.", _RECIPE),
}

CAUSES = {
    "refused": Reason("Nothing listens at this address.", "Start the server, or correct the address and the port."),
    "dns": Reason("The name of the server is not known to DNS.", "Correct the name, or the DNS of this machine (`/etc/resolv.conf`)."),
    "timed_out": Reason(
        "No connection, no TLS handshake, or no answer in time; the detail says which.",
        "Look at the firewall between, and at the server's load.",
    ),
    "reset": Reason(
        "The server, or something between, broke the connection.", "The server's log may say why; one that wants TLS does so too."
    ),
    "closed": Reason(
        "The server ended the connection before its answer was whole.", "The server's log may say why; one that wants TLS does so too."
    ),
    "no_route": Reason("There is no way to this network.", "Look at routes, and at network policies."),
    "no_socket": Reason("There is no Unix socket at this path.", "Start the server, or correct the path."),
    "not_permitted": Reason("This process may not connect there.", "Correct the socket's mode and owner, or the sandbox of the service."),
    "no_files_left": Reason("This process has no file descriptor left.", "Raise the limit of open files (`LimitNOFILE`)."),
    "no_ports_left": Reason("There is no local port left for this address.", "Raise `app.keep_alive`, or add servers."),
    "unknown_ca": Reason(
        "The server's certificate is of a CA that is not known here.", "Name the CA in `upstream_ca_file` or `okta.ca_file`."
    ),
    "certificate_expired": Reason("The server's certificate is expired or not valid yet.", "Renew it; check this machine's clock."),
    "certificate_of_another": Reason(
        "The server's certificate bears another name.", "Set `upstream_server_name` or `okta.host` to the name that it bears."
    ),
    "certificate": Reason(
        "The server's certificate is refused for another reason; the detail has OpenSSL's number.",
        "Look it up: `man x509_verify_cert_error_string`.",
    ),
    "tls_to_plain": Reason("The server speaks plain http, and is called by https.", "Write http://, or the port on which it speaks TLS."),
    "plain_to_tls": Reason("The server speaks TLS, and is called by http.", "Write https://."),
    "asks_for_certificate": Reason(
        "The server wants a certificate of the client, or refuses the one that was shown.",
        "Set `upstream_client_certificate` and `upstream_client_key`.",
    ),
    "tls": Reason("The TLS handshake failed; the detail has OpenSSL's reason.", "Compare the versions and ciphers of both sides."),
    "self_loop": Reason("The address is the gateway's own.", "Name the address of the server behind the gateway."),
    "nonsense": Reason(
        "The answer breaks a rule of HTTP; the detail names it.", "Correct the server; see `upstream_nonsense` in the log for how often."
    ),
    "failed": Reason("Another error of the operating system; the detail names it.", "Look it up: `man errno`."),
}
"""Why a server failed, in the events upstream_failed and okta_failed and in `check --online`."""
