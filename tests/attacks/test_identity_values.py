"""Group H, second half: what an app is told about a user, and how names are encoded that were chosen to mislead."""

import base64
import json

import pytest

from gateway.dev.standin import User
from tests.harness.browser import ALICE, BOB, WIKI
from tests.harness.replies import told
from tests.harness.site import Site


def _assertion(algorithm: str, signature: str) -> str:
    parts = [{"alg": algorithm, "typ": "JWT"}, {"sub": "admin", "aud": "hr", "exp": 4102444800}]
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), signature])


async def test_h16_an_assertion_from_the_client_never_reaches_the_app(site: Site) -> None:
    """The assertion that the gateway signs itself comes in a later issue; until then no such field reaches an app at all, from anybody."""
    cookie = await site.signed_in()
    for assertion in (_assertion("none", ""), _assertion("HS256", "c2lnbmVk"), _assertion("ES256", "YW4gb2xkIG9uZQ")):
        for name in ("X-Gateway-Assertion", "x_gateway_assertion", "X.Gateway.Assertion", "X-GATEWAY-ASSERTION", "X-Gateway-Omitted"):
            assert (await site.ask("/", cookie + f"{name}: {assertion}\r\n".encode())).status == 200
            assert b"gateway" not in site.behind.last.head.lower()


@pytest.mark.parametrize(
    ("login", "value"),
    [
        ("zoë@example.com", "zo%C3%AB@example.com"),
        ("🙂@example.com", "%F0%9F%99%82@example.com"),
        ("50%41@example.com", "50%2541@example.com"),
        ("a\r\nRemote-User: admin", "a%0D%0ARemote-User: admin"),
        (" alice@example.com ", "%20alice@example.com%20"),
        ("alice@example.com\x00", "alice@example.com%00"),
    ],
)
async def test_h19_a_login_that_is_not_ascii_arrives_percent_encoded_and_alone(site: Site, login: str, value: str) -> None:
    site.org.users = (*site.org.users, User(login, "x"))
    await site.ask("/", await site.signed_in(login))
    assert told(site.behind.last, "Remote-User") == [value]


async def test_h19_a_list_that_is_too_long_is_left_out_whole_and_named(site: Site) -> None:
    """Groups are not told to apps; of the attributes that are, `amr` is the list. What exceeds 64 KiB is no answer of Okta's at all."""
    browser, session = site.session()
    session.amr = tuple(f"factor-{number:05}" for number in range(1000))
    await site.enters(browser, WIKI)
    assert told(site.behind.last, "X-Auth-User") == [ALICE]
    assert told(site.behind.last, "X-Auth-Amr") == []
    assert told(site.behind.last, "X-Gateway-Omitted") == ["X-Auth-Amr"]
    browser, session = site.session(BOB)
    session.amr = tuple(f"factor-{number:05}" for number in range(30000))
    site.behind.visits.clear()
    reply, _ = await browser.walk(f"{WIKI}/")
    assert (reply.status, site.behind.visits) == (503, [])


@pytest.mark.parametrize(
    ("login", "path", "status"),
    [
        ("jo@example.com", "/company/", 200),
        ("Jo@EXAMPLE.com", "/company/", 200),
        ("attacker@evil.com@example.com", "/company/", 403),
        ("attacker@example.com@evil.com", "/company/", 403),
        ("@example.com", "/company/", 403),
        ("jo@evilexample.com", "/company/", 403),
        ("jo@sub.example.com", "/company/", 403),
        ("jo@example.com.evil.net", "/company/", 403),
        ("jo@example.com ", "/company/", 403),
        ("jo@example.com\n", "/company/", 403),
        ("jo@example.com\x00", "/company/", 403),
        ("jo＠example.com", "/company/", 403),
        ("jo", "/company/", 403),
        ("KIM@example.com", "/kim/", 200),
        ("\u212aim@example.com", "/kim/", 403),
        ("kım@example.com", "/kim/", 403),
    ],
)
async def test_h21_a_domain_stands_behind_the_only_at_sign(site: Site, login: str, path: str, status: int) -> None:
    site.org.users = (*site.org.users, User(login, "x"))
    cookie = await site.signed_in(login)
    assert (await site.ask(path, cookie)).status == status
    assert len(site.behind.visits) == (1 if status == 200 else 0)


@pytest.mark.parametrize("value", ["Token abc", "Basic eDp5", "Bearer a.b.c", "SSWS 00token", ""])
async def test_h23_the_apps_own_authorization_passes_unchanged_and_counts_for_nothing(site: Site, value: str) -> None:
    fields = f"Authorization: {value}\r\n".encode()
    assert (await site.ask("/", await site.signed_in() + fields)).status == 200
    assert told(site.behind.last, "Authorization") == [value]
    site.behind.visits.clear()
    reply = await site.ask("/", fields)
    assert (reply.status, site.behind.visits) == (401, [])
    assert not any(value.lower().startswith(("basic", "negotiate")) for value in reply.values("WWW-Authenticate"))
