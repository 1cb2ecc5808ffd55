"""Header fields and cookies that the org adds to every answer.

Owns: CORS, the transparent `idx`, the deletions of `sid` and `xids`, JSESSIONID; caching, security, the long content security policy.
Must never: change what an endpoint decided, or a field that it has set.
Rules: Trusted Origins of type CORS; recorded answers of Okta (every answer to a caller without a session deletes `sid` and
`xids`, also if the caller has an API token; this is no sign of a sign-out).
Every answer has these fields, except a 405, which never reaches Okta's application.
"""

import ipaddress
import re
import secrets
from functools import lru_cache

from aiohttp import web

from gateway.dev.standin.call import Call
from gateway.dev.standin.cookies import deletion, old_deletion, servlet_session, session_cookie, theme
from gateway.dev.standin.presence import Presence, presence
from gateway.dev.standin.quirks import SID_NOISE

TRANSPORT_SECURITY = "max-age=315360000; includeSubDomains"
_CDN = "*.oktacdn.com"
_FASTPASS_PORTS = (8769, 65111, 65121, 65131, 65141, 65151)
_REFRESH = re.compile(r"/api/v1/sessions/[^/]+/lifecycle/refresh")


def add_fields(call: Call, response: web.Response) -> None:
    """Add the fields that Okta adds to all answers. A field that is already there stays."""
    fields = response.headers
    fields.setdefault("Strict-Transport-Security", TRANSPORT_SECURITY)
    if response.status == 405:
        fields.setdefault("X-Content-Type-Options", "nosniff")
        return
    if "Cache-Control" not in fields:
        fields["Cache-Control"] = "no-cache, no-store"
        fields["Pragma"] = "no-cache"
        fields["Expires"] = "0"
    fields.setdefault("X-Okta-Request-Id", secrets.token_urlsafe(16))
    fields.setdefault("Accept-CH", "Sec-CH-UA-Platform-Version")
    fields.setdefault("P3P", 'CP="HONK"')
    fields.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    fields.setdefault("X-XSS-Protection", "0")
    fields.setdefault(*(("X-Frame-Options", "SAMEORIGIN") if response.status == 204 else ("X-Content-Type-Options", "nosniff")))
    if "Content-Security-Policy" not in fields:
        _add_policy(call, response)


def _add_policy(call: Call, response: web.Response) -> None:
    if _REFRESH.fullmatch(call.path) is None:
        response.headers["Content-Security-Policy"] = content_policy(call.host)
        return
    # A newer part of Okta serves refresh: its policy has a nonce for scripts, and a stricter policy is sent as report-only beside it.
    nonce = f" 'nonce-{secrets.token_urlsafe(16)}'"
    response.headers["Content-Security-Policy"] = content_policy(call.host, script_more=f"{nonce} 'unsafe-eval'")
    response.headers["Content-Security-Policy-Report-Only"] = content_policy(
        call.host, script_more=f"{nonce} 'unsafe-eval'", style_more=nonce
    )


@lru_cache(maxsize=64)
def content_policy(host: str, *, script_more: str = "", style_more: str = "", frame_more: str = "", frame_ancestors: str = "'self'") -> str:
    """Return the policy of an answer that names this host; without `frame_ancestors`, any page may frame the answer."""
    own = f"'self' {host} {_CDN}"
    admin, kerberos, mtls = _neighbours(host)
    loopback = " ".join(f"*.authenticatorlocalprod.com:{port} http://localhost:{port} http://127.0.0.1:{port}" for port in _FASTPASS_PORTS)
    directives = [
        f"default-src {own}",
        f"connect-src 'self' {host}{admin} {_CDN} *.mixpanel.com *.mapbox.com{kerberos}{mtls} {loopback} https://oinmanager.okta.com"
        " data: *.ingest.sentry.io",
        f"script-src 'unsafe-inline'{script_more} 'self' 'report-sample' {host} {_CDN}",
        f"style-src 'unsafe-inline'{style_more} 'self' 'report-sample' {host} {_CDN}",
        f"frame-src 'self' {host}{admin} login.okta.com *.vidyard.com com-okta-authenticator:{frame_more}",
        f"img-src {own} *.tiles.mapbox.com *.mapbox.com *.vidyard.com data: blob:",
        f"font-src 'self' {host} data: {_CDN} fonts.gstatic.com",
        *([f"frame-ancestors {frame_ancestors}"] if frame_ancestors else []),
    ]
    return "; ".join(directives)


def _neighbours(host: str) -> tuple[str, str, str]:
    """Return the org's other hosts as sources of the policy, each after a space. An address or a single name has none (empty)."""
    name, _, rest = host.partition(".")
    if not rest or host.startswith("[") or _is_address(host.partition(":")[0]):
        return "", "", ""
    return f" {name}-admin.{rest}", f" {name}.kerberos.{rest}", f" {name}.mtls.{rest}"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


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
