"""The portal: a server that gets a session token from the org for its user, and redirects the browser to the org with it.

Owns: one page with two columns. Both have the same buttons: one column goes through the gateway, the other straight to the org, so that
the problem and its solution stand side by side. Must never show a token in a page or an error; a token is only in the address of
the redirect. The HTTP client for the org keeps no cookies. Source: Okta `POST /api/v1/authn`.
"""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, StreamReader, web

from gateway.dev.demo.rendering import file_routes, page

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
    credentials = {"username": login, "password": password}
    try:
        async with client.post(f"{org_url}/api/v1/authn", json=credentials, allow_redirects=False) as answer:
            status, body = answer.status, await _whole(answer.content)
    except (TimeoutError, ClientError, OSError) as error:
        raise NoToken(f"The org at {org_url} cannot be reached.") from error
    try:
        content = json.loads(body)
    except ValueError as error:
        raise NoToken(f"The org at {org_url} answered {status}, and not in JSON.") from error
    token = content.get("sessionToken") if isinstance(content, dict) else None
    if status == 200 and isinstance(token, str) and token:
        return token
    code = content.get("errorCode") or content.get("status") if isinstance(content, dict) else None
    raise NoToken(f"The org at {org_url} gave no token for {login}: {status} {code or ''}".rstrip() + ".")


def redeeming_url(login_url: str, token: str, redirect_url: str) -> str:
    """Return the address that gives the browser that opens it a session for this token (Okta's session cookie guide)."""
    query = urlencode({"checkAccountSetupComplete": "true", "token": token, "redirectUrl": redirect_url})
    return f"{login_url}/login/sessionCookieRedirect?{query}"


@dataclass(frozen=True, slots=True)
class Portal:
    """The portal's handlers. `users` are pairs of login and password."""

    org_url: str
    login_url: str
    app_url: str
    users: tuple[tuple[str, str], ...]

    def user(self, name: str) -> tuple[str, str] | None:
        """Return the user with this login. The part before the @ is enough if only one user has it."""
        exact = [user for user in self.users if user[0] == name]
        short = [user for user in self.users if user[0].partition("@")[0] == name]
        found = exact or short
        return found[0] if len(found) == 1 else None

    async def front(self, _request: web.Request) -> web.Response:
        """Show the page with the two columns."""
        facts: dict[str, object] = {
            "users": [login for login, _ in self.users],
            "short": {login: login.partition("@")[0] for login, _ in self.users},
            "org_url": self.org_url,
            "app_url": self.app_url,
            "straight_url": self._straight_url(),
        }
        return page("portal.html", facts, form_targets=("'self'", self.login_url, self.app_url, self.org_url))

    async def enter(self, request: web.Request) -> web.Response:
        """Redirect (303) to the address that redeems a new token of the user. 400 for an unknown user or column, 502 without a token."""
        fields = await request.post() if request.method == "POST" else request.query
        name, through = str(fields.get("as", "")), str(fields.get("through", "gateway"))
        user = self.user(name)
        if user is None:
            return self._trouble(400, "Nobody of that name", "This portal does not know the user that was asked for.")
        if through not in {"gateway", "straight"}:
            return self._trouble(400, "No such way", "A user enters through the gateway, or straight to the org.")
        try:
            token = await session_token(request.app[ORG_CLIENT], self.org_url, *user)
        except NoToken as error:
            return self._trouble(502, "The portal got no session token", str(error))
        if through == "gateway":
            location = redeeming_url(self.login_url, token, f"{self.app_url}/")
        else:
            location = redeeming_url(self.org_url, token, self._straight_url())
        return web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})

    def _straight_url(self) -> str:
        return f"{self.org_url}/app/UserHome"

    @staticmethod
    def _trouble(status: int, heading: str, sentence: str) -> web.Response:
        return page("trouble.html", {"heading": heading, "sentence": sentence}, status=status)


def portal(*, org_url: str, login_url: str, app_url: str, users: Sequence[tuple[str, str]]) -> web.Application:
    """Return the portal's application. The three addresses are origins; `users` are pairs of login and password."""
    room = Portal(org_url.rstrip("/"), login_url.rstrip("/"), app_url.rstrip("/"), tuple(users))
    app = web.Application()
    app.cleanup_ctx.append(org_client)
    app.add_routes([web.get("/", room.front), web.get("/enter", room.enter, allow_head=False), web.post("/enter", room.enter)])
    app.add_routes(file_routes("demo.css", "demo.svg"))
    return app
