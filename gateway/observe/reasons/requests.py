"""Requests that are refused for their form, before anybody looks who sent them."""

from gateway.observe.reasons.entries import Reason

_CLIENT = "A browser does not send this: look for a broken program, an old proxy before the gateway, or an attack."
_PATH = "Two servers would read this path in two ways. Correct the link, or the program that made it."
_LARGER = "Raise the limit if the app needs it"

REQUESTS = {
    "unparsable": Reason("The bytes that came are no HTTP/1.1 request.", f"{_CLIENT} TLS spoken to a plain port looks like this too."),
    "empty_lines": Reason("Too many empty lines came before a request.", _CLIENT),
    "version": Reason("Another version than HTTP/1.1 or 1.0.", _CLIENT),
    "target": Reason("The address in the first line holds characters that none may hold.", _CLIENT),
    "host": Reason("The Host field is no plain host name, or has another port or scheme than is served.", _CLIENT),
    "host_missing": Reason("There is no Host field.", _CLIENT),
    "host_repeated": Reason("There are two Host fields.", _CLIENT),
    "unknown_host": Reason(
        "No [[app]] and no [login] has this host name.", "Add it to the configuration, or correct the DNS or the proxy that led it here."
    ),
    "method": Reason("The method is not allowed at this address.", "Correct the program, or `methods` of the rule that is named as route."),
    "method_refused": Reason("TRACE, TRACK and CONNECT are served to nobody.", "Nothing, unless a program of yours needs it."),
    "field": Reason("A field line holds bytes that none may hold.", _CLIENT),
    "field_repeated": Reason("A field that says one thing came twice.", _CLIENT),
    "field_alias": Reason(
        "A field of `allow_fields` came twice, or in two spellings.", "Correct the program, or take the name out of allow_fields."
    ),
    "connection_names_field": Reason("`Connection` names a field that is meant for the app.", _CLIENT),
    "framing": Reason("Two servers could disagree where the body ends.", _CLIENT),
    "framing_alias": Reason("A field looks like Content-Length or Transfer-Encoding in another spelling.", _CLIENT),
    "content_length": Reason("Content-Length is repeated, no plain number, or too large.", _CLIENT),
    "transfer_coding": Reason("The body has another transfer coding than chunked.", _CLIENT),
    "chunk": Reason("A chunk of the body is malformed.", _CLIENT),
    "body": Reason("The body broke off or was malformed.", "The client left, or its network is bad."),
    "body_too_large": Reason("The body is larger than `app.largest_body`.", f"{_LARGER} (`app.largest_body`)."),
    "body_too_slow": Reason(
        "The body came too slowly, or stood still.", "The client's network is bad, or somebody holds connections open."
    ),
    "bodies_full": Reason("Bodies that wait take all the room there is for them.", "Look for a client that sends many slow uploads."),
    "upload_broken": Reason("The client's body broke off while it was passed on.", "The client left, or its network is bad."),
    "head_too_slow": Reason(
        "The head of a request did not arrive within `listen.head_timeout`.", "Nothing, unless it comes often from one address."
    ),
    "request_line_too_long": Reason("The address is longer than `listen.request_line` (login host: `login.request_line`).", f"{_LARGER}."),
    "fields_too_large": Reason(
        "The fields together are larger than `listen.fields_size`.", f"{_LARGER}; mostly there are too many cookies."
    ),
    "too_many_fields": Reason("There are more fields than `listen.fields_count`.", f"{_LARGER}."),
    "too_many_cookies": Reason(
        "There are more than 500 cookies.", "Clear the cookies of this site in the browser; find out what sets so many."
    ),
    "too_many_requests_of_client": Reason(
        "One address has more requests open than `listen.requests_per_client`.",
        "Behind a proxy, list it in `listen.trusted_proxies`, or all its clients count as one. Else raise the limit.",
    ),
    "path": Reason("The path is not one that is served.", _PATH),
    "path_backslash": Reason("The path holds a backslash.", _PATH),
    "path_control": Reason("The path holds a control character.", _PATH),
    "path_dot_segment": Reason("The path holds . or .. as a segment, plain or encoded.", _PATH),
    "path_empty_segment": Reason("The path holds an empty segment (//).", _PATH),
    "path_escape": Reason("The path holds a % that begins no escape, or one that is encoded again.", _PATH),
    "path_overlong": Reason("The path is not UTF-8, or spells a character in too many bytes.", _PATH),
    "path_short_name": Reason("The path looks like a short name of Windows (~1), on an app with case_insensitive.", _PATH),
    "path_wide_slash": Reason("The path holds a character that Windows may take for a slash or a dot.", _PATH),
    "method_override": Reason("A field that overrides the method names none.", "Correct the program that sends it."),
    "destination": Reason("`Destination` names another site than this app, or cannot be read.", "Correct the WebDAV client."),
    "upload_not_kept": Reason(
        "An upload for `app.buffer_uploads` could not be kept on the disk.", "Make room in the folder for temporary files."
    ),
    "uploads_full": Reason(
        "As many uploads are kept as may be (`app.buffer_uploads`).", "The client tries again; make room, or raise the bound."
    ),
    "outside_prefix": Reason("The path is outside of the app's strip_prefix.", "Correct the link, or `app.strip_prefix`."),
    "no_upstream": Reason(
        "A front proxy carries this app, and sent its request here.",
        "Correct the proxy: only /.gateway/ of this host belongs to the gateway.",
    ),
    "no_such_path": Reason("Nothing is at this address under /.gateway/.", "Correct the link or the proxy's recipe."),
    "websocket_origin": Reason(
        "A page of another site opened a WebSocket.", "Add the page's origin to `app.websocket_origins` if it may, else nothing."
    ),
    "internal": Reason("A bug: see the line `request_failed` with the same request_id.", "Report it, with the frames of that line."),
    "failed": Reason("A bug while an answer was on its way, which was broken off.", "As for `internal`."),
}
