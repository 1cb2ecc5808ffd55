"""T25: fields by which other proxies name the user do not reach an app, unless the operator allows the name."""

from collections.abc import AsyncIterator

import pytest

from tests.attacks.spelled_fields import lines, spellings
from tests.harness.app import answering
from tests.harness.browser import ALICE, BOB, WIKI
from tests.harness.replies import told
from tests.harness.site import CONFIGURATION, Site, deployed

NAMES = """X-SSL-Client-Cert SSL-Client-Cert X-SSL-Client-S-DN SSL-Client-Verify Ssl-Client-Subject-Dn X-Client-Cert X-Client-Cert-Chain
X-ARR-SSL X-ARR-ClientCert Https Front-End-Https X-Auth-Request-User X-Auth-Request-Email X-Forwarded-User X-Forwarded-Email
X-Forwarded-Groups X-Forwarded-Preferred-Username X-Forwarded-Access-Token X-Remote-User X-WEBAUTH-USER X-Webauth-Groups
X-MS-Client-Principal X-MS-Client-Principal-Id X-Goog-Authenticated-User-Email Cf-Access-Authenticated-User-Email
Cf-Access-Jwt-Assertion X-Amzn-Oidc-Identity Tailscale-User-Login X-Token-Subject Client-Cert Remote-Groups OIDC-CLAIM-email
Shib-Session-ID SM-USER"""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed() as made:
        yield made


async def test_t25_no_spelling_reaches_an_app(site: Site) -> None:
    cookie = await site.signed_in()
    for name in NAMES.split():
        every = {name, name.lower(), name.upper(), name.replace("-", "_"), name.upper().replace("-", "_"), name.replace("-", ".")}
        for target, fields in (("/x", cookie), ("/public/x", b""), ("/maybe/x", b"")):
            assert (await site.ask(target, fields + lines(sorted(every)))).status == 200
            assert b"admin" not in site.behind.last.head, name


async def test_t25_every_mixture_of_separators_of_one_name(site: Site) -> None:
    cookie = await site.signed_in()
    for spelling in spellings("X-SSL-Client-Cert")[::7]:
        assert (await site.ask("/", cookie + lines([spelling]))).status == 200
        assert b"admin" not in site.behind.last.head, spelling


async def test_t25_remote_user_does_not_reach_an_app_whose_table_has_other_names(site: Site) -> None:
    cookie = await site.signed_in(ALICE, WIKI)
    every = lines(["Remote-User", "remote_user", "REMOTE.USER", "Remote-User-Id", "X-Remote-User"])
    for target, fields in (("/", cookie), ("/public/x", b"")):
        assert (await site.ask(target, fields + every, origin=WIKI)).status == 200
        assert b"admin" not in site.behind.last.head


async def test_t25_a_websocket_and_a_post_are_no_other_way(site: Site) -> None:
    cookie = await site.signed_in()
    site.behind.script = answering(b"HTTP/1.1 426 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", then_close=True)
    handshake = b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    upgrade = b"Connection: Upgrade\r\nOrigin: https://hr.example.com\r\n" + handshake
    wire = await site.connect()
    await wire.say(b"GET /live HTTP/1.1\r\nHost: hr.example.com\r\n" + cookie + upgrade + lines(NAMES.split()) + b"\r\n")
    assert b" 426 " in await wire.head()
    assert b"admin" not in site.behind.last.head
    assert (await site.ask("/", cookie + lines(NAMES.split()), method="POST", body=b"x")).status == 426
    assert b"admin" not in site.behind.last.head


async def test_t25_what_scripts_of_apps_send_passes(site: Site) -> None:
    cookie = await site.signed_in()
    names = [
        "X-Auth-Token",
        "X-Api-Key",
        "X-CSRF-Token",
        "X-Requested-With",
        "X-User-Id",
        "X-Client-Version",
        "Authorization",
        "SSL",
        "X-Tenant",
    ]
    assert (await site.ask("/", cookie + lines(names, "kept"))).status == 200
    assert {name: told(site.behind.last, name) for name in names} == {name: ["kept"] for name in names}


async def test_t25_the_operator_lets_a_name_through_once_and_never_the_apps_identity() -> None:
    """Such an app has a front proxy of its own that ends TLS."""
    allowed = '["X-SSL-Client-Cert", "X-Forwarded-User", "X_ARR_SSL", "Https", "X-Forwarded-For", "X-Gateway-X"]'
    text = CONFIGURATION.replace('allow_fields = ["webhook_user"]', f"allow_fields = {allowed}")
    async with deployed(configuration=text) as site:
        cookie = await site.signed_in(BOB, WIKI)
        kept = ["x-ssl-client-cert", "X-Forwarded-User", "X_ARR_SSL", "HTTPS"]
        gone = ["SSL-Client-Cert", "X-Forwarded-Email", "X-Remote-User", "X-Auth-User", "x_auth_id", "X-Forwarded-For", "X-Gateway-X"]
        assert (await site.ask("/", cookie + lines(kept, "let in") + lines(gone), origin=WIKI)).status == 200
        head = site.behind.last.head
        assert head.count(b": let in\r\n") == len(kept) and b"admin" not in head
        assert told(site.behind.last, "X-Auth-User") == [BOB]
        for twice in (["x-ssl-client-cert"] * 2, ["X-SSL-Client-Cert", "X_SSL_Client_Cert"], ["Https", "HTTPS"]):
            site.behind.visits.clear()
            assert (await site.ask("/", cookie + lines(twice), origin=WIKI)).status == 400
            assert site.behind.visits == []
