"""A browser of few words: it keeps cookies by name, follows nothing, and shows what came back.

aiohttp's own jar does not send Secure cookies over plain HTTP, which browsers do on loopback addresses.
"""

import json
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL


@dataclass(frozen=True)
class Seen:
    """One answer, read to its end."""

    status: int
    fields: CIMultiDictProxy[str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def location(self) -> str:
        return self.fields.get("Location", "")

    @property
    def set_cookies(self) -> list[str]:
        return self.fields.getall("Set-Cookie", [])


class OrgBrowser:
    """One browser at one org; `cookies` may be changed by the test."""

    def __init__(self, client: aiohttp.ClientSession, url: str) -> None:
        self._client = client
        self.url = url
        self.cookies: dict[str, str] = {}

    async def ask(
        self, method: str, target: str, fields: dict[str, str] | None = None, form: dict[str, str] | None = None, payload: object = None
    ) -> Seen:
        """Send a request to a path as spelled, keep the cookies that come back."""
        sent = dict(fields or {})
        if self.cookies and "Cookie" not in sent:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        url = URL(self.url + target, encoded=True)
        async with self._client.request(method, url, headers=sent, data=form, json=payload, allow_redirects=False) as response:
            seen = Seen(response.status, response.headers, await response.text(errors="replace"))
        for line in seen.set_cookies:
            if not line.startswith("JSESSIONID="):  # it carries no sign-in, and every answer sets it
                self._keep(line)
        return seen

    async def get(self, target: str) -> Seen:
        return await self.ask("GET", target)

    async def who(self) -> str | None:
        """The login of the session that the org sees in this browser."""
        seen = await self.get("/api/v1/sessions/me")
        return seen.json["login"] if seen.status == 200 else None

    def _keep(self, line: str) -> None:
        pair, *attributes = line.split(";")
        name, _, value = pair.partition("=")
        if any(attribute.strip() == "Max-Age=0" or "01 Jan 1970" in attribute for attribute in attributes):
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value
