"""The check of who may call the API for administrators.

Owns: the three kinds of proof: an API token, an OAuth token of the org's own authorization server, the session of an administrator.
Must never: do what the call asks for.
Rules: Okta's API conventions (`Authorization: SSWS`), the guide "Implement OAuth for Okta" (scopes `okta.sessions.read`, `.manage`; a
token of a custom authorization server opens nothing), RFC 6750 §3.1.
"""

from aiohttp import web

from gateway.dev.standin.answers import error
from gateway.dev.standin.call import Call
from gateway.dev.standin.oauth_endpoints import bearer_grant, challenged
from gateway.dev.standin.presence import presence


def refusal(call: Call, area: str) -> web.Response | None:
    """Return why this caller may not act on an area (`sessions`, `users`, `clients`); None when it may."""
    authorization = call.fields.get("Authorization", "")
    # Okta's Python client 3.4 writes no space after the scheme, and Okta accepts that. So the space is optional here.
    if authorization[:4].upper() == "SSWS":
        return None if authorization[4:].strip() == call.org.api_token else error("E0000011")
    if authorization:
        return _refused_token(call, area)
    session = presence(call.org, call.cookies).current
    if session is None:
        return error("E0000005")
    return None if session.user.login in call.org.administrators else error("E0000006")


def _refused_token(call: Call, area: str) -> web.Response | None:
    grant = bearer_grant(call)
    if grant is None or "/oauth2/" in grant.issuer:
        return challenged(call, error("E0000011"))
    wanted = {f"okta.{area}.manage"} | ({f"okta.{area}.read"} if call.method in ("GET", "HEAD") else set())
    is_user_allowed = grant.user is None or grant.user.login in call.org.administrators
    if is_user_allowed and wanted & set(grant.scope.split()):
        return None
    return challenged(call, error("E0000006"), "insufficient_scope")
