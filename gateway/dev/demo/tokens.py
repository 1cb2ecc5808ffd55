"""Asks the org for a session token, as the server in the forum thread does: primary authentication, away from the browser.

Owns: the client that talks to the org, and that it keeps no cookies. Never shows a password or a token in an error.
Source: Okta `POST /api/v1/authn`, one-time token in `sessionToken`, good for five minutes.
"""

import json
from collections.abc import AsyncIterator
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, StreamReader, web

ORG_CLIENT = web.AppKey("ORG_CLIENT", ClientSession)
BODY_LIMIT_BYTES = 64 * 1024
_DEADLINE = ClientTimeout(total=10, connect=3)


class NoToken(Exception):
    """The org gave no token; the text is a sentence for the page."""


async def org_client(app: web.Application) -> AsyncIterator[None]:
    """A `cleanup_ctx` part: one client without a cookie jar while the application runs."""
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
    """A fresh token for this user; NoToken when the org cannot be reached or refuses."""
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
    """The address that turns the token into a session in the browser that opens it (Okta, session cookie guide)."""
    query = urlencode({"checkAccountSetupComplete": "true", "token": token, "redirectUrl": redirect_url})
    return f"{login_url}/login/sessionCookieRedirect?{query}"
