"""V7: one id in the log line, on the gateway's page, in the request to the app and in the answer. A client cannot choose it."""

import json
import re

from tests.attacks.spelled_fields import spellings
from tests.harness.app import answering
from tests.harness.browser import LOGIN
from tests.harness.replies import RawReply, told
from tests.harness.site import FETCH, NAVIGATE, Site, deployed

OWN = re.compile(r"[0-9a-f]{20}")
PAGE = re.compile(rb"<dt>Request</dt><dd><code>([^<]*)</code>")


def id_of(reply: RawReply) -> str:
    """The one id that an answer names."""
    (name,) = reply.values("X-Request-Id")
    return name


def at_the_app(site: Site) -> list[str]:
    return told(site.behind.last, "X-Request-Id")


def logged(site: Site) -> list[object]:
    return [line.get("request_id") for line in site.lines if line["event"] == "request"]


async def test_v7_one_id_on_the_line_in_the_answer_and_at_the_app() -> None:
    async with deployed() as site:
        cookie = await site.signed_in()
        for fields in (b"", FETCH, NAVIGATE):  # what was remembered of the lines brings no id back
            seen = {id_of(await site.ask("/x", cookie + fields)): tuple(at_the_app(site)) for _ in range(4)}
            assert len(seen) == 4
            assert all(OWN.fullmatch(name) and told == (name,) for name, told in seen.items())
            assert set(seen) <= set(logged(site))
        await site.ask("/x", cookie, method="POST", body=b"body")
        assert len(at_the_app(site)) == 1


async def test_v7_a_clients_own_word_goes_nowhere() -> None:
    async with deployed() as site:
        cookie = await site.signed_in()
        for spelling in spellings("X-Request-Id"):
            reply = await site.ask("/x", cookie + f"{spelling}: chosen\r\n".encode())
            assert at_the_app(site) == [id_of(reply)]
            assert b"chosen" not in site.behind.last.head
        assert "chosen" not in site.written.getvalue()


async def test_v7_a_listed_proxy_has_named_the_request() -> None:
    async with deployed(listen='trusted_proxies = ["127.0.0.1"]') as site:
        cookie = await site.signed_in()
        reply = await site.ask("/x", cookie + b"X-Request-Id: 4bf92f35-77b3\r\n")
        assert (id_of(reply), at_the_app(site), logged(site)[-1]) == ("4bf92f35-77b3", ["4bf92f35-77b3"], "4bf92f35-77b3")
        for bad in (b"a" * 65, b'"><script>', b"a\tb"):
            assert OWN.fullmatch(id_of(await site.ask("/x", cookie + b"X-Request-Id: " + bad + b"\r\n")))
        long = b"n" * 64
        page = await site.ask("/x", NAVIGATE.replace(b"none", b"none\r\nX-Request-Id: " + long), origin="https://other.example.com")
        assert page.status == 421
        assert PAGE.findall(page.body) == [long]
        assert page.values("Content-Length") == [str(len(page.body))]


async def test_v7_an_apps_own_id_gives_way() -> None:
    async with deployed() as site:
        cookie = await site.signed_in()
        for private in (b"/x", b"/public/x"):
            site.behind.script = answering(b"HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\nContent-Length: 2\r\n\r\nhi")
            assert OWN.fullmatch(id_of(await site.ask(private.decode(), cookie)))


async def test_v7_every_page_of_ours_names_it() -> None:
    async with deployed() as site:
        cookie = await site.signed_in()
        asked = [
            ("/.gateway/", LOGIN, NAVIGATE),
            ("/.gateway/", "https://hr.example.com", NAVIGATE + cookie),
            ("/.gateway/sign-out", LOGIN, NAVIGATE),
            ("/.gateway/accept?ticket=x", "https://hr.example.com", NAVIGATE),
            ("/bob/x", "https://hr.example.com", NAVIGATE + cookie),
            ("/strong/x", "https://hr.example.com", NAVIGATE + cookie),
            ("/x", "https://elsewhere.example.com", NAVIGATE),
            ("/%00", "https://hr.example.com", NAVIGATE),
            ("/login/sessionCookieRedirect?token=abc&redirectUrl=/", LOGIN, NAVIGATE.replace(b"none", b"cross-site")),
        ]
        for target, origin, fields in asked:
            reply = await site.ask(target, fields, origin=origin)
            assert b"text/html" in reply.values("Content-Type")[0].encode(), (target, reply.status)
            assert PAGE.findall(reply.body) == [id_of(reply).encode()], target
            assert b"{request-id}" not in reply.body
            assert logged(site)[-1] == id_of(reply)


async def test_v7_what_is_no_request_and_what_is_json_has_one_too() -> None:
    async with deployed() as site:
        reply = RawReply.of(await site.raw(b"NO REQUEST\r\n\r\n"))
        assert (reply.status, logged(site)[-1]) == (400, id_of(reply))
        reply = await site.ask("/.gateway/session")
        assert json.loads(reply.body)["error"] == "no_session"
        assert logged(site)[-1] == id_of(reply)


async def test_v7_a_websocket_has_one_on_both_sides() -> None:
    async with deployed() as site:
        cookie = await site.signed_in()
        site.behind.script = answering(b"HTTP/1.1 426 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", then_close=True)
        handshake = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        wire = await site.connect()
        fields = b"Connection: Upgrade\r\nOrigin: https://hr.example.com\r\nX-Request-Id: chosen\r\n" + handshake
        await wire.say(b"GET /live HTTP/1.1\r\nHost: hr.example.com\r\n" + cookie + fields + b"\r\n")
        head = await wire.head()
        (name,) = at_the_app(site)
        assert f"X-Request-Id: {name}\r\n".encode() in head
