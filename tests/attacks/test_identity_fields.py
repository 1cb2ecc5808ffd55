"""Group H: only the gateway tells an app who the user is."""

import pytest

from tests.attacks.spelled_fields import lines, spellings
from tests.harness.app import Visit, answering
from tests.harness.browser import ALICE, BOB, HR, WIKI
from tests.harness.replies import told
from tests.harness.site import NAVIGATE, Site

HANDSHAKE = (
    b"Origin: https://hr.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def test_h1_a_client_that_names_a_user_is_not_believed(site: Site) -> None:
    reply = await site.ask("/", await site.signed_in() + b"Remote-User: admin\r\nRemote-User-Id: 1\r\n")
    assert reply.status == 200
    assert told(site.behind.last, "Remote-User") == [ALICE]
    assert told(site.behind.last, "Remote-User-Id") == [site.org.known_user(ALICE).id]


async def test_h1_every_configured_name_is_ours_alone(site: Site) -> None:
    """Not in the list of attacks: an app with names of its own, and one that the session has no value for."""
    cookie = await site.signed_in(BOB, WIKI)
    await site.ask("/", cookie + lines(["X-Auth-User", "X-Auth-Id", "X-Auth-Until", "X-Auth-Amr"]), origin=WIKI)
    seen = {name: told(site.behind.last, name) for name in ("X-Auth-User", "X-Auth-Id", "X-Auth-Until", "X-Auth-Amr")}
    assert seen["X-Auth-User"] == [BOB] and seen["X-Auth-Amr"] == ["pwd"]
    assert all(len(values) == 1 and "admin" not in values[0] for values in seen.values())


@pytest.mark.parametrize("name", ["Remote-User", "Remote-User-Id"])
async def test_h2_aliases_of_identity_fields_never_reach_the_app(site: Site, name: str) -> None:
    cookie = await site.signed_in()
    for spelling in spellings(name):
        assert (await site.ask("/", cookie + lines([spelling]))).status == 200
        assert len(told(site.behind.last, name)) == 1
        assert b"admin" not in site.behind.last.head


async def test_h2_a_name_that_is_no_token_is_refused(site: Site) -> None:
    """Not in the list of attacks: letters that some runtime folds into ASCII, blanks and controls inside a name."""
    cookie = await site.signed_in()
    for name in (
        "Remote-Uſer",
        "Ｒemote-User",
        "Remote User",
        "Remote\tUser",
        "Remote-User\x00",
        "Remote\x7fUser",
        "Remote/User",
        '"Remote-User"',
    ):
        reply = await site.ask("/", cookie + f"{name}: admin\r\n".encode())
        assert reply.status == 400, name
    assert site.behind.visits == []


async def test_h4_an_allowed_odd_name_is_kept_once_and_never_beside_an_alias(site: Site) -> None:
    cookie = await site.signed_in(ALICE, WIKI)
    assert (await site.ask("/", cookie + b"webhook_user: jo\r\n", origin=WIKI)).status == 200
    assert told(site.behind.last, "webhook_user") == ["jo"]
    for second in (b"webhook_user", b"webhook-user", b"Webhook.User", b"WEBHOOK_USER"):
        assert (await site.ask("/", cookie + b"webhook_user: jo\r\n" + second + b": admin\r\n", origin=WIKI)).status == 400
    assert len(site.behind.visits) == 1
    other = await site.signed_in(ALICE, HR)
    await site.ask("/", other + b"webhook_user: jo\r\n")
    assert told(site.behind.last, "webhook_user") == []


@pytest.mark.parametrize("target", ["/public/x", "/maybe/x"])
async def test_h6_on_a_public_route_nobody_is_named_in_any_spelling(site: Site, target: str) -> None:
    for spelling in ("Remote-User", "remote_user", "REMOTE.USER", "Remote-User-Id", "Remote_User_Id", "X-Gateway-Assertion"):
        assert (await site.ask(target, lines([spelling]))).status == 200
        assert b"admin" not in site.behind.last.head
    assert (await site.ask("/public/x", await site.signed_in() + lines(["Remote-User"]))).status == 200
    assert told(site.behind.last, "Remote-User") == []


@pytest.mark.parametrize(
    "fields",
    [HANDSHAKE, b"Accept: text/event-stream\r\nCache-Control: no-cache\r\n", b"Connection: close\r\nUpgrade: websocket\r\n", NAVIGATE],
    ids=["websocket", "event stream", "upgrade that is none", "navigation"],
)
async def test_h8_every_way_to_the_app_strips_alike(site: Site, fields: bytes) -> None:
    cookie = await site.signed_in()
    site.behind.script = answering(b"HTTP/1.1 426 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", then_close=True)
    spoofed = lines(["Remote-User", "remote_user", "Remote.User.Id", "X-Gateway-Assertion", "X_Forwarded_For", "Proxy"])
    sent = b"GET /live HTTP/1.1\r\nHost: hr.example.com\r\n" + cookie + fields + spoofed + b"\r\n"
    wire = await site.connect()
    await wire.say(sent)
    assert b" 426 " in await wire.head()
    assert told(site.behind.last, "Remote-User") == [ALICE]
    assert b"admin" not in site.behind.last.head


async def test_h8_a_body_and_an_old_protocol_version_strip_alike(site: Site) -> None:
    """Not in the list of attacks: POST, an unusual method, HTTP/1.0."""
    cookie = await site.signed_in()
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"):
        assert (await site.ask("/", cookie + lines(["Remote-User", "remote_user"]), method=method, body=b"x")).status == 200
        assert told(site.behind.last, "Remote-User") == [ALICE]
    await site.raw(b"GET / HTTP/1.0\r\nHost: hr.example.com\r\n" + cookie + lines(["Remote-User", "remote_user"]) + b"\r\n")
    assert told(site.behind.last, "Remote-User") == [ALICE]


@pytest.mark.parametrize(
    "fields", [b"Remote-User: alice@example.com\r\nRemote-User: admin\r\n", b"Remote-User: alice@example.com, admin\r\n"]
)
async def test_h9_repeated_and_listed_values_become_one(site: Site, fields: bytes) -> None:
    await site.ask("/", await site.signed_in() + fields)
    assert told(site.behind.last, "Remote-User") == [ALICE]


@pytest.mark.parametrize(
    "fields",
    [
        b"Remote-User : admin\r\n",
        b"Remote-User\t: admin\r\n",
        b" Remote-User: admin\r\n",
        b"X: 1\r\n Remote-User: admin\r\n",
        b": admin\r\n",
        b"Remote-User\r\n",
        b"X: 1\rRemote-User: admin\r\n",
        b"X: 1\x00Remote-User: admin\r\n",
        b"X: 1\nRemote-User : admin\r\n",
    ],
)
async def test_h10_a_field_line_that_parsers_read_differently_ends_the_connection(site: Site, fields: bytes) -> None:
    cookie = await site.signed_in()
    second = b"GET /public/second HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n\r\n"
    answer = await site.raw(b"GET / HTTP/1.1\r\nHost: hr.example.com\r\n" + cookie + fields + b"\r\n" + second)
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1
    assert site.behind.visits == []


async def test_h11_what_connection_names_is_taken_from_the_client_and_not_from_us(site: Site) -> None:
    cookie = await site.signed_in()
    for name in ("Remote-User", "remote_user-id", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Host", "Content-Length"):
        assert (await site.ask("/", cookie + f"Connection: close, {name}\r\n".encode(), method="POST", body=b"12345")).status == 400
    assert site.behind.visits == []
    fields = b"X-Own: 1\r\nX-Forwarded-For: 10.0.0.1\r\nConnection: X-Own, X-Other\r\n"
    assert (await site.ask("/", cookie + fields, method="POST", body=b"12345")).status == 200
    seen = site.behind.last
    assert (told(seen, "Remote-User"), told(seen, "Remote-User-Id")) == ([ALICE], [site.org.known_user(ALICE).id])
    assert (told(seen, "X-Forwarded-For"), told(seen, "X-Forwarded-Proto")) == (["127.0.0.1"], ["https"])
    assert (told(seen, "Host"), told(seen, "Content-Length"), told(seen, "X-Own")) == (["hr.example.com"], ["5"], [])


async def test_h11_a_client_cannot_make_the_gateway_lose_its_pass_or_the_origin_check(site: Site) -> None:
    """Not in the list of attacks: whoever names fields away that the gateway itself reads is refused."""
    cookie = await site.signed_in()
    assert (await site.ask("/", b"Connection: cookie\r\n" + cookie)).status == 400
    assert site.behind.visits == []
    post = b"Connection: origin, sec-fetch-site\r\nOrigin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n"
    assert (await site.ask("/.gateway/sign-out", cookie + post, method="POST")).status == 400


async def test_h13_fields_of_the_hop_stay_on_the_hop(site: Site) -> None:
    hop = {
        "Keep-Alive": "timeout=5",
        "Proxy-Connection": "keep-alive",
        "Proxy-Authorization": "Basic eDp5",
        "Proxy-Authenticate": "Basic",
        "TE": "gzip, trailers",
        "Trailer": "Remote-User",
        "Upgrade": "h2c, foo/2",
        "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA",
    }
    fields = "".join(f"{name}: {value}\r\n" for name, value in hop.items()).encode()
    assert (await site.ask("/", await site.signed_in() + fields)).status == 200
    assert {name: told(site.behind.last, name) for name in hop} == {name: [] for name in hop}


async def test_h14_the_environment_of_a_cgi_app_gets_no_proxy(site: Site) -> None:
    cookie = await site.signed_in()
    for name in ("Proxy", "PROXY", "proxy"):
        assert (await site.ask("/public/x", cookie + f"{name}: http://evil\r\n".encode())).status == 200
        assert told(site.behind.last, "Proxy") == [] and b"evil" not in site.behind.last.head


@pytest.mark.parametrize(
    "name",
    [
        "X-Original-URL",
        "X-Original-URI",
        "X-Rewrite-URL",
        "X-HTTP-Method",
        "X-HTTP-Method-Override",
        "X-Method-Override",
        "X-Original-Method",
        "X_Original_URL",
        "X-Forwarded-Uri",
        "X-Forwarded-Prefix",
        "X-Forwarded-Method",
        "X-Host",
        "X-Middleware-Subrequest",
    ],
)
async def test_h15_fields_that_rewrite_target_or_method_are_stripped(site: Site, name: str) -> None:
    """The row allows a switch to let them through; there is none: an app that needs one of them needs another name."""
    for value in ("/admin", "DELETE"):
        assert (await site.ask("/public/x", lines([name], value))).status == 200
        assert site.behind.last.line == b"GET /public/x HTTP/1.1"
        assert told(site.behind.last, name) == []
    assert (await site.ask("/admin", lines([name], "/public/x"))).status == 401


@pytest.mark.parametrize("announced", [b"Trailer: Remote-User\r\n", b""], ids=["announced", "not announced"])
async def test_h17_trailers_never_become_fields(site: Site, announced: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    body = b"5\r\nhello\r\n0\r\nRemote-User: admin\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n"
    received: list[bytes] = []

    async def keeping(visit: Visit) -> None:
        received.append(await visit.body())
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    cookie = await site.signed_in()
    site.behind.script = keeping
    answer = await site.raw(head + announced + cookie + b"\r\n" + body)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert told(site.behind.last, "Remote-User") == [ALICE] and told(site.behind.last, "Trailer") == []
    assert received == [b"5\r\nhello\r\n0\r\n\r\n"]
