"""Group A and rows F12 to F15, K15: the endpoint that front proxies ask."""

import asyncio
import io
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.compose import Gateway
from gateway.config import read
from gateway.dev.standin.users import User
from gateway.observe import Log
from tests.harness.browser import ALICE, HR, LOGIN, WIKI
from tests.harness.configuration import SEALED
from tests.harness.replies import RawReply
from tests.harness.site import CONFIGURATION, FETCH, NAVIGATE, Site, deployed
from tests.harness.subrequests import DIALECTS, GATEWAY, TERSE, TRUSTING, ask, identity, told

OTHERS = [dialect for dialect in DIALECTS if dialect not in TERSE]
MANY = CONFIGURATION.replace('"X-Auth-User" = "login"', ", ".join(f'"X-Auth-User-{number}" = "login"' for number in range(40)))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed(listen=TRUSTING) as made:
        yield made


def head_of(reply: RawReply) -> bytes:
    return reply.raw.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a1_to_pass_is_exactly_200_and_nothing_more(site: Site, dialect: str) -> None:
    cookie = await site.signed_in()
    for target, method in (("/", "GET"), ("/a?b", "POST"), ("/public/x", "DELETE"), ("/form/x", "POST"), ("/maybe/x", "HEAD")):
        reply = await ask(site, dialect, target, FETCH + cookie, method=method)
        assert (reply.status, reply.body) == (200, b"")
    for target in ("/public/x", "/maybe/x"):
        assert (await ask(site, dialect, target, FETCH)).status == 200


async def test_a2_nginx_never_hears_a_status_that_it_would_make_a_500_of(site: Site) -> None:
    cookie = await site.signed_in()
    statuses = set()
    for target in ("/", "/bob/x", "/strong/x", "/read/x", "/x/../y", "//x", "/%00", "/.gateway/", "/.gateway/auth/nginx", "/x" * 5000):
        for fields in (
            FETCH,
            NAVIGATE,
            FETCH + cookie,
            FETCH + cookie + b"X-Original-URL: /\r\n",
            FETCH + b"Bad Name: x\r\n",
            b"Host: x\r\n",
        ):
            for method in ("GET", "POST", "TRACE", "?"):
                statuses.add((await ask(site, "nginx", target, fields, method=method)).status)
    assert statuses == {200, 401, 403, 400}  # 400: bytes that the parser takes for no request, which nginx does not send
    too_many = await ask(site, "nginx", "/", b"".join(b"X-%d: y\r\n" % number for number in range(200)))
    assert (too_many.status, too_many.values("X-Gateway-Reason")) == (403, ["too_many_fields"])


@pytest.mark.parametrize("dialect", OTHERS)
async def test_a3_a_navigation_is_redirected_and_nothing_else_is(site: Site, dialect: str) -> None:
    form = NAVIGATE.replace(b"Site: none", b"Site: same-origin")
    for method, fields, status in (
        ("GET", NAVIGATE, 302),
        ("HEAD", NAVIGATE, 302),
        ("POST", form, 303),
        ("GET", FETCH, 401),
        ("POST", FETCH, 401),
    ):
        reply = await ask(site, dialect, "/a", fields, method=method)
        assert (reply.status, bool(reply.location)) == (status, status != 401)
    for fields in (b"Accept: application/json\r\n", b"Accept: text/html\r\nX-Requested-With: XMLHttpRequest\r\n", b""):
        assert (await ask(site, dialect, "/a", fields)).status == 401
    assert (await ask(site, dialect, "/a", b"Accept: text/html,*/*;q=0.8\r\n")).status == 302


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a6_a_200_fits_into_four_kilobytes_and_no_value_is_cut(dialect: str) -> None:
    async with deployed(listen=TRUSTING, configuration=MANY) as site:
        login = "\u00eb" * 24 + "@example.com"
        site.org.users = (*site.org.users, User(login, "x"))
        reply = await ask(site, dialect, "/", FETCH + await site.signed_in(login, WIKI), origin=WIKI)
        assert reply.status == 200
        assert len(head_of(reply)) < 4096
        spelled = "%C3%AB" * 24 + "@example.com"
        values = {name.decode(): value.decode() for name, value in reply.fields if name.startswith(b"X-Auth-User-")}
        assert len(values) == 40
        assert set(values.values()) == {"", spelled}
        assert reply.values("X-Gateway-Omitted") == [", ".join(name for name, value in values.items() if not value)]
        longest = "/" + "x" * 4000
        denied = await ask(site, dialect, longest, NAVIGATE)
        assert dialect not in TERSE or (
            len(head_of(denied)) < 4096 and denied.values("X-Gateway-Sign-In")[0].endswith("/.gateway/sign-in?to=%2F")
        )


@pytest.mark.parametrize(
    "climbing",
    [
        "/../admin",
        "/%2e%2e/admin",
        "/.%2E/admin",
        "/public/../admin",
        "/public/%2e%2e%2fadmin",
        "//bob",
        "/%2e/bob",
        "/public/..;/admin",
        "/\\admin",
    ],
)
async def test_a7_the_path_behind_the_prefix_is_read_like_any_other(site: Site, climbing: str) -> None:
    cookie = await site.signed_in()
    for dialect in DIALECTS:
        for fields in (FETCH, FETCH + cookie):
            reply = await ask(site, dialect, climbing, fields)
            assert reply.status == (403 if dialect in TERSE else 400), dialect
    for other in ("/.gateway/auth/envoy%2fpublic/x", "/.gateway/auth/envoyx/public/x", "/.gateway/auth/../auth/envoy/public/x"):
        assert (await site.ask(other, FETCH + cookie)).status in (400, 404)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a9_every_identity_field_is_set_so_that_the_clients_own_is_overwritten(site: Site, dialect: str) -> None:
    spoofed = b"".join(b"%b: admin\r\n" % name for name in (b"Remote-User", b"Remote-User-Id", b"REMOTE-USER", b"X-Gateway-Omitted"))
    cookie = await site.signed_in()
    signed_in = await ask(site, dialect, "/", spoofed + cookie)
    assert identity(signed_in)["Remote-User"] == [ALICE]
    for target, fields in (("/public/x", cookie), ("/maybe/x", FETCH)):
        nobody = await ask(site, dialect, target, spoofed + fields)
        assert (nobody.status, identity(nobody)) == (200, {"Remote-User": [""], "Remote-User-Id": [""]})
    for reply in (signed_in, nobody):
        assert b"admin" not in reply.raw
        assert reply.values("X-Gateway-Omitted") == [""]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a10_no_answer_sets_a_cookie(site: Site, dialect: str) -> None:
    cookie = await site.signed_in()
    for target in ("/", "/public/x", "/bob/x", "/x/../y", "/.gateway/session"):
        for fields in (FETCH, NAVIGATE, cookie + FETCH, cookie + NAVIGATE):
            assert (await ask(site, dialect, target, fields)).values("Set-Cookie") == []
    async with site.beside(b"n" * 32, b"k" * 32) as rotated:
        assert (await ask(rotated, dialect, "/", cookie)).values("Set-Cookie") == []


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a11_a_proxy_that_asks_whether_it_may_ask_is_told_so(site: Site, dialect: str) -> None:
    cookie = await site.signed_in()
    for name in DIALECTS:
        for fields in (FETCH, FETCH + cookie):
            looping = await ask(site, dialect, f"/.gateway/auth/{name}", fields)
            assert looping.status == (403 if dialect in TERSE else 508)
    for own in ("/.gateway/", "/.gateway/session", "/%2Egateway/session", "/.GATEWAY/x", "/.gateway;x/y"):
        assert (await ask(site, dialect, own, FETCH + cookie)).status == 403


@pytest.mark.parametrize("dialect", [dialect for dialect in DIALECTS if dialect != "envoy"])
async def test_f12_without_the_whole_original_request_nobody_passes(site: Site, dialect: str) -> None:
    cookie = await site.signed_in()
    origin, refusal = HR if dialect == "nginx" else GATEWAY, 403 if dialect in TERSE else 400

    async def sent(*lines: str) -> int:
        text = "".join(f"{line}\r\n" for line in lines).encode()
        return (await site.ask(f"/.gateway/auth/{dialect}", text + cookie, origin=origin)).status

    lines = told(dialect, "/public/x")
    assert await sent(*lines) == 200
    assert await sent() == refusal
    for line in lines:
        assert await sent(*(other for other in lines if other != line)) == refusal
        assert await sent(*lines, line) == refusal
        assert await sent(*(f"{line.partition(':')[0]}:" if other == line else other for other in lines)) == refusal
    for conflict in (
        "X-Forwarded-Uri: /x",
        "X-Original-URL: https://hr.example.com/x",
        "X-Forwarded-Host: wiki.example.com",
        "X-Original-URI: /x",
    ):
        assert await sent(*lines, conflict) == refusal


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_f12_an_unknown_host_and_the_login_host_never_pass(site: Site, dialect: str) -> None:
    cookie = await site.signed_in()
    for origin in ("https://evil.example", LOGIN, "https://hr.example.com.evil.example", "https://hr.example.com:8443"):
        assert (await ask(site, dialect, "/public/x", FETCH + cookie, origin=origin)).status == 403


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("listen", ["", 'trusted_proxies = ["10.0.0.0/8", "127.0.0.2/32"]'])
async def test_f14_nobody_asks_who_is_not_listed(dialect: str, listen: str) -> None:
    async with deployed(listen=listen) as site:
        cookie = await site.signed_in()
        for fields in (FETCH + cookie, FETCH, NAVIGATE + cookie):
            for target in ("/public/x", "/"):
                reply = await ask(site, dialect, target, fields + b"X-Forwarded-For: 10.0.0.1\r\n")
                assert (reply.status, reply.body) == (403, b'{"error": "peer_not_listed"}')
        for other in ("/.gateway/auth", "/.gateway/auth/", "/.gateway/auth/nobody"):
            assert (await site.ask(other, FETCH + cookie)).status == 403
        assert site.behind.visits == []


async def test_f15_a_unix_socket_has_no_address_and_is_believed_in_nothing(site: Site) -> None:
    cookie = await site.signed_in()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = str(Path(folder) / "s")
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(path)
        other = Gateway(read("gateway.toml", site.configuration, SEALED), Log(stream=io.StringIO()), public=listening)
        await other.start()
        try:
            for fields in (cookie, cookie + b"X-Forwarded-For: 127.0.0.1\r\n"):
                for target, status in (("/.gateway/auth/envoy/public/x", b"403"), ("/public/x", b"200")):
                    reader, writer = await asyncio.open_unix_connection(path)
                    writer.write(f"GET {target} HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n".encode() + fields + b"\r\n")
                    assert (await reader.read()).startswith(b"HTTP/1.1 " + status)
                    writer.close()
        finally:
            await other.aclose()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_k15_a_200_may_be_kept_as_long_as_its_answer_lives_and_nothing_else_may(dialect: str) -> None:
    async with deployed(listen=f'{TRUSTING}\n[subrequest]\nmax_age = "6s"') as site:
        cookie = await site.signed_in()
        kept = await ask(site, dialect, "/", cookie)
        assert kept.values("Cache-Control") == ["private, max-age=6"]
        assert kept.values("Vary") == ["Cookie, Authorization"]
        site.times.passed += 7.2
        assert (await ask(site, dialect, "/", cookie)).values("Cache-Control") == ["private, max-age=2"]
        for target, fields in (
            ("/", FETCH),
            ("/", NAVIGATE),
            ("/bob/x", cookie),
            ("/public/x", cookie),
            ("/maybe/x", FETCH),
            ("/../x", cookie),
        ):
            reply = await ask(site, dialect, target, fields)
            assert (reply.values("Cache-Control"), reply.values("Vary")) == (["no-store"], [])
