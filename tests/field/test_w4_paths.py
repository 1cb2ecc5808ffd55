"""W4: a path goes to the app as it was sent if all readings of it fall under the same rule; otherwise it is refused."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.app import answering
from tests.harness.browser import ALICE, BOB, HR, LOGIN
from tests.harness.site import CONFIGURATION, FETCH, IIS, NAVIGATE, Site, cookie_line, deployed
from tests.harness.subrequests import DIALECTS, TRUSTING, ask

FAITHFUL = (
    *(
        "/api/queues/%2F/orders",
        "/view/https%3A%2F%2Fx",
        "/people/CORP%5Calice",
        "/%C0%B4.html",
        "/a/;v=1/b",
        "/x?q=\xe4",
        "/x?q=\xb0\xa1&\xff",
    ),
    *("/a//b", "//a/b", "/a/./b", "/a/b/../c", "/a/%2e%2e/b", "/a%252Fb/%252e%252e", "/x/%2F%2F/y", "/a/..;/b", "/a/.../b", "/%C0%B4/%5C"),
    *(
        "/job/a%2Fb/;x=%2F/c",
        "/a%5C%5Cb",
        "/%5C%5Cserver%5Cshare",
        "/view/http:%2F%2Fx//y",
        "/a;b=c;d/e",
        "/a%20/b.",
        "/%ff%fe",
        "/x/%3B%3F%23",
    ),
)
DOUBTFUL = (
    *("/public/../bob/x", "/public/%2e%2e/bob/x", "/public/..%2Fbob", "/public/..%5Cbob", "/public%5C..%5Cbob/x", "/public/..;/bob/x"),
    *(
        "//x/bob/y",
        "/x/%C0%AE%C0%AE/bob",
        "/x%C0%AF..%C0%AFbob",
        "/%5Cbob/x",
        "/./bob",
        "//bob",
        "/a/../bob",
        "/../x",
        "/a/../../x",
        "/..%5Cx",
    ),
    *("/x/../.gateway/session", "//.gateway/x", "/%5C.gateway/x", "/;a/.gateway/x", "/a/..%2F.gateway"),
)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed(listen=TRUSTING) as made:
        yield made


@pytest.mark.parametrize("target", FAITHFUL)
async def test_w4_a_path_whose_readings_agree_arrives_as_it_was_sent(site: Site, target: str) -> None:
    cookie = await site.signed_in()
    assert (await site.ask(target, FETCH)).status == 401
    assert (await site.ask(target, FETCH + cookie)).status == 200
    assert site.behind.last.line == f"GET {target} HTTP/1.1".encode("latin-1")
    for dialect in DIALECTS:
        assert (await ask(site, dialect, target, FETCH)).status == 401
        assert (await ask(site, dialect, target, FETCH + cookie)).status == 200, dialect


@pytest.mark.parametrize("target", DOUBTFUL)
async def test_w4_a_path_whose_readings_fall_under_different_rules_is_refused(site: Site, target: str) -> None:
    bob = await site.signed_in(BOB)
    for fields in (FETCH, FETCH + bob):
        assert (await site.ask(target, fields)).status == 400
        for dialect in DIALECTS:
            assert (await ask(site, dialect, target, fields)).status == (403 if dialect == "nginx" else 400), dialect
    assert site.behind.visits == []


async def test_w4_both_rules_bind_where_usual_readings_differ(site: Site) -> None:
    """A slash that is escaped, parameters and a slash at the end were never refused: whoever both rules let in goes on."""
    alice, bob = await site.signed_in(ALICE), await site.signed_in(BOB)
    for target in ("/bob%2Fx", "/bob;x=1/y", "/bob/", "/bob%3Fx"):
        assert (await site.ask(target, FETCH + alice)).status == 403
        assert (await site.ask(target, FETCH + bob)).status == 200
        assert site.behind.last.line == f"GET {target} HTTP/1.1".encode()


async def test_w4_an_iis_app_gets_a_domain_and_a_user(site: Site) -> None:
    alice, bob = await site.signed_in(ALICE, IIS), await site.signed_in(BOB, IIS)
    for target in ("/people/CORP%5Calice", "/People//CORP%5Calice", "/people/x/../CORP%5Calice"):
        assert (await site.ask(target, FETCH + alice, origin=IIS)).status == 200
        assert site.behind.last.line == f"GET {target} HTTP/1.1".encode()
    site.behind.visits.clear()
    for target in ("/people/..%5CBOB%5Cx", "/x/%5C..%5C..%5Cbob::$DATA", "//BOB~1/x"):
        for fields in (FETCH, FETCH + bob):
            assert (await site.ask(target, fields, origin=IIS)).status == 400, target
    assert site.behind.visits == []


async def test_w4_with_prefixes_nobody_climbs_out_of_the_app() -> None:
    text = CONFIGURATION.replace('name = "hr"', 'name = "hr"\nstrip_prefix = "/hr"\nadd_prefix = "/app"', 1)
    text = text.replace('{{ path = "/', '{{ path = "/hr/').replace('"/hr/Bob', '"/Bob').replace('"/hr/**/open', '"/**/open')
    text = text.replace('rule = [{{ path = "/hr/public/**"', 'rule = [{{ path = "/public/**"')
    async with deployed(configuration=text) as site:
        browser, _ = site.session()
        reply, _ = await browser.walk(f"{HR}/hr/x")
        assert reply.status == 200
        cookie = cookie_line(browser, HR)
        for target, inner in {
            "/hr/api/queues/%2F/orders": "/app/api/queues/%2F/orders",
            "/hr/a/../b": "/app/a/../b",
            "/hr/people/CORP%5Calice": "/app/people/CORP%5Calice",
            "/hr/x?q=\xe4": "/app/x?q=\xe4",
        }.items():
            assert (await site.ask(target, FETCH + cookie)).status == 200
            assert site.behind.last.line == f"GET {inner} HTTP/1.1".encode("latin-1")
        site.behind.visits.clear()
        for target in (
            "/hr/../hr/x",
            "/hr/%2e%2e/x",
            "/hr/a/../../hr/x",
            "/hr/..%5Chr/x",
            "/hr//x",
            "/hr/%5Cx",
            "/hr/%2Fx",
            "/hr/..;/x",
            "/x/../hr/x",
        ):
            assert (await site.ask(target, FETCH + cookie)).status in (400, 404), target
        assert site.behind.visits == []


@pytest.mark.parametrize(
    "target", ["/api/queues/%2F/orders", "/view/https%3A%2F%2Fx", "/people/CORP%5Calice", "/%C0%B4.html", "/a/;v=1/b", "/x?q=\xe4"]
)
async def test_w4_signing_in_leads_back_to_such_a_path(site: Site, target: str) -> None:
    browser, _ = site.session()
    begun = await site.ask(target, NAVIGATE)
    start = [value.partition(";")[0].partition("=") for value in begun.values("Set-Cookie")]
    browser.jar(HR).update({name: value for name, _, value in start})
    ticket = await browser.ask(begun.location)
    assert (await browser.ask(ticket.location)).location == target.replace("\xe4", "%E4")


async def test_w4_raw_bytes_are_for_apps_alone(site: Site) -> None:
    for origin, target, status in (
        (LOGIN, "/x?q=\xe4", 400),
        ("https://nowhere.example", "/x?q=\xe4", 400),
        (HR, "/\xe4", 400),
        (HR, "/x?\x7f", 400),
    ):
        assert (await site.ask(target, FETCH, origin=origin)).status == status
    assert (await site.ask("/.gateway/session?q=\xe4", FETCH)).status == 401


async def test_w4_a_websocket_and_a_post_go_the_same_way(site: Site) -> None:
    cookie = await site.signed_in()
    assert (await site.ask("/api/queues/%2F/orders?q=\xe4", FETCH + cookie, method="POST", body=b"x")).status == 200
    assert site.behind.last.line == b"POST /api/queues/%2F/orders?q=\xe4 HTTP/1.1"
    site.behind.script = answering(b"HTTP/1.1 426 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", then_close=True)
    handshake = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    wire = await site.connect()
    upgrade = b"Connection: Upgrade\r\nOrigin: https://hr.example.com\r\n" + handshake
    await wire.say(b"GET /live/%2F/x?q=\xe4 HTTP/1.1\r\nHost: hr.example.com\r\n" + cookie + upgrade + b"\r\n")
    assert b" 426 " in await wire.head()
    assert site.behind.last.line == b"GET /live/%2F/x?q=\xe4 HTTP/1.1"
