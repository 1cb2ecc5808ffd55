"""Group C: the cookies that the gateway sets, which of them it believes, and which of them an app gets."""

import asyncio
import re

import pytest

from tests.attacks.tampering import tampered
from tests.harness.browser import ALICE, BOB, FORM, HR, LOGIN, NAVIGATION, WIKI
from tests.harness.replies import RawReply, told
from tests.harness.site import FETCH, NAVIGATE, Site, cookie_line, deployed

OWN = re.compile(
    r"__Host-gateway((-start|-owner)?=|(?P<cross_site>-pending|-browser)=)[!-+\--:<-~]*(; Max-Age=\d+)?; Path=/"
    r"(; Max-Age=0; Expires=[^;]+)?; Secure; HttpOnly; SameSite=(?(cross_site)None|Lax)"
)


def pass_line(value: str) -> bytes:
    return f"Cookie: __Host-gateway={value}\r\n".encode()


async def test_c2_a_sibling_host_can_plant_no_pass(site: Site) -> None:
    """A sibling can set Domain cookies, which cannot carry the prefix; beside a repeated name nobody knows which one is ours."""
    value = (await site.entered()).jar(HR)["__Host-gateway"]
    for name in (
        "gateway",
        "__Secure-gateway",
        "__host-gateway",
        "__HOST-GATEWAY",
        "Host-gateway",
        "__Host-gateway2",
        "__Host_gateway",
        "__Host-Gateway",
    ):
        assert (await site.ask("/", f"Cookie: {name}={value}\r\n".encode())).status == 401, name
    planted = (await site.entered(BOB)).jar(HR)["__Host-gateway"]
    for line in (
        f"Cookie: __Host-gateway={planted}; __Host-gateway={value}\r\n",
        f"Cookie: __Host-gateway={planted}\r\nCookie: __Host-gateway={value}\r\n",
        f"Cookie: __Host-gateway={value}; x=1; __Host-gateway={value}\r\n",
        f"Cookie: __Host-gateway=; __Host-gateway={value}\r\n",
        f"Cookie: __Host-gateway; __Host-gateway={value}\r\n",
    ):
        assert (await site.ask("/", line.encode())).status == 401, line


async def test_c3_every_cookie_of_ours_has_every_attribute_and_no_domain(site: Site) -> None:
    browser, _ = site.session()
    replies = []
    url = f"{HR}/"
    while url:
        replies.append(await browser.ask(url))
        url = replies[-1].location and (replies[-1].location if "://" in replies[-1].location else f"{HR}{replies[-1].location}")
    replies.append(await browser.post(f"{HR}/.gateway/sign-out", fields=FORM))
    replies.append(await browser.ask(replies[-1].location))
    replies.append(await browser.post(f"{LOGIN}/.gateway/sign-out", fields=FORM))
    lines = [line for reply in replies for line in reply.values("Set-Cookie") if line.startswith("__")]
    assert len(lines) >= 5 and {line.partition("=")[0] for line in lines} >= {
        "__Host-gateway",
        "__Host-gateway-start",
        "__Host-gateway-pending",
    }
    for line in lines:
        assert OWN.fullmatch(line) and len(line) < 4096, line
    for reply in replies:
        assert len(reply.set_names) == len(set(reply.set_names))


async def test_c6_a_pass_with_one_changed_byte_is_none(site: Site) -> None:
    """The seal is AES-GCM: its tag is compared in constant time by the library that opens it."""
    value = (await site.entered()).jar(HR)["__Host-gateway"]
    site.behind.visits.clear()
    for text in tampered(value):
        assert (await site.ask("/", pass_line(text))).status == 401, text
    assert site.behind.visits == []
    assert (await site.ask("/", pass_line(value))).status == 200


async def test_c6_a_pass_is_for_one_host(site: Site) -> None:
    """Not in the list of attacks: the pass of one app host offered to another, and to the login host."""
    browser = await site.entered()
    line = cookie_line(browser, HR)
    site.behind.visits.clear()
    for origin in (WIKI, "https://iis.example.com", "http://local.localhost:8080"):
        assert (await site.ask("/", line, origin=origin)).status == 401
    assert (await site.ask("/.gateway/session", line + FETCH, origin=LOGIN)).status == 401
    assert site.behind.visits == []


async def test_c7_a_pass_from_before_the_sign_out_is_dead(site: Site) -> None:
    """Here at once, with passes for other hosts; at a replica that had asked Okta before, until revocations are shared, within the ttl."""
    async with site.beside() as replica:
        site.times.passed += 31  # both have been there for a while
        browser = await site.entered()
        await site.enters(browser, WIKI)
        lines = {origin: cookie_line(browser, origin) for origin in (HR, WIKI)}
        assert (await replica.ask("/", lines[HR])).status == 200
        await browser.post(f"{HR}/.gateway/sign-out", fields=FORM)
        site.behind.visits.clear()
        for origin, line in lines.items():
            assert (await site.ask("/", line, origin=origin)).status == 401
        assert (await replica.ask("/", lines[WIKI], origin=WIKI)).status in (200, 401)
        site.times.passed += 10.1
        site.behind.visits.clear()
        for origin, line in lines.items():
            assert (await replica.ask("/", line, origin=origin)).status == 401
    assert site.behind.visits == []
    site.times.passed += 8 * 3600
    assert (await site.ask("/", lines[HR])).status == 401


@pytest.mark.parametrize("engine", ["classic", "identity"])
@pytest.mark.parametrize("planted", ["anonymous", "live", "ended", "twice"])
async def test_c8_the_session_after_a_sign_in_is_never_one_that_was_presented(engine: str, planted: str) -> None:
    async with deployed(engine) as site:
        mallory = site.org.sign_in(ALICE)
        value = {"anonymous": "102anonymous", "twice": "102anonymous; sid=102other"}.get(planted, mallory.sid)
        known = {mallory.sid, mallory.idx or "none", "102anonymous", "102other"}
        if planted == "ended":
            site.org.sessions.end(mallory)
        victim, token = site.browser(), site.org.session_token(BOB)
        victim.jars["login.example.com"] = {"sid": str(value)}
        url = f"{LOGIN}/login/sessionCookieRedirect?token={token}&redirectUrl={HR}/"
        reply = await victim.ask(url, fields={**NAVIGATION, "Sec-Fetch-Site": "same-site"})
        (begun,) = [one for one in site.org.sessions.active() if one.user.login == BOB]
        assert reply.status == 302 and {begun.sid, begun.idx}.isdisjoint(known)
        assert victim.jar(LOGIN)["sid"] == begun.sid
        if planted == "live":
            assert site.org.sessions.of_user(site.org.known_user(ALICE)) == []
        gone = [line for line in reply.values("Set-Cookie") if "Domain=example.com" in line and line.startswith("sid=;")]
        assert gone or planted != "twice"


async def test_c8_a_planted_pass_does_not_survive_a_sign_out(site: Site) -> None:
    """Not in the list of attacks: a pass of the attacker's session in the victim's browser, in the place of the victim's own."""
    victim, _ = site.session(BOB)
    victim.jars["hr.example.com"] = {"__Host-gateway": (await site.entered(ALICE)).jar(HR)["__Host-gateway"]}
    await victim.post(f"{HR}/.gateway/sign-out", fields=FORM)
    begun = await victim.ask(f"{HR}/.gateway/sign-in?to=/x")
    accepted = await victim.ask((await victim.ask(begun.location)).location)
    assert accepted.location == "/x"
    await victim.ask(f"{HR}/x")
    assert told(site.behind.last, "Remote-User") == [BOB]


async def test_c10_requests_of_a_page_that_signed_out_leave_no_cookies(site: Site) -> None:
    parallel = [
        FETCH,
        b"Accept: image/*\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
        b"X-Requested-With: XMLHttpRequest\r\nAccept: text/html\r\n",
    ]
    parallel += [b"Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n", b"Sec-Purpose: prefetch\r\n" + NAVIGATE]
    replies = await asyncio.gather(*(site.ask(f"/{number}", fields) for number in range(10) for fields in parallel))
    assert {(reply.status, reply.location) for reply in replies} == {(401, "")}
    assert [line for reply in replies for line in reply.values("Set-Cookie")] == []
    browser = site.browser()
    for number in range(12):
        await browser.ask(f"{HR}/{number}")
    assert set(browser.jar(HR)) == {"__Host-gateway-start"} and browser.jar(LOGIN) == {}


async def test_c10_tabs_that_begin_together_share_one_nonce(site: Site) -> None:
    """Not in the list of attacks: the second tab must not take away the nonce of the first."""
    browser, _ = site.session()
    first = (await browser.ask(f"{HR}/1")).location
    nonce = dict(browser.jar(HR))
    second = (await browser.ask(f"{HR}/2")).location
    assert browser.jar(HR) == nonce
    for start, target in ((first, "/1"), (second, "/2")):
        assert (await browser.ask((await browser.ask(start)).location)).location == target


async def test_c14_a_pass_does_not_grow_with_its_user(site: Site) -> None:
    """Of what grows with a user (groups), a pass holds nothing at all: cookies, two ids, a time."""
    plain = (await site.entered()).jar(HR)["__Host-gateway"]
    browser, session = site.session()
    session.amr = tuple(f"group-{number}" for number in range(500))
    await site.enters(browser)
    assert len(browser.jar(HR)["__Host-gateway"]) == pytest.approx(len(plain), abs=8)
    async with deployed("identity") as other:
        assert len((await other.entered()).jar(HR)["__Host-gateway"]) < 4000


def renewed(reply: RawReply) -> str | None:
    """The pass that this answer sets, if it sets one."""
    values = [line.partition(";")[0].partition("=")[2] for line in reply.values("Set-Cookie") if line.startswith("__Host-gateway=")]
    return values[0] if values else None


async def test_c15_an_old_key_opens_until_it_is_removed(site: Site) -> None:
    old, new = b"k" * 32, b"n" * 32
    async with site.beside(new, old) as rotated, site.beside(new) as later:
        site.times.passed += 31  # replicas that have been there for a while
        held = (await site.entered()).jar(HR)["__Host-gateway"]
        assert renewed(await site.ask("/", pass_line(held))) is None
        reply = await rotated.ask("/", pass_line(held))
        fresh = renewed(reply)
        assert reply.status == 200 and fresh is not None and fresh != held
        assert renewed(await rotated.ask("/", pass_line(fresh))) is None
        assert (await later.ask("/", pass_line(held))).status == 401
        assert (await later.ask("/", pass_line(held) + NAVIGATE)).status == 302
        assert (await later.ask("/", pass_line(fresh))).status == 200
