"""How the users come in: through the gateway's hand-off, through OpenID Connect, or with a token that a look-up knows.

Owns the sign-ins before anything is measured. What comes out is the part of each user's Cookie field that says who he is. Each way in ends
at a page of the app that names the user, and a wrong name is an error.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDict

from tests.bench.pages.org import login_of
from tests.bench.pages.shapes import address_of
from tests.bench.proxies.own import APPS_OWN_COOKIE
from tests.harness.person import HR, LOGIN, Lines, Person, PersonReply

AT_ONCE, MOST_STEPS = 8, 8
Way = Callable[[int, int], Coroutine[None, None, list[str]]]
"""Takes the port of who guards the app, and the number of users; a Cookie field for each."""


@dataclass
class Remote(Person):
    """A person behind a proxy that speaks TLS, and says where the person sits."""

    address: str = ""

    async def send(
        self, method: str, target: str, sent: "CIMultiDict[str]", content: bytes | None, heard: Callable[[Lines], None]
    ) -> tuple[int, Lines, bytes]:
        """The same with the fields of that proxy."""
        sent.update({"X-Forwarded-For": self.address, "X-Forwarded-Proto": "https"})
        return await super().send(method, target, sent, content, heard)


class NotIn(Exception):
    """A user did not come in, or came in as somebody else."""


async def session_at(client: aiohttp.ClientSession, org: str, login: str) -> str:
    """A live ``sid`` of this user."""
    async with client.post(f"{org}/.standin/sessions", json={"login": login}) as answer:
        return str((await answer.json())["sid"])


def through_gateway(org: str) -> Way:
    """The session is at the login host already; the hand-off brings it to the app."""

    async def enter(person: Person, sid: str) -> PersonReply:
        person.keeps("sid", sid, LOGIN)
        return await person.go(f"{HR}/", site="none")

    return lambda port, users: _all(org, port, users, enter)


def through_openid(org: str) -> Way:
    """The guard sends the browser to the org's authorization endpoint, which knows the session and sends it back with a code."""

    async def enter(person: Person, sid: str) -> PersonReply:
        url = f"{HR}/"
        for _ in range(MOST_STEPS):
            reply = await person.ask(url, site="none")
            if not reply.location:
                return reply
            url = reply.location if "://" in reply.location else HR + reply.location
            if url.startswith(org):
                async with person.client.get(url, headers={"Cookie": f"sid={sid}"}, allow_redirects=False) as answer:
                    url = answer.headers.get("Location", "")
            if not url.startswith(HR):
                raise NotIn(f"the way in leads to {url[:300]!r}")
        raise NotIn("the way in has no end")

    return lambda port, users: _all(org, port, users, enter)


def by_token(tokens: Sequence[str]) -> Way:
    """A guard that asks a look-up knows these."""

    async def way(port: int, users: int) -> list[str]:
        return [f"peer={token}; {APPS_OWN_COOKIE}" for token in tokens[:users]]

    return way


async def _all(org: str, port: int, users: int, enter: Callable[[Person, str], Awaitable[PersonReply]]) -> list[str]:
    turns = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as client:

        async def one(number: int) -> str:
            login = login_of(number)
            async with turns:
                person = Remote(client, lambda: port, address=address_of(number))
                reply = await enter(person, await session_at(client, org, login))
            if (reply.status, reply.body) != (200, login):
                raise NotIn(f"{login} came to {reply.url} with {reply.status}: {reply.body[:300]!r}")
            return "; ".join(f"{name}={value}" for name, value in person.cookies("hr.example.com"))

        return list(await asyncio.gather(*map(one, range(users))))
