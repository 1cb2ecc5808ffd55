"""T7: an app cannot plant a session at the login host. Its cookies with Okta's names are limited to its own host, and logged once."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator

import pytest

from tests.harness.app import Visit, answering
from tests.harness.browser import ALICE, HR, WIKI
from tests.harness.gateway import REPLICAS
from tests.harness.site import CONFIGURATION, FETCH, NAVIGATE, Site, deployed

STAMP = re.compile(rb"~gw~[A-Za-z0-9+/]{28}")
PLANTED = (
    b"Set-Cookie: sid=planted; Path=/; Domain=example.com; Secure\r\n"
    b"set-cookie: idx=planted;domain = .EXAMPLE.com\r\n"
    b"Set-Cookie: =sid=planted; Domain=example.com; Path=/api\r\n"
    b'Set-Cookie: DT=1;; Domain="example.com"\r\n'
    b"Set-Cookie: xids=1; Domain=; Domain=example.com\r\n"
    b"Set-Cookie: myr=1; Domain=login.example.com\r\n"
    b"Set-Cookie: __Host-gateway=planted; Path=/; Secure\r\n"
    b"Set-Cookie: =__host-Gateway-browser=planted\r\n"
)
NARROWED = [
    b"sid=planted; Path=/; Secure",
    b"idx=planted",
    b"=sid=planted; Path=/api",
    b"DT=1;",
    b"xids=1",
    b"myr=1",
]
OWN = b"Set-Cookie: sid=apps; Path=/\r\nSet-Cookie: JSESSIONID=1; Domain=example.com\r\nSet-Cookie: idx=apps; Domain=hr.example.com\r\n"
KEPT = [b"sid=apps; Path=/", b"JSESSIONID=1; Domain=example.com", b"idx=apps; Domain=hr.example.com"]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed() as made:
        yield made


def cookies(answer: bytes) -> list[bytes]:
    """The Set-Cookie lines of an answer's head, less the gateway's own renewed pass, and less the stamps of an app's session."""
    lines = [line.partition(b":") for line in answer.partition(b"\r\n\r\n")[0].split(b"\r\n")]
    values = [STAMP.sub(b"", value.removeprefix(b" ")) for name, _, value in lines if name.lower() == b"set-cookie"]
    return [value for value in values if not (value.startswith(b"__Host-gateway=") and b"planted" not in value)]


def notes(site: Site) -> list[dict[str, object]]:
    return [line for line in site.lines if line["event"] == "app_cookie_narrowed"]


ANSWERS = {
    "with a length": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%bConnection: keep-alive\r\n\r\nok",
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%b\r\n2\r\nok\r\n0\r\n\r\n",
    "an event stream": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n%b\r\n2\r\nok\r\n0\r\n\r\n",
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n%b\r\n",
    "an error": b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n%b\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\n%b\r\n",
    "with a field of its hop": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x-hop\r\nX-Hop: 1\r\n%b\r\nok",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("target", ["/x", "/public/x", "/maybe/x"])
async def test_t7_what_an_app_plants_is_for_its_own_host_alone(site: Site, answer: bytes, target: str) -> None:
    cookie = await site.signed_in()
    site.behind.script = answering(answer % (PLANTED + OWN))
    for method in ("GET", "POST"):
        for fields in (NAVIGATE, FETCH):
            reply = await site.ask(target, fields + cookie, method=method)
            assert cookies(reply.raw) == NARROWED + KEPT, (method, fields)
    assert b"planted" not in b"".join(value for value in cookies(reply.raw) if b"Domain" in value)


async def test_t7_a_kept_connection_narrows_every_answer(site: Site) -> None:
    """The same fields again take a shorter way through the gateway."""
    cookie = await site.signed_in()
    site.behind.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + PLANTED + b"\r\n")
    wire = await site.connect()
    for _ in range(4):
        await wire.say(b"GET /x HTTP/1.1\r\nHost: hr.example.com\r\n" + FETCH + cookie + b"\r\n")
        assert cookies(await wire.head()) == NARROWED


async def test_t7_it_is_told_once_for_each_app_without_the_value(site: Site) -> None:
    site.behind.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + OWN + b"\r\n")
    await site.ask("/public/x")
    assert notes(site) == []
    site.behind.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + PLANTED + b"\r\n")
    for origin in (HR, HR, WIKI, HR):
        assert cookies((await site.ask("/public/x", origin=origin)).raw) == NARROWED
    apps = [line["app"] for line in notes(site)]
    assert set(apps) == {"hr", "wiki"} and len(apps) == (2 if REPLICAS == 1 else 3)  # of two requests for hr in a row no replica gets both
    assert "planted" not in site.written.getvalue()


async def _opening(visit: Visit) -> None:
    key = visit.value(b"sec-websocket-key") or b""
    accepted = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest())
    proof = b"Sec-WebSocket-Accept: " + accepted + b"\r\n"
    await visit.say(b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + proof + PLANTED + b"\r\n")


@pytest.mark.parametrize("is_opened", [True, False], ids=["opened", "refused"])
async def test_t7_an_upgrade_sets_no_more(site: Site, is_opened: bool) -> None:
    cookie = await site.signed_in()
    refusal = answering(b"HTTP/1.1 426 No\r\nContent-Length: 0\r\n" + PLANTED + b"\r\n")
    site.behind.script = _opening if is_opened else refusal
    handshake = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    wire = await site.connect()
    upgrade = b"Connection: Upgrade\r\nOrigin: https://hr.example.com\r\n" + handshake
    await wire.say(b"GET /live HTTP/1.1\r\nHost: hr.example.com\r\n" + cookie + upgrade + b"\r\n")
    head = await wire.head()
    assert (b" 101 " if is_opened else b" 426 ") in head
    assert cookies(head) == NARROWED


async def test_t7_an_app_that_goes_by_another_name_sets_no_more() -> None:
    """Its answers are rewritten to fit its public name; a Domain of its own inner name goes as before."""
    text = CONFIGURATION.replace('name = "hr"', 'name = "hr"\nupstream_host = "hr.inner.example.net"\nadd_prefix = "/app"', 1)
    async with deployed(configuration=text) as site:
        cookie = await site.signed_in(ALICE)
        inner = b"Set-Cookie: sid=2; Domain=inner.example.net; Path=/app/y\r\n"
        site.behind.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + PLANTED + inner + b"\r\n")
        found = cookies((await site.ask("/x", FETCH + cookie)).raw)
        assert found[-1] == b"sid=2; Path=/y"
        assert [b"omain" in value for value in found] == [False] * len(found)
        assert len(found) == len(NARROWED) + 1
