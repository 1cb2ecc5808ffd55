"""The client of Okta's Sessions API. It sends three requests with one browser's cookies, each at most once.

It must never send cookies or fields of one browser in a request for another browser, follow a redirect, or repeat a request. It must never
treat a late, broken or too large answer, or an answer that is not Okta's, as "signed out": every failure becomes ``Unknown``.
The size of each answer is bounded. Source: Okta Sessions API (``getCurrentSession``, ``closeCurrentSession``, ``refreshCurrentSession``).
"""

import asyncio
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
from aiohttp import ClientResponse, ClientSession

from gateway import __version__
from gateway.errors import HungUp, OutsideFailed, TimedOut
from gateway.outbound import Destination, Timeouts, send_once
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
"""Bytes. A longer field is not sent. Okta's front end hangs up on fields that are too large, and that would look like an outage."""


@dataclass(frozen=True, slots=True)
class BrowserFields:
    """What the gateway tells Okta about a browser besides its session: raw field values, the device cookie ``DT``, the client's address."""

    user_agent: bytes
    accept_language: bytes
    device: bytes = field(repr=False)
    client: str


@dataclass(frozen=True, slots=True)
class OktaAnswer:
    """One answer of Okta: its meaning, its status (0: no answer came), its rate limits and its error code.

    ``brought``: the session cookies that the answer set; no browser has received them. ``age_seconds``: how old the answer already was when
    it arrived. It is 0 for answers of Okta; a proof of the gateway's own session is older.
    """

    finding: Finding
    status: int
    limits: RateLimits | None = None
    code: str | None = None
    brought: tuple[SessionCookie, ...] = ()
    age_seconds: float = 0.0


def browser_fields_of(head: RequestHead) -> BrowserFields:
    """The browser that sent a request. Fields that are absent or repeated become empty."""
    return BrowserFields(
        user_agent=head.value(b"user-agent") or b"",
        accept_language=head.value(b"accept-language") or b"",
        device=single(head.fields, DEVICE_NAME) or b"",
        client=head.client,
    )


class Okta:
    """The Sessions API of one org. ``timeouts.first_byte`` limits the wait for a head, ``timeouts.idle`` the reading of the body."""

    def __init__(
        self, client: ClientSession, destination: Destination, timeouts: Timeouts, failed: Callable[[OutsideFailed], object] | None = None
    ) -> None:
        """``client`` comes from ``outbound.open_client``, which bounds the connections. ``failed`` is called when no answer came."""
        self._failed = failed or (lambda error: None)
        self._client = client
        self._destination = destination
        self._timeouts = timeouts

    async def session(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """Ask who is signed in with these cookies (``getCurrentSession``)."""
        return await self._ask("GET", ME, cookies, browser)

    async def close(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """End the session (``closeCurrentSession``). ``NoSession`` for 204 and for 404 E0000007; neither proves the end."""
        return await self._ask("DELETE", ME, cookies, browser)

    async def refresh(self, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        """Restart the session's idle time (``refreshCurrentSession``). The POST has no body and says ``Content-Length: 0``."""
        return await self._ask("POST", REFRESH, cookies, browser)

    async def _ask(self, method: str, target: str, cookies: Sequence[SessionCookie], browser: BrowserFields) -> OktaAnswer:
        if not all(_can_be_sent(cookie.value) for cookie in cookies):
            return OktaAnswer(Unknown("unsendable_cookie"), 0)
        request = (method, target, fields_of(cookies, browser))
        try:
            response = await send_once(self._client, self._destination, request, self._timeouts.first_byte)
            body = await body_of(response, self._timeouts.idle)
        except OutsideFailed as error:
            self._failed(error)
            return OktaAnswer(Unknown(error.reason), 0)
        lines = [(b"set-cookie", line.encode("utf-8", "surrogateescape")) for line in response.headers.getall("Set-Cookie", ())]
        return answer_of(method, response.status, response.headers, body, cookies_set(lines))


def answer_of(method: str, status: int, fields: Mapping[str, str], body: bytes, brought: tuple[SessionCookie, ...] = ()) -> OktaAnswer:
    """The meaning of an answer to one of the three requests. ``fields`` must be a mapping that ignores the case of names."""
    finding = interpret(status, fields, body)
    if method == "DELETE":
        finding = _closed(status, finding)
    # A 404 that is not JSON comes from something between the gateway and Okta.
    code = error_code(body) if status != 404 or is_json(fields.get("Content-Type")) else None
    return OktaAnswer(finding, status, rate_limits(fields), code, brought)


def _closed(status: int, finding: Finding) -> Finding:
    if status == 204:
        return NoSession("closed")
    return finding if not 200 <= status < 300 else Unknown(f"status_{status}")


def _can_be_sent(value: bytes) -> bool:
    """Whether aiohttp sends these bytes unchanged. It drops bytes that are not UTF-8, and Okta would then receive another cookie."""
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def fields_of(cookies: Sequence[SessionCookie], browser: BrowserFields) -> Fields:
    """The header fields of such a request: the session cookies, and what Okta may know about the browser."""
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
    """Whether this is an IP address. Okta has answered 500 to "unknown" or a socket's path in X-Forwarded-For."""
    try:
        ipaddress.ip_address(client)
    except ValueError:
        return False
    return True


async def body_of(response: ClientResponse, seconds: float) -> bytes:
    """The body, within one deadline. It reads until the body is over or longer than ``LARGEST_ANSWER_BYTES``.

    If the body was not read to its end, the connection is closed.
    """
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
