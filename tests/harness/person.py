"""A user with a browser: cookies by host and by domain, redirects as browsers follow them, Fetch Metadata.

Owns the cookie jar, and a list of every session cookie that this browser ever had. Checks nothing by itself.
"""

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import yarl
from multidict import CIMultiDict

from tests.harness.browser import BrowserReply

LOGIN, HR = "https://login.example.com", "https://hr.example.com"
PORTAL, EVIL = "https://portal.example.com", "https://evil.example.net"
ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"
OURS = (LOGIN, HR, PORTAL)
SESSION_NAMES = ("sid", "idx")
AGENT = "Mozilla/5.0 (X11; Linux x86_64) person/1"
NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
SCRIPT = {"Accept": "application/json", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
FORM_TYPE = "application/x-www-form-urlencoded"

Jar = dict[tuple[str, bool, str], str]
Lines = tuple[tuple[str, str], ...]


def redemption(token: str, target: str = f"{HR}/") -> str:
    """Return the address to which a portal redirects its users with a token."""
    return f"{LOGIN}/login/sessionCookieRedirect?token={token}&redirectUrl={quote(target, safe='')}"


@dataclass
class PersonReply(BrowserReply):
    """One answer. ``url``: the requested address."""

    url: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def set_cookies(self) -> list[str]:
        return self.values("Set-Cookie")

    @property
    def leads_to(self) -> str:
        """Return the address to which the page leads by itself; empty if it does not."""
        found = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', self.body)
        return html.unescape(found[1]) if found is not None else ""

    @property
    def sealed(self) -> str:
        """Return the sealed value in the form of the confirmation page."""
        found = re.search(r'name="request" value="([^"]*)"', self.body)
        assert found is not None, (self.status, self.body)
        return html.unescape(found[1])


@dataclass
class Person:
    """A browser that follows redirects only in ``go``. The key of a cookie is (host or domain, whether it is a domain, name)."""

    client: aiohttp.ClientSession
    port: Callable[[], int]
    jar: Jar = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    agent: str = AGENT

    def cookies(self, host: str, jar: Jar | None = None) -> list[tuple[str, str]]:
        """Return the cookies for this host, in the order in which they were set."""
        kept = self.jar if jar is None else jar
        return [(name, value) for (home, wide, name), value in kept.items() if home == host or (wide and host.endswith(f".{home}"))]

    def shows_a_session(self, jar: Jar) -> bool:
        """Return whether a request to the login host with these cookies has a session."""
        return any(name in SESSION_NAMES for name, _ in self.cookies(urlsplit(LOGIN).hostname or "", jar))

    def cookie(self, name: str, origin: str = LOGIN) -> str | None:
        return self.jar.get((urlsplit(origin).hostname or "", False, name))

    def keeps(self, name: str, value: str, origin: str = LOGIN) -> None:
        """Store a cookie for exactly this host."""
        self._keep(urlsplit(origin).hostname or "", f"{name}={value}; Path=/")

    def is_planted(self, name: str, value: str, domain: str = "example.com") -> None:
        """Store a cookie that a sibling host sets for the parent domain."""
        self.jar[domain, True, name] = value

    def signs_in(self, sid: str | None, idx: str | None) -> None:
        """Keep the org's cookies as after an ordinary sign-in."""
        for name, value in (("sid", sid), ("idx", idx)):
            if value is not None:
                self.keeps(name, value)

    async def ask(
        self,
        url: str,
        method: str = "GET",
        *,
        fields: Mapping[str, str] = NAVIGATION,
        site: str = "same-site",
        body: str | bytes = b"",
        content_type: str = FORM_TYPE,
        shown: Jar | None = None,
    ) -> PersonReply:
        """Send one request with the current cookies. Cookies of the answer are stored as soon as its head arrives.

        ``shown``: send these cookies instead, as a request does that left earlier.
        ``site``: the value of `Sec-Fetch-Site`; empty for a browser that sends none.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        metadata = {"Sec-Fetch-Site": site} if site else {}
        sent = CIMultiDict({"Host": parts.netloc, "User-Agent": self.agent, **metadata, **fields})
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies(host, shown))
        if kept:
            sent["Cookie"] = kept
        content = body.encode() if isinstance(body, str) else body
        if content:
            sent.setdefault("Content-Type", content_type)
        target = url[len(f"{parts.scheme}://{parts.netloc}") :].partition("#")[0] or "/"

        def keep(lines: Lines) -> None:
            for name, value in lines:
                if name.lower() == "set-cookie":
                    self._keep(host, value)

        status, lines, answered = await self.send(method, target, sent, content if content or method == "POST" else None, keep)
        return PersonReply(status, lines, answered.decode("utf-8", "replace"), url)

    async def send(
        self, method: str, target: str, sent: CIMultiDict[str], content: bytes | None, heard: Callable[[Lines], None]
    ) -> tuple[int, Lines, bytes]:
        """Send one request to the gateway; return the answer's status, fields and body. ``heard`` gets the fields when the head arrives."""
        address = yarl.URL.build(scheme="http", host="127.0.0.1", port=self.port(), path=target, encoded=True)
        async with self.client.request(method, address, headers=sent, data=content, allow_redirects=False) as response:
            lines = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers)
            heard(lines)
            return response.status, lines, await response.read()

    async def go(self, url: str, *, site: str = "same-site", method: str = "GET", body: str = "", most: int = 15) -> PersonReply:
        """Navigate and follow redirects: 307 repeats the request, 302 and 303 become GET. Stop at a host that is not ours."""
        for _ in range(most):
            reply = await self.ask(url, method, site=site, body=body)
            if reply.status not in (301, 302, 303, 307) or not reply.location:
                return reply
            here = urlsplit(url)
            if reply.status != 307:
                method, body = "GET", ""
            url = reply.location if "://" in reply.location else f"{here.scheme}://{here.netloc}{reply.location}"
            if not (urlsplit(url).hostname or "").endswith(".example.com"):
                return reply
        raise AssertionError(f"more than {most} redirects, last to {url}")

    async def confirm(self, page: PersonReply) -> PersonReply:
        """Press the button of the confirmation page, and follow redirects."""
        body = f"request={quote(page.sealed, safe='')}"
        reply = await self.go(f"{LOGIN}/.gateway/switch", site="same-origin", method="POST", body=body)
        return await self.go(reply.leads_to, site="same-origin") if reply.leads_to.startswith(OURS) else reply

    async def script(self, url: str, method: str = "GET", body: str = "", content_type: str = "application/json") -> PersonReply:
        """Send a request as a script of the same origin does."""
        return await self.ask(url, method, fields=SCRIPT, site="same-origin", body=body, content_type=content_type)

    async def named_by_app(self) -> str | None:
        """Ask the app by script which user it was told; None if the gateway did not admit the request."""
        reply = await self.ask(f"{HR}/api/me", fields=SCRIPT, site="same-origin")
        return reply.body.removeprefix("hello ") if reply.status == 200 else None

    def _keep(self, host: str, line: str) -> None:
        pair, *attributes = [part.strip() for part in line.split(";")]
        name, _, value = pair.partition("=")
        value = value.strip('"')
        domain = next((text[7:].lstrip(".") for text in attributes if text.lower().startswith("domain=")), "")
        if domain and not (host == domain or host.endswith(f".{domain}")):
            return
        if name.startswith("__Host-") and (domain or "Secure" not in attributes):
            return
        key = (domain or host, bool(domain), name)
        if not value or "Max-Age=0" in attributes:
            self.jar.pop(key, None)
            return
        self.jar[key] = value
        if name in SESSION_NAMES:
            self.held.add(value)
