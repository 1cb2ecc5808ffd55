"""`check --online` for an org that is not behind the gateway: asks whether the org does for this client what the gateway relies on.

::

    metadata ─▶ a silent question of nobody: login_required ─▶ the token endpoint knows the client ─▶ the sign-out leads back
    with a test user:  a token begins a session ─▶ a silent question yields a code, and the code names her ─▶ sign-out ─▶ login_required

``login_required`` proves the end of a session only if a live session gives a code, and only a test user can show that. Must never use a
real user's cookies or token, print a secret, or leave the test user's session open if it can be ended.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urljoin, urlsplit

from aiohttp import ClientSession

from gateway.clock import Clock
from gateway.compose.hosts import OrgAddress, org_address, org_timeouts
from gateway.compose.oidc_client import issuer_of, org_client, redirect_uri_of
from gateway.compose.parts import folder_of, resolver
from gateway.config import Settings
from gateway.doors.oidc.front_switch import FRONT_SWITCH
from gateway.errors import BadConfig, OutsideFailed
from gateway.oidc import OrgClient
from gateway.okta import body_of
from gateway.outbound import open_client, send_once
from gateway.policy.oidc.bounces import Bounce, Unclear, address_of
from gateway.policy.session.session import SessionCookie, login_key
from gateway.policy.switch.redemption import cookies_set
from gateway.resolver import ResolverOfClient

Cookies = tuple[SessionCookie, ...]


@dataclass(frozen=True, slots=True)
class TestUser:
    """A user of the org who exists for this check alone."""

    __test__ = False
    login: str
    password: str


@dataclass(frozen=True, slots=True)
class OrgReply:
    """What the org answered: status, redirect address, the session cookies that it set, and the body."""

    status: int
    location: str
    cookies: Cookies
    body: bytes


def user_of(file: Path) -> TestUser:
    """The test user in a file of two lines. Raises `BadConfig` if the file has none."""
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise BadConfig((f"{file}: {error}; name a readable file with login and password, one a line",)) from error
    if len(lines) != 2:
        raise BadConfig((f"{file}: holds {len(lines)} lines; write login and password, one a line",))
    return TestUser(*lines)


async def ask_oidc(settings: Settings, user: TestUser | None) -> tuple[str, ...]:
    """The problems that show only when the org is asked. The first one ends the check, because others would follow from it."""
    config = settings.config
    names = resolver(config)
    try:
        async with open_client(org_timeouts(config), 2, resolver=ResolverOfClient(names)) as client:
            place = org_address(config, folder_of(settings))
            return await _Questions(settings, client, place, org_client(settings, client, place, Clock())).problems(user)
    except OutsideFailed as error:
        return (
            settings.problem(("oidc", "issuer"), f"asked {issuer_of(config)}: {error} ({error.reason}); check okta.org and oidc.issuer"),
        )
    finally:
        await names.aclose()


class _Questions:
    """One check."""

    def __init__(self, settings: Settings, client: ClientSession, place: OrgAddress, org: OrgClient) -> None:
        self._settings = settings
        self._client = client
        self._place = place
        self._org = org
        self._bounce = Bounce("check", "", "none", secrets.token_urlsafe(16), secrets.token_urlsafe(32), "", 0.0)

    async def problems(self, user: TestUser | None) -> tuple[str, ...]:
        await self._org.metadata()
        said = await self._silently(())
        if said.get("error") != "login_required":
            return self._problem("client_id", f"a silent question was answered with {_shown(said)}; {self._registered()}")
        answer = await self._org.redeemed("not-a-code", self._bounce.verifier, self._bounce.nonce)
        if answer != Unclear("code_used"):
            reason = answer.reason if isinstance(answer, Unclear) else "a user"
            return self._problem(
                "client_id", f"the token endpoint answered a made-up code with {reason}; check the secret or key of the app"
            )
        back = self._settings.config.login.url + FRONT_SWITCH
        left = await self._sent("GET", f"/login/signout?fromURI={quote(back, safe='')}")
        if left.location != back:
            remedy = f"add {self._settings.config.login.url} as a Trusted Origin of type Redirect"
            return self._problem("issuer", f"/login/signout does not lead back to the gateway; {remedy}")
        return await self._as(user) if user is not None else ()

    async def _as(self, user: TestUser) -> tuple[str, ...]:
        credentials = json.dumps({"username": user.login, "password": user.password}).encode()
        answer = await self._sent("POST", "/api/v1/authn", credentials, ((b"Content-Type", b"application/json"),))
        token = _object(answer.body).get("sessionToken")
        if not isinstance(token, str):
            what = f"the test user's password was answered with {answer.status} {_object(answer.body).get('status', '')}".strip()
            return self._problem("client_id", f"{what}; she needs one factor, a password that is good, and no other step")
        back = quote(redirect_uri_of(self._settings.config), safe="")
        form = f"token={quote(token, safe='')}&redirectUrl={back}".encode()
        begun = await self._sent("POST", "/login/sessionCookieRedirect", form, ((b"Content-Type", b"application/x-www-form-urlencoded"),))
        if not begun.cookies:
            return self._problem("client_id", "the test user's token began no session; check the Trusted Origin of type Redirect")
        try:
            return await self._living(user, begun.cookies)
        finally:
            await self._sent("GET", "/login/signout", cookies=begun.cookies)

    async def _living(self, user: TestUser, cookies: Cookies) -> tuple[str, ...]:
        said = await self._silently(cookies)
        if "code" not in said:
            policy = "give the app a sign-on policy of one factor that never prompts again, assign the user, and ask no consent"
            return self._problem(
                "client_id", f"a living session was answered with {_shown(said)}, so login_required proves nothing; {policy}"
            )
        proof = await self._org.redeemed(said["code"], self._bounce.verifier, self._bounce.nonce)
        if isinstance(proof, Unclear) or login_key(proof.login) != login_key(user.login):
            return self._problem(
                "client_id", f"the code did not name the test user ({proof.reason if isinstance(proof, Unclear) else proof.login})"
            )
        await self._sent("GET", "/login/signout", cookies=cookies)
        said = await self._silently(cookies)
        if said.get("error") != "login_required":
            return self._problem(
                "client_id", f"behind /login/signout a silent question was answered with {_shown(said)}; a switch would stop"
            )
        return ()

    async def _silently(self, cookies: Cookies) -> dict[str, str]:
        """The parameters that a silent question (``prompt=none``) brings back to the gateway's address; else only the status."""
        endpoint = (await self._org.metadata()).authorization_endpoint
        parts = urlsplit(address_of(endpoint, self._org.rules.question, self._bounce, "check"))
        answer = await self._sent("GET", f"{parts.path}?{parts.query}", cookies=cookies)
        if not answer.location.startswith(redirect_uri_of(self._settings.config) + "?"):
            return {"status": str(answer.status)}
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()}

    async def _sent(
        self, method: str, target: str, body: bytes | None = None, fields: Sequence[tuple[bytes, bytes]] = (), cookies: Cookies = ()
    ) -> OrgReply:
        jar = b"; ".join(cookie.name + b"=" + cookie.value for cookie in cookies)
        own = ((b"Accept", b"application/json, text/html"), (b"User-Agent", b"session-gateway check"), *fields)
        sent = (*own, (b"Cookie", jar)) if jar else own
        timeouts = org_timeouts(self._settings.config)
        response = await send_once(self._client, self._place.destination, (method, target, sent), timeouts.first_byte, body)
        lines = [(b"set-cookie", line.encode("utf-8", "surrogateescape")) for line in response.headers.getall("Set-Cookie", ())]
        location = response.headers.get("Location", "")
        where = urljoin(self._settings.config.okta.org + target.partition("?")[0], location) if location else ""
        return OrgReply(response.status, where, cookies_set(lines), await body_of(response, timeouts.idle))

    def _registered(self) -> str:
        return f"register {redirect_uri_of(self._settings.config)} as a sign-in redirect URI of the app, and check oidc.client_id"

    def _problem(self, key: str, text: str) -> tuple[str, ...]:
        return (self._settings.problem(("oidc", key), f"asked {issuer_of(self._settings.config)}: {text}"),)


def _shown(said: dict[str, str]) -> str:
    return said.get("error") or ("a code" if "code" in said else f"status {said.get('status', '')}")


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
