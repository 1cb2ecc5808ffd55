"""Row X8 at the hand-off: dead session cookies are removed, and the living session continues."""

import pytest

from gateway.policy.session.session import SESSION_NAMES
from tests.harness.browser import ALICE, BOB, HR, LOGIN, WIKI, Browser, BrowserReply
from tests.harness.site import deployed

BROWSER, SIGN_OUT = "__Host-gateway-browser", "/.gateway/sign-out"


async def handed_off(browser: Browser, cookie: str) -> BrowserReply:
    """The login host's step of a hand-off, with these cookies."""
    started = await browser.ask(f"{HR}/")
    return await browser.ask(started.location, cookie=cookie)


def expired(reply: BrowserReply) -> list[tuple[str, str]]:
    """Name and domain of every cookie that the answer expires."""
    lines = [line for line in reply.values("Set-Cookie") if "Max-Age=0" in line]
    return sorted((line.partition("=")[0], line.partition("Domain=")[2].partition(";")[0]) for line in lines)


async def test_x8_a_revoked_sid_beside_another_users_live_idx_is_expired_and_that_user_is_in() -> None:
    async with deployed("identity") as site:
        browser = await site.entered(ALICE)
        dead = browser.jar(LOGIN)["sid"]
        await browser.ask((await browser.post(f"{HR}{SIGN_OUT}")).location)
        browser.signs_in(bob := site.org.sign_in(BOB))
        browser.jar(LOGIN)["sid"] = dead
        shown, asked = await browser.walk(f"{HR}/")
        assert shown.status == 200 and site.behind.visits[-1].value(b"remote-user") == BOB.encode()
        assert len(asked) == 4 and browser.okta_cookies() == {"idx": bob.idx}
        assert (await browser.walk(f"{WIKI}/"))[0].status == 200


async def test_x8_a_cookie_that_okta_never_knew_beside_a_living_one() -> None:
    async with deployed("identity") as site:
        browser, session = site.session(ALICE)
        reply = await handed_off(browser, f"sid=never; idx={session.idx}")
        if reply.location.startswith("/.gateway/handoff?"):  # once: the living one alone went into the browser's record meanwhile
            reply = await browser.ask(LOGIN + reply.location, cookie=f"sid=never; idx={session.idx}")
        assert reply.location.startswith(f"{HR}/.gateway/accept?ticket=")
        again = await handed_off(browser, f"idx={session.idx}; sid={session.sid}; sid=planted; idx=planted")
        assert again.location.startswith(f"{HR}/.gateway/accept?ticket=")
        assert expired(again) == [("idx", "example.com"), ("sid", "example.com")], "on the host itself the living ones stay"


@pytest.mark.parametrize("engine", ["classic", "identity"])
async def test_x8_the_same_cookie_twice_is_one(engine: str) -> None:
    async with deployed(engine) as site:
        browser, session = site.session(ALICE)
        line = "; ".join(f"{name.decode()}={value}" for name in SESSION_NAMES if (value := getattr(session, name.decode())))
        reply = await handed_off(browser, f"{line}; {line}")
        assert reply.location.startswith(f"{HR}/.gateway/accept?ticket=")


async def test_x8_nothing_but_dead_cookies_leads_to_oktas_sign_in_and_the_page_about_loops_expires_them() -> None:
    async with deployed() as site:
        browser, session = site.session(ALICE)
        site.org.sessions.end(session)
        started = await browser.ask(f"{HR}/")
        replies = [await browser.ask(started.location) for _ in range(4)]
        assert [reply.status for reply in replies] == [302, 302, 302, 400]
        assert expired(replies[0]) == [], "another tab may have a new session by now"
        assert expired(replies[3]) == [("idx", ""), ("idx", "example.com"), ("sid", ""), ("sid", "example.com")]
