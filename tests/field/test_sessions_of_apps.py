"""The next user does not inherit an app's own session: tested on sockets, with an app that trusts its cookie without a check."""

from collections.abc import AsyncIterator

import pytest

from tests.field.app_of_sessions import WITH_SIGN_OUT, AppOfSessions, asked, fetched, removed, stamped
from tests.field.restarts import at
from tests.harness.app import answering
from tests.harness.browser import ALICE, BOB, HR, WIKI
from tests.harness.site import NAVIGATE, Site, cookie_line, deployed
from tests.harness.websocket import KEY

SCOPES = {
    "the host": ("Path=/; HttpOnly", "JSESSIONID= Path=/"),
    "not HttpOnly": ("Path=/", "JSESSIONID= Path=/"),
    "a deeper path": ("Path=/app; HttpOnly", "JSESSIONID= Path=/app"),
    "a path with a slash": ("Path=/app/", "JSESSIONID= Path=/app/"),
    "the default path": ("HttpOnly", "JSESSIONID= Path=/app"),
    "the parent domain": ("Path=/; Domain=example.com", "JSESSIONID= Path=/ Domain=example.com"),
    "both": ("Path=/app; Domain=.Example.com; Secure", "JSESSIONID= Path=/app Domain=example.com"),
    "its own domain": ("Path=/; Domain=hr.example.com", "JSESSIONID= Path=/ Domain=hr.example.com"),
}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with deployed() as made:
        yield made


async def visitors(site: Site, app: AppOfSessions) -> tuple[bytes, bytes]:
    """The cookies of alice and of bob, in a browser that holds no session of the app."""
    both = await site.signed_in(ALICE), await site.signed_in(BOB)
    site.behind.script = app
    return both


@pytest.mark.parametrize(("attributes", "gone"), SCOPES.values(), ids=SCOPES.keys())
async def test_bob_never_goes_on_with_the_session_of_alice(site: Site, attributes: str, gone: str) -> None:
    alice, bob = await visitors(site, AppOfSessions(attributes=attributes))
    first = await asked(site, alice)
    cookie = stamped(first)
    assert first.body == ALICE.encode() and cookie.startswith("JSESSIONID=~gw~") and cookie.endswith("s1")
    assert (await asked(site, alice, cookie)).body == ALICE.encode()
    assert site.behind.last.value(b"cookie") == b"JSESSIONID=s1"

    reply = await asked(site, bob, cookie)
    assert reply.body == BOB.encode() and site.behind.last.value(b"cookie") is None
    assert removed(reply) == [gone]
    lines = reply.values("Set-Cookie")
    assert "Max-Age=0" in lines[0] and stamped(reply) in lines[1], "what is removed comes before what the app sets"
    assert (await asked(site, bob, cookie, stamped(reply))).body == BOB.encode()
    assert (await asked(site, alice, cookie)).body == ALICE.encode(), "and hers goes on where she comes back"


async def test_other_requests_than_navigations_take_no_cookie_away(site: Site) -> None:
    """They may have been sent before the app began bob's own session, and be answered after that."""
    alice, bob = await visitors(site, AppOfSessions())
    cookie = stamped(await asked(site, alice))
    reply = await fetched(site, bob, cookie)
    assert reply.body == BOB.encode() and removed(reply) == []


@pytest.mark.parametrize("name", ["PHPSESSID", "sessionid", "connect.sid", "ASP.NET_SessionId", "ASPSESSIONIDQQABCDEF", "remember"])
async def test_each_of_them_and_what_scripts_cannot_read_is_bound(site: Site, name: str) -> None:
    alice, bob = await visitors(site, AppOfSessions(name=name))
    cookie = stamped(await asked(site, alice), name)
    assert (await asked(site, alice, cookie)).body == ALICE.encode()
    assert (await asked(site, bob, cookie)).body == BOB.encode()


async def test_what_has_no_stamp_begins_anew_where_it_is_a_session_and_passes_where_it_is_not(site: Site) -> None:
    _, bob = await visitors(site, AppOfSessions(owners={"before": ALICE}))
    for spelling in ("JSESSIONID=before", "jsessionid=before", "a=1, JSESSIONID=before", "%4ASESSIONID=before", "=JSESSIONID=before"):
        reply = await asked(site, bob, spelling, "theme=dark", "remember=before")
        assert reply.body == BOB.encode() and site.behind.last.value(b"cookie") == b"theme=dark; remember=before", spelling
    assert [line["app"] for line in site.lines if line["event"] == "app_session_unbound"] == ["hr"], "once, whoever comes how often"
    gone = removed(await asked(site, bob, "JSESSIONID=before"))
    assert gone[:3] == ["JSESSIONID= Path=/", "JSESSIONID= Path=/app", "JSESSIONID= Path=/app/"]
    assert "JSESSIONID= Path=/app Domain=hr.example.com" in gone and not any("Domain=example.com" in one for one in gone)


async def test_forged_truncated_and_swapped_stamps_are_dropped(site: Site) -> None:
    wikis, app = await site.signed_in(ALICE, WIKI), AppOfSessions(attributes="Path=/")
    alice, _ = await visitors(site, app)
    cookie = stamped(await asked(site, alice))
    other = stamped(await asked(site, wikis, origin=WIKI))
    assert (await asked(site, alice, cookie)).body == ALICE.encode() and len(app.owners) == 2
    swapped = f"sessionid={cookie.partition('=')[2]}"
    for wrong in (
        cookie[:-1],
        cookie[:-3],
        cookie[:20],
        cookie + "x",
        cookie.replace("s1", "s2"),
        swapped,
        other,
        cookie.replace("~gw~", "~gw~A"),
    ):
        await asked(site, alice, wrong)
        assert site.behind.last.value(b"cookie") is None, wrong
    await asked(site, wikis, cookie, origin=WIKI)
    assert site.behind.last.value(b"cookie") is None


async def test_a_cookie_for_the_parent_domain_is_one_for_all_apps_of_it_and_still_one_users(site: Site) -> None:
    alices, bobs = await site.signed_in(ALICE, WIKI), await site.signed_in(BOB, WIKI)
    alice, bob = await visitors(site, AppOfSessions(attributes="Path=/; Domain=example.com"))
    cookie = stamped(await asked(site, alice))
    assert (await asked(site, alices, cookie, origin=WIKI)).body == ALICE.encode()
    assert site.behind.last.value(b"cookie") == b"JSESSIONID=s1"
    for cookies, origin in ((bob, HR), (bobs, WIKI)):
        reply = await asked(site, cookies, cookie, origin=origin)
        assert site.behind.last.value(b"cookie") is None and removed(reply) == ["JSESSIONID= Path=/ Domain=example.com"]


async def test_a_key_that_left_the_ring_ends_the_sessions_that_it_stamped(site: Site) -> None:
    browser = await site.entered(ALICE)
    alice, site.behind.script = cookie_line(browser, HR), AppOfSessions()
    cookie = stamped(await asked(site, alice))
    for ring, seen in ((b"n" * 32, b"k" * 32), b"JSESSIONID=s1"), ((b"n" * 32,), None):
        async with site.beside(*ring) as after:
            moved = at(after, browser)
            moved.signs_in(after.org.sign_in(ALICE))
            await after.enters(moved)
            moved.jar(HR).pop("JSESSIONID")
            reply = await asked(after, cookie_line(moved, HR), cookie)
            assert after.behind.last.value(b"cookie") == seen and reply.body == ALICE.encode()


async def test_nobody_and_somebody_have_sessions_of_their_own(site: Site) -> None:
    """Else a session that a stranger began would become that of who signs in, and the stranger has its cookie."""
    alice, _ = await visitors(site, AppOfSessions())
    before = stamped(await asked(site, b"", "a=1", target="/maybe/x"))
    assert (await asked(site, b"", before, target="/maybe/x")).body == b"nobody"
    assert site.behind.last.value(b"cookie") == b"JSESSIONID=s1"
    reply = await asked(site, alice, before, target="/maybe/x")
    assert reply.body == ALICE.encode() and removed(reply) == ["JSESSIONID= Path=/"]
    hers = stamped(reply)
    reply = await asked(site, b"", hers, target="/maybe/x")
    assert reply.body == b"nobody" and removed(reply) == [], "she may come back"


async def test_where_nobody_is_looked_up_the_pass_names_the_user(site: Site) -> None:
    browser = await site.entered(ALICE)
    alice = cookie_line(browser, HR)
    _, bob = await visitors(site, AppOfSessions())
    hers = stamped(await asked(site, alice))
    asked_okta = site.seen("/api/v1/sessions/me")
    assert (await asked(site, alice, hers, target="/public/x")).body == ALICE.encode()
    assert site.seen("/api/v1/sessions/me") == asked_okta
    await asked(site, bob, hers, target="/public/x")
    assert site.behind.last.value(b"cookie") is None
    await asked(site, b"", hers, target="/public/x")
    assert site.behind.last.value(b"cookie") is None
    await browser.post(f"{HR}/.gateway/sign-out")
    await asked(site, alice, hers, target="/public/x")
    assert site.behind.last.value(b"cookie") is None, "the pass is that of a session that ended"


async def test_the_same_bytes_again_are_judged_by_who_comes_then(site: Site) -> None:
    """The gateway remembers what it made of a head, and so must not remember whose it was."""
    browser = await site.entered(ALICE)
    alice = cookie_line(browser, HR)
    _, bob = await visitors(site, AppOfSessions())
    hers = stamped(await asked(site, alice))
    targets = ("/maybe/x", "/public/x", "/app/page")
    for target in targets:
        for _ in range(3):
            await asked(site, alice, hers, target=target)
            assert site.behind.last.value(b"cookie") == b"JSESSIONID=s1"
            reply = await asked(site, bob, hers, target=target)
            assert site.behind.last.value(b"cookie") is None and removed(reply) == ["JSESSIONID= Path=/"]
    await browser.post(f"{HR}/.gateway/sign-out")
    for target in targets[:2]:
        for _ in range(3):
            assert (await asked(site, alice, hers, target=target)).body == b"nobody"
            assert site.behind.last.value(b"cookie") is None
    assert (await asked(site, alice, hers, target=targets[2])).status == 302


async def test_a_websocket_brings_no_session_of_another_user(site: Site) -> None:
    alice, bob = await visitors(site, AppOfSessions())
    hers = stamped(await asked(site, alice))
    shake = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    own = b"Origin: https://hr.example.com\r\nSec-WebSocket-Key: " + KEY + b"\r\n"
    site.behind.script = answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    for cookies, seen in ((alice, b"JSESSIONID=s1"), (bob, None)):
        await asked(site, cookies, hers, target="/ws", fields=shake + own)
        assert site.behind.last.value(b"cookie") == seen


async def test_a_late_answer_to_alice_gives_bob_nothing(site: Site) -> None:
    """Her answer sets the cookie after his page did."""
    alice, bob = await visitors(site, AppOfSessions())
    late = stamped(await asked(site, alice))
    reply = await asked(site, bob, late, target="/app/other")
    assert reply.body == BOB.encode() and removed(reply) == ["JSESSIONID= Path=/"]


async def test_fields_that_must_be_read_apart_bring_no_session_either(site: Site) -> None:
    alice, bob = await visitors(site, AppOfSessions())
    hers = stamped(await asked(site, alice))
    odd = NAVIGATE + b"Connection: close, X-Odd\r\nX-Odd: 1\r\n"
    for _ in range(3):
        reply = await asked(site, bob, hers, fields=odd)
        assert site.behind.last.value(b"cookie") is None and removed(reply) == ["JSESSIONID= Path=/"]
    await asked(site, alice, hers, fields=odd)
    assert site.behind.last.value(b"cookie") == b"JSESSIONID=s1"


async def test_each_of_several_cookie_lines_is_read(site: Site) -> None:
    alice, bob = await visitors(site, AppOfSessions())
    hers = stamped(await asked(site, alice))
    site.behind.script = AppOfSessions(name="PHPSESSID")
    second = stamped(await asked(site, alice), "PHPSESSID")
    for ending in (b"", b"Connection: close, X-Odd\r\nX-Odd: 1\r\n"):
        lines = NAVIGATE + ending + f"Cookie: {hers}; a=1\r\nCookie: {second}\r\n".encode()
        reply = await asked(site, bob, fields=lines)
        assert set(removed(reply)) == {"JSESSIONID= Path=/", "PHPSESSID= Path=/"}
        assert [line for line in site.behind.last.fields if line.startswith(b"Cookie")] == [b"Cookie: a=1"]


async def test_names_are_left_alone_and_the_rest_is_switched_off_where_the_operator_says_so() -> None:
    for written, stamped_name in (('["!JSESSIONID", "PHPSESSID"]', "PHPSESSID"), ("[]", "")):
        text = WITH_SIGN_OUT.replace('sign_out_path = "/app/logout"', f"session_cookies = {written}")
        async with deployed(configuration=text) as site:
            alice = await site.signed_in(ALICE)
            site.behind.script = answering(
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: JSESSIONID=1; HttpOnly\r\nSet-Cookie: PHPSESSID=1; HttpOnly\r\n\r\n"
            )
            reply = await asked(site, alice, "JSESSIONID=9")
            assert site.behind.last.value(b"cookie") == b"JSESSIONID=9"
            assert [line.partition("=")[0] for line in reply.values("Set-Cookie") if "~gw~" in line] == [stamped_name][: bool(stamped_name)]


async def test_the_hand_off_and_the_sign_out_take_what_they_are_shown(site: Site) -> None:
    browser = await site.entered(ALICE)
    site.behind.script = AppOfSessions()
    name, _, value = stamped(await asked(site, cookie_line(browser, HR))).partition("=")
    browser.jar(HR)[name] = value
    reply = await browser.post(f"{HR}/.gateway/sign-out")
    assert [line for line in reply.values("Set-Cookie") if line.startswith("JSESSIONID=; Path=/; Max-Age=0")] != []
    assert name not in browser.jar(HR)

    browser.jar(HR)[name] = value
    browser.signs_in(site.org.sign_in(BOB))
    await site.enters(browser)
    assert name not in browser.jar(HR) or browser.jar(HR)[name] != value
    assert site.behind.last.value(b"remote-user") == BOB.encode() and site.behind.last.value(b"cookie") is None
