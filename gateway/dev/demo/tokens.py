"""Gets a session token from the org with login and password, on the server's side (Okta calls this primary authentication).

Owns: the HTTP client for the org, which keeps no cookies. Must never show a password or a token in an error.
Source: Okta `POST /api/v1/authn`. The one-time token is in `sessionToken`, and is valid for five minutes.
"""

import json
from collections.abc import AsyncIterator
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, StreamReader, web

ORG_CLIENT = web.AppKey("ORG_CLIENT", ClientSession)
BODY_LIMIT_BYTES = 64 * 1024
_DEADLINE = ClientTimeout(total=10, connect=3)


class NoToken(Exception):
    """The org gave no token. The text is a sentence for the page."""


async def org_client(app: web.Application) -> AsyncIterator[None]:
    """Open one client without a cookie jar while the application runs (for aiohttp's `cleanup_ctx`)."""
    async with ClientSession(cookie_jar=DummyCookieJar(), timeout=_DEADLINE) as client:
        app[ORG_CLIENT] = client
        yield


async def _whole(content: StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_chunked(BODY_LIMIT_BYTES):
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise NoToken("The org's answer is too long to be one of Okta's.")
    return bytes(body)


async def session_token(client: ClientSession, org_url: str, login: str, password: str) -> str:
    """Return a new token for this user. NoToken if the org cannot be reached or refuses."""
    asked = {"username": login, "password": password}
    try:
        async with client.post(f"{org_url}/api/v1/authn", json=asked, allow_redirects=False) as answer:
            status, body = answer.status, await _whole(answer.content)
    except (TimeoutError, ClientError, OSError) as error:
        raise NoToken(f"The org at {org_url} cannot be reached.") from error
    try:
        told = json.loads(body)
    except ValueError as error:
        raise NoToken(f"The org at {org_url} answered {status}, and not in JSON.") from error
    token = told.get("sessionToken") if isinstance(told, dict) else None
    if status == 200 and isinstance(token, str) and token:
        return token
    code = told.get("errorCode") or told.get("status") if isinstance(told, dict) else None
    raise NoToken(f"The org at {org_url} gave no token for {login}: {status} {code or ''}".rstrip() + ".")


def redeeming_url(login_url: str, token: str, redirect_url: str) -> str:
    """Return the address that gives the browser that opens it a session for this token (Okta's session cookie guide)."""
    query = urlencode({"checkAccountSetupComplete": "true", "token": token, "redirectUrl": redirect_url})
    return f"{login_url}/login/sessionCookieRedirect?{query}"
