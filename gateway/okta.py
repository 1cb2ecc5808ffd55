"""Okta's Sessions API, asked with one browser's cookies: three requests, each sent at most once, each answer read to its bound.

Must never send anything of one browser on another's request, follow a redirect, repeat a request, or read "signed out" into
an answer that is late, broken, too large or not Okta's: whatever fails outside becomes ``Unknown``. Rules from: Okta Sessions
API (``getCurrentSession``, ``closeCurrentSession``, ``refreshCurrentSession``).
"""

import asyncio
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
from aiohttp import ClientResponse, ClientSession

from gateway import __version__
from gateway.errors import HungUp, OutsideFailed, TimedOut
from gateway.outbound import Deadlines, Destination, send_once
from gateway.policy.http.cookies import single
from gateway.policy.http.messages import Fields, RequestHead
from gateway.policy.session.cache import RateLimits, rate_limits
from gateway.policy.session.cookies import could_be_oktas
from gateway.policy.session.session import LARGEST_ANSWER_BYTES, Finding, NoSession, SessionCookie, Unknown, error_code, interpret, is_json
from gateway.policy.switch.redemption import cookies_set

ME = "/api/v1/sessions/me"
REFRESH = "/api/v1/sessions/me/lifecycle/refresh"
DEVICE_NAME = b"DT"
_OWN_AGENT = f"session-gateway/{__version__}".encode()
_READ_BYTES = 16 * 1024

LARGEST_USER_AGENT = 1024
LARGEST_ACCEPT_LANGUAGE = 256
LARGEST_DEVICE = 1024
"""Bytes. Okta does without a field that is longer; its front hangs up on fields that are too large, and that looks like an outage."""


@dataclass(frozen=True, slots=True)
class Browser:
    """What Okta may know of a browser beside its session: raw field values, the device cookie, the client's address."""

    user_agent: bytes
    accept_language: bytes
    device: bytes = field(repr=False)
    client: str


@dataclass(frozen=True, slots=True)
class OktaAnswer:
    """One answer: its meaning, its status (0: none came), the rate limits and the error code that it named.

    ``brought``: the session cookies that it set. No browser has them. ``age_seconds``: how old the answer was when it was given; Okta's
    own are new.
    """

    finding: Finding
    status: int
    limits: RateLimits | None = None
    code: str | None = None
    brought: tuple[SessionCookie, ...] = ()
    age_seconds: float = 0.0


def browser_of(head: RequestHead) -> Browser:
    """The browser behind a request; absent or repeated fields are empty."""
    return Browser(
        user_agent=head.value(b"user-agent") or b"",
        accept_language=head.value(b"accept-language") or b"",
        device=single(head.fields, DEVICE_NAME) or b"",
        client=head.client,
    )


class Okta:
    """One org's Sessions API. ``deadlines.first_byte`` bounds the wait for a head, ``deadlines.idle`` the whole small body."""

    def __init__(
        self, client: ClientSession, destination: Destination, deadlines: Deadlines, failed: Callable[[OutsideFailed], object] | None = None
    ) -> None:
        """``client`` comes from ``outbound.open_client``, which bounds the connections; ``failed`` hears why no answer came."""
        self._failed = failed or (lambda error: None)
        self._client = client
        self._destination = destination
        self._deadlines = deadlines

    async def session(self, cookies: Sequence[SessionCookie], browser: Browser) -> OktaAnswer:
        """Who is signed in with these cookies (``getCurrentSession``)."""
        return await self._ask("GET", ME, cookies, browser)

    async def close(self, cookies: Sequence[SessionCookie], browser: Browser) -> OktaAnswer:
        """End that session (``closeCurrentSession``). ``NoSession`` for 204 and for 404 E0000007; neither is proof."""
        return await self._ask("DELETE", ME, cookies, browser)

    async def refresh(self, cookies: Sequence[SessionCookie], browser: Browser) -> OktaAnswer:
        """Begin that session's idle time anew (``refreshCurrentSession``); the body-less POST says ``Content-Length: 0``."""
        return await self._ask("POST", REFRESH, cookies, browser)

    async def _ask(self, method: str, target: str, cookies: Sequence[SessionCookie], browser: Browser) -> OktaAnswer:
        if not all(_can_be_sent(cookie.value) for cookie in cookies):
            return OktaAnswer(Unknown("unsendable_cookie"), 0)
        request = (method, target, fields_of(cookies, browser))
        try:
            response = await send_once(self._client, self._destination, request, self._deadlines.first_byte)
            body = await body_of(response, self._deadlines.idle)
        except OutsideFailed as error:
            self._failed(error)
            return OktaAnswer(Unknown(error.reason), 0)
        lines = [(b"set-cookie", line.encode("utf-8", "surrogateescape")) for line in response.headers.getall("Set-Cookie", ())]
        return answer_of(method, response.status, response.headers, body, cookies_set(lines))


def answer_of(method: str, status: int, fields: Mapping[str, str], body: bytes, brought: tuple[SessionCookie, ...] = ()) -> OktaAnswer:
    """What an answer to one of the three requests means. ``fields`` are looked up case-insensitively by the caller's mapping."""
    finding = interpret(status, fields, body)
    if method == "DELETE":
        finding = _closed(status, finding)
    code = error_code(body) if status != 404 or is_json(fields.get("Content-Type")) else None
    return OktaAnswer(finding, status, rate_limits(fields), code, brought)


def _closed(status: int, finding: Finding) -> Finding:
    if status == 204:
        return NoSession("closed")
    return finding if not 200 <= status < 300 else Unknown(f"status_{status}")


def _can_be_sent(value: bytes) -> bool:
    """Whether the client writes these bytes as they are: it drops what is not UTF-8, so that another cookie would arrive."""
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def fields_of(cookies: Sequence[SessionCookie], browser: Browser) -> Fields:
    """The fields of such a request: the session cookies, and what Okta may know of the browser."""
    jar = [(cookie.name, cookie.value) for cookie in cookies]
    if len(browser.device) <= LARGEST_DEVICE and could_be_oktas(browser.device):
        jar.append((DEVICE_NAME, browser.device))
    agent = browser.user_agent if browser.user_agent.strip() and _fits(browser.user_agent, LARGEST_USER_AGENT) else _OWN_AGENT
    fields = [
        (b"Accept", b"application/json"),
        (b"Accept-Encoding", b"identity"),
        (b"User-Agent", agent),
        (b"Cookie", b"; ".join(name + b"=" + value for name, value in jar)),
    ]
    if browser.accept_language and _fits(browser.accept_language, LARGEST_ACCEPT_LANGUAGE):
        fields.append((b"Accept-Language", browser.accept_language))
    if _is_address(browser.client):
        fields.append((b"X-Forwarded-For", browser.client.encode()))
    return tuple(fields)


def _fits(value: bytes, most_bytes: int) -> bool:
    return len(value) <= most_bytes and _can_be_sent(value)


def _is_address(client: str) -> bool:
    """An address Okta can read; "unknown" or a socket's path in X-Forwarded-For has once been answered with 500."""
    try:
        ipaddress.ip_address(client)
    except ValueError:
        return False
    return True


async def body_of(response: ClientResponse, seconds: float) -> bytes:
    """At most one byte more than the bound, within one deadline; what is left behind goes down with its connection."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while len(body) <= LARGEST_ANSWER_BYTES and (part := await response.content.read(_READ_BYTES)):
                body += part
    except TimeoutError as error:
        raise TimedOut("idle") from error
    except (aiohttp.ClientError, OSError) as error:
        raise HungUp(type(error).__name__) from error
    finally:
        if not response.content.is_eof():
            response.close()
        response.release()
    return bytes(body)
