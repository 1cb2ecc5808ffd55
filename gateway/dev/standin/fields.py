"""The header fields that Okta adds to every answer.

Owns: their names and values: caching, security, the long content security policy.
Must never: read or set a cookie (manners.py does), or change a field that an endpoint has set.
Rules: recorded answers of a preview org (September 2025): every answer has them, except a 405, which never reaches Okta's application.
"""

import ipaddress
import re
import secrets
from functools import lru_cache

from aiohttp import web

from gateway.dev.standin.call import Call

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
