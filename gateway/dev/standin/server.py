"""The org as an HTTP server: reads a request, writes it into the journal, applies an ordered fault, and answers.

Owns: the order of these steps, and the listening socket.
Must never: answer before the request is in the journal.
"""

import logging
import ssl
from dataclasses import dataclass

from aiohttp import web

from gateway.dev.standin import activation
from gateway.dev.standin.answers import BY_STATUS, error, error_object, json_answer, with_cookies
from gateway.dev.standin.call import Call, read_call
from gateway.dev.standin.control import control, is_control
from gateway.dev.standin.endpoints import perform
from gateway.dev.standin.faults import HANG_UP, Fault
from gateway.dev.standin.journal import Row, fingerprint
from gateway.dev.standin.limits import WINDOW_SECONDS
from gateway.dev.standin.oauth_requests import requested
from gateway.dev.standin.org import Org
from gateway.dev.standin.parameters import first
from gateway.dev.standin.presence import presence
from gateway.dev.standin.response_fields import dress, preflight, share

_LOG = logging.getLogger(__name__)
_MOST_LINE_BYTES = 65_536
_SHUTDOWN_SECONDS = 1.0
_TOKEN_NAMES = ("sessionToken", "onetimetoken", "stateToken")
_PACKED = (200, 404)
_TOKEN_PATHS = ("/login/sessionCookieRedirect", "/login/sessionCookie")


@dataclass(frozen=True, slots=True)
class RunningOrg:
    """A listening org. `url` is its address, without a slash at the end."""

    url: str
    org: Org
    runner: web.AppRunner

    @property
    def port(self) -> int:
        """The port that the org listens on."""
        return int(self.url.rpartition(":")[2])

    async def aclose(self) -> None:
        """Release held answers, and stop listening."""
        self.org.faults.clear()
        await self.runner.cleanup()


async def serve(org: Org, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> RunningOrg:
    """Start to listen, and return the running org. Port 0 is any free port."""
    runner = web.AppRunner(
        application(org),
        access_log=None,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        max_line_size=_MOST_LINE_BYTES,
        max_field_size=_MOST_LINE_BYTES,
    )
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=tls).start()
    bound = runner.addresses[0]
    name = f"[{host}]" if ":" in host else "127.0.0.1"
    return RunningOrg(f"{'http' if tls is None else 'https'}://{name}:{bound[1]}", org, runner)


def application(org: Org) -> web.Application:
    """Return the aiohttp application of an org."""

    async def answer(request: web.Request) -> web.StreamResponse:
        call = await read_call(org, request)
        if is_control(call, _port(request)):
            return control(call)
        response = await answered(call)
        if response is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        _pack(request, response)
        return response

    application = web.Application(client_max_size=1024**2)
    application.router.add_route("*", "/{tail:.*}", answer)
    return application


async def answered(call: Call) -> web.Response | None:
    """Write a request into the journal, and answer it, with a fault if one is ordered. None: the org closes the connection."""
    row = _row(call)
    call.org.journal.record(row)
    order = call.org.faults.next(call.method, call.path)
    response = await _faulty(call, order) if order is not None else _perform(call)
    row.status = response.status if response is not None else HANG_UP
    return response


def _pack(request: web.Request, response: web.Response) -> None:
    """Frame an answer as Okta's servers do: JSON in chunks, with gzip if the client accepts it and the status is one that Okta packs."""
    if request.keep_alive:
        response.headers.setdefault("Connection", "keep-alive")
    if response.content_type != "application/json" or not response.body or "Content-Length" in response.headers:
        return
    response.enable_chunked_encoding()
    if response.status in _PACKED and "gzip" in request.headers.get("Accept-Encoding", ""):
        response.headers.add("Vary", "Accept-Encoding")
        response.enable_compression(web.ContentCoding.gzip)


def _port(request: web.Request) -> int:
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return int(name[1]) if name else 0


def _perform(call: Call) -> web.Response:
    """Return the real answer: rate limit, preflight, endpoint, then the fields of every answer (response_fields.py)."""
    before = presence(call.org, call.cookies)
    reading = None if call.method == "OPTIONS" else call.org.limits.take(call.path)
    try:
        response = _answer(call, reading is not None and reading.is_exceeded)
    except Exception:  # noqa: BLE001 - see below
        # An error here is a bug of the stand-in. It is logged and answered with 500, so that tests see it.
        _LOG.exception("the stand-in failed at %s %s", call.method, call.path)
        response = error("E0000009")
    if reading is not None and response.status != 405:
        response.headers.update(reading.fields())
    return dress(call, before, response)


def _answer(call: Call, is_over_limit: bool) -> web.Response:
    if is_over_limit:
        return error("E0000047")
    if call.method == "OPTIONS":
        return preflight(call)
    lacks_length = call.method in ("POST", "PUT") and not ("Content-Length" in call.fields or "Transfer-Encoding" in call.fields)
    return error("E0000021") if lacks_length and call.path.startswith("/api/") else perform(call)


async def _faulty(call: Call, order: Fault) -> web.Response | None:
    """Answer as the fault orders; None: close the connection. With `after`, the request is carried out before the wait."""
    done = _perform(call) if order.is_after else None
    await order.wait()
    if order.status == HANG_UP:
        return None
    if order.status is None:
        response = done if done is not None else _perform(call)
    else:
        response = _ordered(call, order, order.status)
        share(call, response)
    return with_cookies(response, order.set_cookies)


def _ordered(call: Call, order: Fault, status: int) -> web.Response:
    if order.body is None and status >= 400:
        response = json_answer(error_object(BY_STATUS.get(status, "E0000009"), "me (Session)"), status)
    elif order.body is None:
        response = web.Response(status=status)
    elif isinstance(order.body, str):
        content_type = "text/html" if order.body.lstrip().startswith("<") else "application/json"
        response = web.Response(text=order.body, status=status, content_type=content_type)
    else:
        response = json_answer(order.body, status)
    if status == 429:
        reset = str(int(call.org.clock.now() + WINDOW_SECONDS))
        response.headers.update(
            {"X-Rate-Limit-Limit": str(call.org.limits.limit(call.path)), "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": reset}
        )
    if order.content_type is not None:
        response.headers["Content-Type"] = order.content_type
    response.headers.update(order.headers)
    return response


def _row(call: Call) -> Row:
    token = _token(call)
    cookies: dict[str, str] = {}
    for name, value in call.cookies:
        cookies.setdefault(name, fingerprint(value))
    return Row(
        n=call.org.journal.next_number(),
        at=call.org.clock.now(),
        method=call.method,
        host=call.host,
        path=activation.shown(call.path),
        query_names=[name for name, _ in call.query],
        cookies=cookies,
        cookie_names=[name for name, _ in call.cookies],
        token=fingerprint(token) if token is not None else None,
    )


def _token(call: Call) -> str | None:
    """Return the token in the request, or in the pushed request of its `request_uri`."""
    names = ("token", *_TOKEN_NAMES) if call.path in _TOKEN_PATHS else _TOKEN_NAMES
    found = activation.token_of(call.path) or call.first(*names) or first(requested(call) or (), "sessionToken")
    if found is None and call.path.startswith("/api/"):
        payload = call.payload() or {}
        found = next((value for name in _TOKEN_NAMES if isinstance(value := payload.get(name), str)), None)
    return found
