"""Security holes that a first attack on the composed gateway found, each with the smallest request that used it. All are closed."""

import asyncio
import base64
import json
from urllib.parse import quote

import pytest

from gateway.dev.standin import fault
from tests.attacks.links import ME, OTHER_SITE, OWN_SITE, REDEEM, link, signed_in_at_org
from tests.harness.app import Visit
from tests.harness.browser import ALICE, BOB, HR, LOGIN
from tests.harness.site import FETCH, NAVIGATE, Site, cookie_line

DOCUMENT = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
STRANGER = {**DOCUMENT, "Sec-Fetch-Site": "cross-site"}
FORM = b"application/x-www-form-urlencoded"
SOCKET = (
    b"GET /live HTTP/1.1\r\nHost: hr.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://hr.example.com\r\n"
)
OPENED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x06secret"
)


async def settled(site: Site) -> None:
    """Round trips enough for whatever the gateway does behind an answer, and for requests on other connections to arrive."""
    for _ in range(40):
        await site.ask("/.gateway/session", FETCH, origin=LOGIN)


PATHS = (
    f"{REDEEM};x=%2f..%2f..%2fzzz",
    f"{REDEEM};%5c..%5c..%5czzz",
    f"{REDEEM}/%252e%252e/..;",
    f"{REDEEM}/%252e%252e/..",
    f"{REDEEM}/.%C2%AD./..;",
    "/login;%2fx/sessionCookieRedirect",
    "/login/zzz/../sessionCookieRedirect",
)


@pytest.mark.parametrize("path", PATHS)
async def test_no_spelling_of_the_path_takes_a_token_past_the_guard(site: Site, path: str) -> None:
    browser, _ = site.session()
    await site.ask(link(site.org.session_token(BOB), path), OWN_SITE + cookie_line(browser, LOGIN), origin=LOGIN)
    assert [row.path for row in site.org.journal.rows if row.token and "sid" in row.cookie_names] == []


@pytest.mark.parametrize("path", PATHS)
async def test_no_spelling_of_a_link_replaces_a_live_session_unasked(site: Site, path: str) -> None:
    site.org.quirks.add("token-overrides-cookie")
    browser, _ = site.session()
    reply = await site.ask(link(site.org.session_token(BOB), path), OTHER_SITE + cookie_line(browser, LOGIN), origin=LOGIN)
    assert [value for value in reply.values("Set-Cookie") if value.startswith("sid=1")] == []
    assert signed_in_at_org(site) == [ALICE]


def ebcdic(text: str) -> bytes:
    return "".join(f"%{byte:02X}" for byte in text.encode("cp037")).encode()


def request_object(claims: dict[str, object]) -> bytes:
    return b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "none"}, claims)) + b"."


BODIES = (
    (REDEEM, b"multipart/form-data; boundary=B", b'--B\r\nContent-Disposition: form-data; name="token"\r\n\r\n20111x\r\n--B--\r\n'),
    (REDEEM, FORM + b"; charset=ibm037", ebcdic("token") + b"=" + ebcdic("20111x")),
    ("/oauth2/v1/authorize", FORM + b"; charset=ibm037", ebcdic("sessionToken") + b"=" + ebcdic("20111x")),
    ("/oauth2/v1/authorize", FORM + b"; charset=iso-2022-jp", b"session%1B(BToken=20111x"),
    ("/oauth2/v1/par", FORM, b"client_id=a&request=" + request_object({"sessionToken": "20111x"})),
    ("/api/v1/sessions", b"application/json", b'\xef\xbb\xbf{"session\\u0054oken":"20111x"}'),
    ("/api/v1/sessions", b"application/json", '{"session\\u0054oken":"20111x"}'.encode("utf-16")),
)


@pytest.mark.parametrize(("path", "content_type", "body"), BODIES)
async def test_a_body_that_may_hide_a_token_never_travels_with_a_session(site: Site, path: str, content_type: bytes, body: bytes) -> None:
    browser, alice = site.session()
    fields = OWN_SITE + b"Content-Type: " + content_type + b"\r\n" + cookie_line(browser, LOGIN)
    await site.ask(path, fields, origin=LOGIN, method="POST", body=body)
    assert [row.path for row in site.org.journal.rows if row.path == path and "sid" in row.cookie_names] == []
    assert site.seen(path) == 0 or alice.is_over


async def test_one_link_cannot_sign_out_and_then_in_as_somebody_else(site: Site) -> None:
    browser, _ = site.session()
    url = f"{LOGIN}/login/signout?fromURI={quote(link(site.org.session_token(BOB)), safe='')}"
    for _ in range(4):
        reply = await browser.ask(url, fields=STRANGER)
        if not reply.location:
            break
        url = LOGIN + reply.location.removeprefix(LOGIN)
    await settled(site)
    assert signed_in_at_org(site) == [ALICE]


@pytest.mark.parametrize("destination", ["document", "iframe"])
async def test_another_site_ends_no_session_that_okta_would_not_end(site: Site, destination: str) -> None:
    browser, _ = site.session()
    reply = await browser.ask(f"{LOGIN}/oauth2/v1/logout", fields={**STRANGER, "Sec-Fetch-Dest": destination})
    await settled(site)
    assert signed_in_at_org(site) == [ALICE], reply.status


@pytest.mark.parametrize("path", ["/login/signout", "/oauth2/v1/logout"])
async def test_a_script_of_another_site_cannot_sign_out_by_a_simple_request(site: Site, path: str) -> None:
    browser, _ = site.session()
    script = {"Accept": "*/*", "Origin": "https://evil.example", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
    await browser.ask(LOGIN + path, fields={**script, "Sec-Fetch-Site": "cross-site"})
    await settled(site)
    assert signed_in_at_org(site) == [ALICE]


async def test_a_picture_in_a_page_of_our_own_site_switches_nobody(site: Site) -> None:
    browser, _ = site.session()
    picture = {"Accept": "image/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "Sec-Fetch-Site": "same-site"}
    await browser.ask(LOGIN + link(site.org.session_token(BOB)), fields=picture)
    assert signed_in_at_org(site) == [ALICE]


async def test_no_page_of_ours_turns_a_link_of_another_site_into_a_trusted_one(site: Site) -> None:
    browser, _ = site.session()
    site.org.faults.add(fault({"method": "GET", "path": ME, "status": 500}))
    reply = await browser.ask(LOGIN + link(site.org.session_token(BOB)), fields=STRANGER)
    assert reply.status == 503
    assert 'href=""' not in reply.body and 'href="/login' not in reply.body


@pytest.mark.parametrize("named", ["https://a%C5%BF.com", "http%C5%BF://a.com"])
async def test_the_question_is_asked_whatever_letters_the_link_names(site: Site, named: str) -> None:
    browser, _ = site.session()
    reply = await site.ask(f"{REDEEM}?token=20111x&redirectUrl={named}", OTHER_SITE + cookie_line(browser, LOGIN), origin=LOGIN)
    assert reply.status == 200 and b"Continue as somebody else?" in reply.body


async def test_a_sign_out_during_a_handshake_reaches_the_websocket(site: Site) -> None:
    browser, go = await site.entered(), asyncio.Event()

    async def hesitating(visit: Visit) -> None:
        await go.wait()
        await visit.say(OPENED)
        await visit.reader.read()

    site.behind.arrived.clear()
    site.behind.script, wire = hesitating, await site.connect()
    await wire.say(SOCKET + cookie_line(browser, HR) + b"\r\n")
    await site.behind.arrived.wait()
    assert (await browser.post(f"{HR}/.gateway/sign-out")).status == 303
    go.set()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await wire.until(b"secret")


async def test_hundreds_of_session_cookies_are_refused_before_okta_hears_of_them(site: Site) -> None:
    cookies = b"Cookie: " + b";".join(b"sid=%x" % number for number in range(200)) + b"\r\n"
    reply = await site.ask(link("20111x"), OWN_SITE + cookies, origin=LOGIN)
    assert 400 <= reply.status < 500
    assert len(site.org.journal.rows) == 0


async def test_one_client_cannot_take_all_connections_from_the_session_check(site: Site) -> None:
    line = await site.signed_in()
    for _ in range(120):
        wire = await site.connect()
        await wire.say(b"POST /slow HTTP/1.1\r\nHost: login.example.com\r\nContent-Length: 9999\r\n\r\nx")
    await settled(site)
    site.times.passed += 11
    assert (await site.ask("/", NAVIGATE + line)).status == 200


async def test_guesses_from_an_address_lock_nobody_out_whose_session_is_known(site: Site) -> None:
    line = await site.signed_in()
    for number in range(310):
        await site.ask("/.gateway/session", FETCH + b"Cookie: sid=guess%d\r\n" % number, origin=LOGIN)
    site.times.passed += 11
    assert (await site.ask("/", NAVIGATE + line)).status == 200


async def test_the_user_before_cannot_end_or_name_the_session_of_the_user_after(site: Site) -> None:
    browser, bob = site.session(BOB)
    elsewhere, old, again = site.browser(), f"sid={bob.sid}", link(site.org.session_token(BOB))
    await browser.ask(LOGIN + link(site.org.session_token(ALICE)), fields={**DOCUMENT, "Sec-Fetch-Site": "same-site"})
    assert signed_in_at_org(site) == [ALICE]
    for start in ("cross-site", "cross-site", "same-site", "same-site"):
        fields = {**DOCUMENT, "User-Agent": "another", "Sec-Fetch-Site": start}
        assert ALICE not in (await elsewhere.ask(LOGIN + again, fields=fields, cookie=old)).body
    assert ALICE in signed_in_at_org(site)


async def test_a_cookie_that_was_dead_before_the_sign_in_revokes_nobody(site: Site) -> None:
    browser, bob = site.session(BOB)
    old = f"sid={bob.sid}"
    site.org.sessions.end(bob)
    await browser.post(f"{LOGIN}/login/login.htm", "username=alice%40example.com&password=correct-horse&fromURI=%2F")
    await site.enters(browser)
    await site.browser().ask(LOGIN + ME, "DELETE", {"Accept": "*/*"}, cookie=old)
    assert (await browser.ask(f"{HR}/")).status == 200


async def test_the_end_of_one_browsers_sign_out_does_nothing_in_another(site: Site) -> None:
    bob = await site.entered(BOB)
    site.org.faults.add(fault({"method": "DELETE", "path": ME, "status": 503}))
    done = (await bob.post(f"{HR}/.gateway/sign-out")).location
    alice, _ = site.session()
    reply = await alice.ask(done, fields=STRANGER)
    assert "__Host-gateway-pending" not in alice.jar(LOGIN)
    assert "signed out" not in reply.body.lower()


async def test_a_page_whose_name_was_pointed_at_this_machine_reads_no_metrics(site: Site) -> None:
    browser = b"Host: attacker.example:9090\r\nUser-Agent: Mozilla/5.0\r\nAccept-Language: de\r\nConnection: close\r\n\r\n"
    assert b" 403 " in (await site.raw(b"GET /metrics HTTP/1.1\r\n" + browser, site.gateway.admin_port)).split(b"\r\n")[0]
