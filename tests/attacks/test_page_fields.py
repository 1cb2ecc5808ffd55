"""Row O5: every answer of the gateway itself has header fields that say how a browser may use it."""

from gateway.dev.standin import fault
from tests.harness.app import answering
from tests.harness.browser import ALICE, BOB, HR, LOGIN
from tests.harness.replies import RawReply
from tests.harness.site import FETCH, NAVIGATE, Site

HANDSHAKE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


def is_own_page(reply: RawReply) -> bool:
    """Whether this answer carries every field that protects a page of ours."""
    wanted = {
        "Cache-Control": ["no-store"],
        "X-Content-Type-Options": ["nosniff"],
        "X-Frame-Options": ["DENY"],
        "Referrer-Policy": ["same-origin"],
        "Cross-Origin-Opener-Policy": ["same-origin"],
        "Content-Type": ["text/html; charset=utf-8"],
    }
    policy = "".join(reply.values("Content-Security-Policy"))
    is_strict = (
        "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy and "unsafe" not in policy
    )
    return {name: reply.values(name) for name in wanted} == wanted and is_strict and b"<script>" not in reply.body


async def own_pages(site: Site) -> dict[str, RawReply]:
    """Each page of the gateway, by what led to it."""
    cookie = await site.signed_in()
    okta = f"Cookie: sid={site.org.sign_in(ALICE).sid}\r\n".encode()
    crossing = NAVIGATE.replace(b"Sec-Fetch-Site: none", b"Sec-Fetch-Site: cross-site")
    posted = NAVIGATE + b"Content-Type: application/x-www-form-urlencoded\r\n"
    many = cookie[:-2] + b"; x=" + b"y" * 70_000 + b"\r\n"
    token = site.org.session_token(BOB)
    asked: dict[str, tuple[str, bytes, str, str]] = {
        "who is signed in": ("/.gateway/", cookie, HR, "GET"),
        "nobody is signed in": ("/.gateway/", b"", HR, "GET"),
        "who is signed in at the login host": ("/.gateway/", okta, LOGIN, "GET"),
        "sign out?": ("/.gateway/sign-out", cookie, HR, "GET"),
        "a sign-out of another site": ("/.gateway/sign-out", cookie, HR, "POST"),
        "no such path": ("/.gateway/nothing", b"", HR, "GET"),
        "no such method": ("/.gateway/accept", b"", HR, "DELETE"),
        "no ticket": ("/.gateway/accept?ticket=x", b"", HR, "GET"),
        "no start": ("/.gateway/handoff?start=x", b"", LOGIN, "GET"),
        "forbidden": ("/bob/x", cookie, HR, "GET"),
        "not with this factor": ("/strong/x", cookie, HR, "GET"),
        "not with this method": ("/shut/x", cookie, HR, "POST"),
        "a bad path": ("/..//x", cookie, HR, "GET"),
        "an unknown host": ("/", b"", "https://evil.example", "GET"),
        "too many cookies": ("/", many, HR, "GET"),
        "a refused method": ("/", b"", HR, "TRACE"),
        "no confirmation": ("/.gateway/switch", b"", LOGIN, "GET"),
    }
    pages = {
        why: await site.ask(target, fields + posted, origin=origin, method=method)
        for why, (target, fields, origin, method) in asked.items()
    }
    pages["confirm a switch"] = await site.ask(f"/home/app/1?sessionToken={token}", okta + crossing, origin=LOGIN)
    pages["signed out"] = await site.ask("/.gateway/sign-out", okta + posted.replace(b"none", b"same-origin"), origin=LOGIN, method="POST")
    site.behind.script = answering(b"nonsense\r\n\r\n", then_close=True)
    pages["an app that speaks nonsense"] = await site.ask("/", cookie + NAVIGATE)
    site.times.passed += 60
    site.org.faults.add(fault({"path": "/api/v1/sessions/me", "status": 503, "times": None}))
    pages["Okta is silent"] = await site.ask("/", cookie + NAVIGATE)
    return pages | await pages_of_failures(site)


async def pages_of_failures(site: Site) -> dict[str, RawReply]:
    """The pages that take more than one step to see."""
    site.org.faults.clear()
    site.times.passed += 60
    now, trusted = int(site.times.wall), NAVIGATE.replace(b"none", b"same-site")
    loop = f"Cookie: __Host-gateway-start=~{now}~{now}~{now}\r\n".encode()
    pages = {"a loop": await site.ask("/", loop + NAVIGATE)}
    browser, session = site.session()
    ticket = (await browser.ask((await browser.ask(f"{HR}/")).location)).location.removeprefix(HR)
    pages["cookies are blocked"] = await site.ask((await site.ask(ticket, NAVIGATE)).location, NAVIGATE)
    okta, token = f"Cookie: sid={session.sid}\r\n".encode(), site.org.session_token(BOB)
    redeeming = f"/home/app/1?sessionToken={token}"
    site.org.faults.add(fault({"path": "/api/v1/sessions/me", "method": "DELETE", "status": 503, "times": None}))
    pages["no switch, token unspent"] = await site.ask(redeeming, okta + trusted, origin=LOGIN)
    form = trusted.replace(b"same-site", b"same-origin") + b"Content-Type: application/x-www-form-urlencoded\r\n"
    pages["signed out, unproven"] = await site.ask("/.gateway/sign-out", okta + form, origin=LOGIN, method="POST")
    site.org.faults.clear()
    await site.ask(redeeming, trusted, origin=LOGIN)
    replies = [await site.ask(redeeming, trusted, origin=LOGIN) for _ in range(2)]
    pages["token spent"] = replies[-1]
    return pages


async def test_o5_every_page_of_ours_is_protected(site: Site) -> None:
    pages = await own_pages(site)
    assert {why for why, reply in pages.items() if not is_own_page(reply)} == set()
    statuses = {reply.status for reply in pages.values()}
    assert statuses == {200, 400, 403, 404, 405, 409, 421, 431, 502, 503}


async def test_o5_answers_for_scripts_are_never_stored_or_sniffed(site: Site) -> None:
    cookie = await site.signed_in()
    replies = [
        await site.ask(target, cookie + FETCH, origin=origin) for origin in (HR, LOGIN) for target in ("/.gateway/session", "/.gateway/x")
    ]
    replies += [
        await site.ask("/", FETCH),
        await site.ask("/", NAVIGATE),
        await site.ask("/bob/x", cookie + FETCH),
        await site.ask("//", FETCH),
    ]
    replies += [
        await site.ask("/", FETCH, origin="https://evil.example"),
        await site.ask("/", HANDSHAKE),
        await site.ask("/.gateway/sign-in", NAVIGATE),
    ]
    for reply in replies:
        assert (reply.values("Cache-Control"), reply.values("X-Content-Type-Options")) == (["no-store"], ["nosniff"]), reply.raw
        assert reply.values("Access-Control-Allow-Origin") == []
