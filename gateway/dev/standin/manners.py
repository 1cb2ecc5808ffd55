"""Header fields and cookies that the org adds to every answer.

Owns: CORS, the transparent `idx`, the deletions of `sid` and `xids`, JSESSIONID. The other fields are in fields.py.
Must never: change what an endpoint decided.
Rules: Trusted Origins of type CORS; recorded answers of Okta (every answer to a caller without a session deletes `sid` and
`xids`, also if the caller has an API token; this is no sign of a sign-out).
"""

from aiohttp import web

from gateway.dev.standin.call import Call
from gateway.dev.standin.cookies import deletion, old_deletion, servlet_session, session_cookie, theme
from gateway.dev.standin.fields import add_fields
from gateway.dev.standin.presence import Presence, presence
from gateway.dev.standin.quirks import SID_NOISE

_ALLOWED_METHODS = "GET, POST, PUT, DELETE, OPTIONS"
_ALLOWED_FIELDS = "Accept, Authorization, Content-Type, X-Okta-User-Agent-Extended, X-Device-Fingerprint, X-Requested-With, Prefer"
_EXPOSED_FIELDS = "X-Rate-Limit-Limit, X-Rate-Limit-Remaining, X-Rate-Limit-Reset, X-Okta-Request-Id, Preference-Applied"
_CORS_PATHS = ("/api/", "/idp/idx/", "/oauth2/", "/.well-known/")


def preflight(call: Call) -> web.Response:
    """Answer a CORS preflight (OPTIONS): what a page of a Trusted Origin may send."""
    return web.Response(status=200, headers={"Allow": _ALLOWED_METHODS})


def dress(call: Call, before: Presence, response: web.Response) -> web.Response:
    """Add to an answer what Okta adds to all answers. `before`: the live sessions when the request arrived."""
    add_fields(call, response)
    share(call, response)
    if call.method == "OPTIONS" or response.status == 405:
        return response
    lines = response.headers.popall("Set-Cookie", [])
    if call.org.has(SID_NOISE):
        lines = [servlet_session(), theme(), *lines]
    if before.current is None and not any(line.startswith("sid=") for line in lines):
        lines = [deletion("sid"), deletion("xids"), *lines]
    if not any(line.startswith("idx=") for line in lines):
        lines = [*lines, *_transparent_idx(call)]
    lines += [old_deletion("autolaunch_triggered"), old_deletion("activate_ca_modal_triggered")]
    if not any(line.startswith("JSESSIONID=") for line in lines):
        lines.append(servlet_session())
    for line in lines:
        response.headers.add("Set-Cookie", line)
    return response


def share(call: Call, response: web.Response) -> None:
    """Let a page of a Trusted Origin read the answer of an API path."""
    origin = call.fields.get("Origin")
    if origin is None or not call.path.startswith(_CORS_PATHS):
        return
    response.headers.add("Vary", "Origin")
    if origin != call.origin and origin not in call.org.trusted_origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED_FIELDS
    if call.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = _ALLOWED_METHODS
        response.headers["Access-Control-Allow-Headers"] = _ALLOWED_FIELDS
        response.headers["Access-Control-Max-Age"] = "3600"


def _transparent_idx(call: Call) -> list[str]:
    """On Identity Engine, give a browser that has only `sid` the session's `idx` too, or a new one if there is none."""
    after = presence(call.org, call.cookies)
    if not call.org.is_identity or after.by_idx is not None or after.by_sid is None:
        return []
    return [session_cookie("idx", after.by_sid.idx or call.org.sessions.renew_idx(after.by_sid))]
