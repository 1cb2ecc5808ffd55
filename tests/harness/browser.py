"""A browser that keeps cookies by host and follows no redirect by itself. Checks nothing by itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import aiohttp
import yarl

from gateway.dev.standin import OrgSession

ALICE, BOB = "alice@example.com", "bob@example.com"

LOGIN, HR, WIKI = "https://login.example.com", "https://hr.example.com", "https://wiki.example.com"

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}

FETCH = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}

FORM = {**NAVIGATION, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class BrowserReply:
    """One answer. Set-Cookie lines are in order; ``location`` is empty if there is none."""

    status: int
    fields: Sequence[tuple[str, str]]
    body: str

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    @property
    def location(self) -> str:
        return next(iter(self.values("Location")), "")

    @property
    def set_names(self) -> list[str]:
        return [value.partition("=")[0] for value in self.values("Set-Cookie")]

    def parameter(self, name: str) -> str:
        return parse_qs(urlsplit(self.location).query)[name][0]


class Browser:
    """A browser that keeps cookies by host. It accepts ``__Host-`` cookies only with their attributes, and drops expired ones."""

    def __init__(self, client: aiohttp.ClientSession, port: int | Callable[[], int]) -> None:
        self._client = client
        self._port = port
        self.jars: dict[str, dict[str, str]] = {}

    def jar(self, origin: str) -> dict[str, str]:
        return self.jars.setdefault(urlsplit(origin).netloc, {})

    async def ask(
        self, url: str, method: str = "GET", fields: Mapping[str, str] = NAVIGATION, body: str | bytes = "", cookie: str | None = None
    ) -> BrowserReply:
        """Send one request. ``cookie`` replaces the cookies of the jar."""
        parts = urlsplit(url)
        host, target = parts.netloc, url[len(f"{parts.scheme}://{parts.netloc}") :]
        kept = cookie if cookie is not None else "; ".join(f"{name}={value}" for name, value in self.jar(url).items())
        sent = {"Host": host, **fields, **({"Cookie": kept} if kept else {})}
        address = yarl.URL(f"http://127.0.0.1:{self._port() if callable(self._port) else self._port}{target}", encoded=True)
        data = body if body or method == "POST" else None
        async with self._client.request(method, address, headers=sent, data=data, allow_redirects=False) as response:
            reply = BrowserReply(response.status, list(response.headers.items()), (await response.read()).decode())
        for line in reply.values("Set-Cookie"):
            self._keep(host, line)
        return reply

    def _keep(self, host: str, line: str) -> None:
        pair, *attributes = [part.strip() for part in line.split(";")]
        name, _, value = pair.partition("=")
        if name.startswith("__Host-"):
            same_site = "None" if name.startswith(("__Host-gateway-pending", "__Host-gateway-browser")) else "Lax"
            assert {"Secure", "HttpOnly", "Path=/", f"SameSite={same_site}"} <= set(attributes)
        if any(one.startswith("Domain=") for one in attributes):
            assert not name.startswith("__Host-")
        elif "Max-Age=0" in attributes or value in ("", '""'):
            self.jars.get(host, {}).pop(name, None)
        else:
            self.jars.setdefault(host, {})[name] = value

    async def post(self, url: str, body: str = "", fields: Mapping[str, str] = FORM) -> BrowserReply:
        return await self.ask(url, "POST", fields, body)

    async def walk(self, url: str, most: int = 12) -> tuple[BrowserReply, list[str]]:
        """Follow redirects as a navigation does. Return the last reply and all requested addresses."""
        asked = []
        for _ in range(most):
            asked.append(url)
            reply = await self.ask(url)
            if not reply.location:
                return reply, asked
            url = reply.location if "://" in reply.location else f"https://{urlsplit(url).netloc}{reply.location}"
        raise AssertionError(f"more than {most} redirects: {asked}")

    async def ticket_url(self, target: str = "/") -> str:
        """Return the address of ``accept`` with an unused ticket of this browser."""
        handed = await self.ask((await self.ask(f"{HR}{target}")).location)
        assert handed.status == 302 and handed.location.startswith(f"{HR}/.gateway/accept?ticket=")
        return handed.location

    def okta_cookies(self) -> dict[str, str]:
        """Return the session cookies of the login host, without the browser id and without JSESSIONID, which every answer of Okta sets."""
        return {name: value for name, value in self.jar(LOGIN).items() if name not in ("__Host-gateway-browser", "JSESSIONID")}

    def signs_in(self, session: OrgSession) -> None:
        """Store the org's cookies as if the user had signed in on the login host."""
        self.jar(LOGIN).update({name: value for name, value in (("sid", session.sid), ("idx", session.idx)) if value is not None})
