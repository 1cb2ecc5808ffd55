"""Group R: no answer of the gateway redirects to another site, and no redirect loops."""

import re

import pytest

from tests.attacks.off_site import EVIL, off_site_forms, twice
from tests.harness.browser import ALICE, BOB, HR, LOGIN, NAVIGATION, WIKI
from tests.harness.replies import RawReply
from tests.harness.site import NAVIGATE, Site, cookie_line

SIGN_OUT = "/.gateway/sign-out"
SAME_SITE = {**NAVIGATION, "Sec-Fetch-Site": "same-site"}
SAME_ORIGIN = (
    b"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nAccept: text/html\r\nContent-Type: application/x-www-form-urlencoded\r\n"
)


def is_harmless(reply: RawReply) -> bool:
    """Whether the answer names no other site, in no field and in no link, and no field that the address asked for."""
    names = {name.lower() for name, _ in reply.fields}
    links = re.findall(rb'(?:href|action|value)="([^"]*)"', reply.body)
    return (
        EVIL.encode() not in reply.raw
        and names.isdisjoint({b"evil", b"x"})
        and not any(b"javascript" in link.lower() or link.startswith((b"//", b"data:", b"vbscript:")) for link in links)
    )


def test_r1_there_are_some_hundred_forms() -> None:
    forms = off_site_forms()
    assert len(forms) > 200 and {EVIL in form for form in forms} == {True, False}


async def test_r1_signing_in_ends_on_the_host_where_it_began(site: Site) -> None:
    browser, _ = site.session()
    for form in off_site_forms():
        for value in twice(form):
            browser.jars.pop("hr.example.com", None)
            begun = await browser.ask(f"{HR}/.gateway/sign-in?to={value}")
            assert begun.location.startswith(f"{LOGIN}/.gateway/handoff?start="), form
            ticket = await browser.ask(begun.location)
            assert ticket.location.startswith(f"{HR}/.gateway/accept?ticket="), form
            assert (await browser.ask(ticket.location)).location == "/", form


async def test_r1_a_navigation_comes_back_to_itself_or_to_the_root(site: Site) -> None:
    """Not in the list of attacks: the return path that is taken from the request itself."""
    browser, _ = site.session()
    for target in (
        f"//{EVIL}/",
        f"/%2F{EVIL}",
        f"/x/%5C{EVIL}",
        f"/%09/{EVIL}",
        f"/..//{EVIL}",
        f"/x?to=//{EVIL}",
        f"/{EVIL}",
        f"/%252F%252F{EVIL}",
    ):
        browser.jars.pop("hr.example.com", None)
        begun = await browser.ask(f"{HR}{target}")
        if begun.status == 302:
            accepted = await browser.ask((await browser.ask(begun.location)).location)
            assert accepted.location in (target, "/") and not accepted.location.startswith(("//", "/\\", f"/%252F%252F{EVIL}"))
        else:
            assert (begun.status, begun.location) == (400, "")


@pytest.mark.parametrize("origin", [HR, LOGIN])
async def test_r1_signing_out_leads_to_no_other_site(site: Site, origin: str) -> None:
    cookie = await site.signed_in() if origin == HR else b""
    for form in off_site_forms():
        for value in twice(form):
            asked = await site.ask(f"{SIGN_OUT}?to={value}", cookie + NAVIGATE, origin=origin)
            assert asked.status == 200 and is_harmless(asked), form
        body = f"to={twice(form)[0]}".encode()
        ended = await site.ask(SIGN_OUT, cookie + SAME_ORIGIN, origin=origin, method="POST", body=body)
        assert ended.status == (303 if origin == HR else 200) and is_harmless(ended), form
        if origin == HR:
            assert ended.location.startswith(f"{LOGIN}{SIGN_OUT}?done=")
            shown = await site.ask(ended.location.removeprefix(LOGIN), NAVIGATE, origin=LOGIN)
            assert shown.status == 200 and is_harmless(shown), form


async def test_r1_switching_leads_to_no_other_site(site: Site) -> None:
    """The switch after a sign-out, the confirmation's form, and a redemption that is sent back to its own address."""
    cookie = await site.signed_in()
    for form in off_site_forms()[::6]:
        for value in twice(form):
            body = f"then=switch&to={value}".encode()
            ended = await site.ask(SIGN_OUT, cookie + SAME_ORIGIN, method="POST", body=body)
            shown = await site.ask(ended.location.removeprefix(LOGIN), NAVIGATE, origin=LOGIN)
            assert shown.location == f"{HR}/.gateway/sign-in?to=%2F"
            confirmed = await site.ask(
                "/.gateway/switch", SAME_ORIGIN, origin=LOGIN, method="POST", body=f"request={value}&to={value}".encode()
            )
            assert confirmed.status == 400 and is_harmless(confirmed)


async def test_r1_a_redemption_that_is_sent_back_stays_on_the_login_host(site: Site) -> None:
    """Not in the list of attacks: a path that begins with two slashes is an address of another site once it stands in a Location."""
    revoked = site.org.sign_in(ALICE)
    cookie = f"Cookie: sid={revoked.sid}\r\n".encode()
    await site.ask(SIGN_OUT, cookie + SAME_ORIGIN, origin=LOGIN, method="POST")
    sent_back = []
    for number, path in enumerate((f"//{EVIL}/", f"///{EVIL}/home/x", f"//{EVIL}/app/x", f"/%2F{EVIL}/", f"/..//{EVIL}/")):
        reply = await site.ask(f"{path}?sessionToken=x{number}", cookie + NAVIGATE, origin=LOGIN)
        sent_back.append(reply.status)
        assert on_login_host(reply.location), reply.raw
    assert 307 in sent_back
    browser, token = site.browser(), site.org.session_token(BOB)
    redeemed = await browser.ask(f"{LOGIN}/login/sessionCookieRedirect?token={token}&redirectUrl={LOGIN}/", fields=SAME_SITE)
    assert "sid" in browser.jar(LOGIN), redeemed
    for path in (f"//{EVIL}/", f"///{EVIL}/home/x", f"//{EVIL}/login/sessionCookieRedirect", f"/%2F{EVIL}/"):
        again = await browser.ask(f"{LOGIN}{path}?sessionToken={token}&token={token}", fields=SAME_SITE)
        assert again.status in (303, 400, 404) and on_login_host(again.location), again


def on_login_host(location: str) -> bool:
    """Whether a browser on the login host stays there."""
    return not location or location.startswith(f"{LOGIN}/") or (location.startswith("/") and location[1:2] not in ("/", "\\"))


@pytest.mark.parametrize(
    "to",
    [
        *(f"https://hr.example.com.{EVIL}/", f"https://{EVIL}/hr.example.com", "https://evilhr.example.com/", "https://xhr.example.com/"),
        *(
            "https://evilexample.com/",
            "https://example.com/",
            "https://hr-example.com/",
            "https://hr.example.co/",
            "https://hr.example.com.au/",
        ),
    ],
)
async def test_r3_a_suffix_is_no_host(site: Site, to: str) -> None:
    cookie = await site.signed_in()
    reply = await site.ask(f"{SIGN_OUT}?to={to}", cookie + NAVIGATE)
    assert reply.status == 200 and to.encode() not in reply.body and b"evil" not in reply.body
    kept = await site.ask(f"{SIGN_OUT}?to={WIKI}/a?b=c", cookie + NAVIGATE)
    assert f'value="{WIKI}/a?b=c"'.encode() in kept.body


@pytest.mark.parametrize(
    "to",
    [
        "https://hr.example.com:444/private",
        "https://hr.example.com:80/private",
        "http://hr.example.com/private",
        "http://hr.example.com:443/private",
        "http://local.localhost/private",
        "https://hr.example.com:443443/private",
    ],
)
async def test_r5_another_port_is_another_site(site: Site, to: str) -> None:
    cookie = await site.signed_in()
    assert b"/private" not in (await site.ask(f"{SIGN_OUT}?to={to}", cookie + NAVIGATE)).body
    kept = await site.ask(f"{SIGN_OUT}?to=https://hr.example.com:443/private", cookie + NAVIGATE)
    assert f'value="{HR}/private"'.encode() in kept.body


@pytest.mark.parametrize(
    "to",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        f"//{EVIL}",
        f"\\\\{EVIL}",
        "blob:x",
        "mailto:x",
        "tel:1",
    ],
)
async def test_r6_only_web_addresses_are_addresses(site: Site, to: str) -> None:
    browser = await site.entered()
    for origin in (HR, LOGIN):
        reply = await site.ask(f"{SIGN_OUT}?to={to}", cookie_line(browser, origin) + NAVIGATE, origin=origin)
        assert reply.status == 200 or (reply.status == 400 and "\\" in to)
        assert reply.status == 400 or b"Sign out?" in reply.body
        assert is_harmless(reply) and b"alert" not in reply.body and b'name="to"' not in reply.body


@pytest.mark.parametrize(
    "to",
    ["/%0d%0aSet-Cookie:%20a=b", "/x%0aX:1", "/x%0dX:1", "/%E5%98%8D%E5%98%8ASet-Cookie:a=b", "/x%00", "/%250d%250aX:1", "/x%c2%85X:1"],
)
async def test_r8_a_line_break_in_an_address_adds_no_field(site: Site, to: str) -> None:
    browser, _ = site.session()
    for url in (f"{HR}/.gateway/sign-in?to={to}", f"{HR}{to}"):
        browser.jars.pop("hr.example.com", None)
        begun = await browser.ask(url)
        if begun.location:
            accepted = await browser.ask((await browser.ask(begun.location)).location)
            assert accepted.set_names == ["__Host-gateway", "__Host-gateway-owner", "__Host-gateway-start"] and not accepted.values("X")
            assert "%0" not in accepted.location.lower() or to.startswith("/%250d")
        assert begun.set_names in ([], ["__Host-gateway-start"]) and not begun.values("X")


@pytest.mark.parametrize(
    "name", ["X-Auth-Request-Redirect", "Referer", "X-Forwarded-Uri", "X-Original-URL", "Origin", "X-Redirect", "Refresh"]
)
async def test_r10_no_field_says_where_to_go(site: Site, name: str) -> None:
    field = f"{name}: https://{EVIL}/\r\n".encode()
    for origin in (HR, LOGIN):
        for target in (SIGN_OUT, "/.gateway/", "/.gateway/session", "/.gateway/sign-in", "/"):
            assert is_harmless(await site.ask(target, NAVIGATE + field, origin=origin))
    ended = await site.ask(SIGN_OUT, await site.signed_in() + field + SAME_ORIGIN, method="POST")
    assert ended.status == (403 if name == "Origin" else 303) and is_harmless(ended)


async def test_r11_an_address_too_long_to_be_judged_whole_is_refused(site: Site) -> None:
    for length in (4097, 8192, 60000):
        for path in ("/.gateway/sign-in", SIGN_OUT):
            reply = await site.ask(f"{path}?to=/{'a' * length}", NAVIGATE)
            assert (reply.status, reply.location) == (400 if length < 8000 else 414, "")
    browser, _ = site.session()
    walked, asked = await browser.walk(f"{HR}/{'a' * 5000}")
    assert (walked.status, asked[-1]) == (200, f"{HR}/")
