"""T23: a client cannot remove a field that the app needs, or that a proxy added, by naming it in ``Connection``."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.app import answering
from tests.harness.browser import ALICE, LOGIN, WIKI
from tests.harness.replies import told
from tests.harness.site import Site, deployed

HANDSHAKE = (
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://hr.example.com\r\n"
)
NAMES = """Cookie cookie Authorization Content-Type Range If-Match Origin X-CSRF-Token Host Content-Length Accept Referer Expect Via
X-Forwarded-For X-Real-IP X-Request-Id Traceparent Remote-User REMOTE_USER remote.user.id Remote-User-Id X-Gateway-Assertion
X-SSL-Client-Cert Sec-WebSocket-Key"""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed() as made:
        yield made


def head(method: str, target: str, host: str, *lines: bytes) -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n".encode() + b"".join(lines) + b"\r\n"


@pytest.mark.parametrize("name", NAMES.split())
async def test_t23_a_field_for_the_app_that_connection_names_is_refused(site: Site, name: str) -> None:
    cookie = await site.signed_in()
    for value in (name, f"close, {name}", f"keep-alive,\t{name} , x-other"):
        for more in (f"{name}: x\r\n".encode() if name not in ("Host", "Content-Length", "Cookie", "cookie") else b"", b""):
            answer = await site.raw(head("GET", "/", "hr.example.com", cookie, f"Connection: {value}\r\n".encode(), more))
            assert answer.startswith(b"HTTP/1.1 400 "), value
    assert site.behind.visits == []


async def test_t23_a_name_on_a_second_line_is_refused_as_well(site: Site) -> None:
    """A neighbour: two lines of ``Connection`` are one list."""
    cookie = await site.signed_in()
    for lines in (b"Connection: close\r\nConnection: Cookie\r\n", b"Connection: x-a, origin\r\nConnection: close\r\n"):
        assert (await site.raw(head("GET", "/", "hr.example.com", cookie, lines))).startswith(b"HTTP/1.1 400 ")
    assert site.behind.visits == []


async def test_t23_what_is_the_hops_or_unknown_goes_and_the_request_goes_on(site: Site) -> None:
    cookie = await site.signed_in()
    named = b"Connection: close, TE, X-Hop, keep-alive, HTTP2-Settings, Upgrade\r\n"
    hop = b"TE: trailers\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nHTTP2-Settings: AAMAAABk\r\nX-Kept: 2\r\n"
    assert (await site.raw(head("GET", "/", "hr.example.com", cookie, named, hop))).startswith(b"HTTP/1.1 200 ")
    seen = {name: told(site.behind.last, name) for name in ("TE", "X-Hop", "Keep-Alive", "HTTP2-Settings", "X-Kept", "Remote-User")}
    assert seen == {"TE": [], "X-Hop": [], "Keep-Alive": [], "HTTP2-Settings": [], "X-Kept": ["2"], "Remote-User": [ALICE]}


async def test_t23_the_login_host_and_our_own_paths_refuse_alike(site: Site) -> None:
    """Neighbours: a sign-in without its cookie, a sign-out without its origin, a question of a front proxy, a public page."""
    before = len(site.org.journal.rows)
    for host, target in (
        (LOGIN.partition("://")[2], "/login/login.htm"),
        (LOGIN.partition("://")[2], "/.gateway/session"),
        ("hr.example.com", "/.gateway/session"),
        ("hr.example.com", "/.gateway/auth"),
        ("hr.example.com", "/public/x"),
    ):
        for name in (b"Cookie", b"Origin", b"X-Forwarded-For"):
            answer = await site.raw(head("GET", target, host, b"Connection: close, " + name + b"\r\n"))
            assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 403 ")), (host, target, name)
    assert len(site.org.journal.rows) == before and site.behind.visits == []


async def test_t23_an_upgrade_is_refused_alike(site: Site) -> None:
    cookie = await site.signed_in()
    answer = await site.raw(head("GET", "/live", "hr.example.com", cookie, HANDSHAKE, b"Connection: Upgrade, Origin\r\n"))
    assert answer.startswith(b"HTTP/1.1 400 ") and site.behind.visits == []


async def test_t23_the_names_of_an_apps_own_table_are_refused_in_every_spelling(site: Site) -> None:
    cookie = await site.signed_in(ALICE, WIKI)
    for name in ("X-Auth-User", "x_auth_id", "X.Auth-Until", "webhook_user"):
        answer = await site.raw(head("GET", "/", "wiki.example.com", cookie, f"Connection: close, {name}\r\n".encode()))
        assert answer.startswith(b"HTTP/1.1 400 "), name
    assert site.behind.visits == []


async def test_t23_an_apps_answer_still_names_what_is_its_hops(site: Site) -> None:
    cookie = await site.signed_in()
    site.behind.script = answering(b"HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: 1\r\nX-Kept: 2\r\nContent-Length: 0\r\n\r\n")
    reply = await site.ask("/", cookie)
    assert reply.status == 200 and (b"X-Kept", b"2") in reply.fields and (b"X-Hop", b"1") not in reply.fields
