"""Changing the user in a real browser that reaches the org by itself: end, proof, and only then the token."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, expect
from playwright.async_api import Error as BrowserError

from gateway.dev.standin import Engine, Fault, Row, fingerprint
from tests.browser.other_site import OtherSite
from tests.journeys.direct_org import ALICE, BOB, DirectOrg, arranged

pytestmark = pytest.mark.asyncio(loop_scope="session")
SIGN_OUT, AUTHORIZE, REDEMPTION = "/login/signout", "/oauth2/v1/authorize", "/login/sessionCookieRedirect"


@pytest_asyncio.fixture(loop_scope="session", params=["classic", "identity"])
async def direct_org(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DirectOrg]:
    """The org by itself, on each engine, and a gateway beside it whose state outlives its process."""
    engine: Engine = "identity" if request.param == "identity" else "classic"
    async with arranged(tmp_path, engine) as made:
        await made.begin(STATE__DIRECTORY=str(tmp_path / "state"))
        yield made
        assert [line for line in made.lines if line.get("level") == "error"] == []


class ChromiumPerson:
    """One profile; ``addresses``: every address that the browser asked for, ``complaints``: what it said of pages."""

    def __init__(self, direct_org: DirectOrg, profile: BrowserContext, page: Page) -> None:
        self.direct_org = direct_org
        self.profile = profile
        self.page = page
        self.addresses: list[str] = []
        self.complaints: list[str] = []
        profile.on("request", self._asked)
        profile.on("console", lambda message: self.complaints.append(message.text) if "Content Security" in message.text else None)

    def _asked(self, request: Request) -> None:
        self.addresses.append(request.url)

    async def enters(self, login: str, page: Page | None = None) -> str:
        """Come from the portal's server as this user; the token."""
        token, url = await self.announced(login)
        await (page or self.page).goto(url)
        return token

    async def announced(self, login: str, to: str = "/") -> tuple[str, str]:
        """A token, and the address at which this browser is awaited with it."""
        agent = await self.page.evaluate("navigator.userAgent")
        token = self.direct_org.org.session_token(login)
        return token, await self.direct_org.handed_over(token, to, address="127.0.0.1", user_agent=agent, login=login)

    async def is_at_app_as(self, login: str, page: Page | None = None) -> None:
        """The app's page names this user."""
        shown = page or self.page
        try:
            await shown.wait_for_url(f"{self.direct_org.app}/**", timeout=15_000)
        except BrowserError:
            raise AssertionError(await shown.inner_text("body"), self.direct_org.lines[-9:]) from None
        await expect(shown.locator("body")).to_contain_text(login)


@pytest_asyncio.fixture(loop_scope="session")
async def person(chromium: Browser, direct_org: DirectOrg) -> AsyncIterator[ChromiumPerson]:
    """A person with an empty profile; at the end the browser had nothing to say of the policies of our pages."""
    profile = await chromium.new_context()
    profile.set_default_timeout(15_000)
    made = ChromiumPerson(direct_org, profile, await profile.new_page())
    yield made
    await profile.close()
    assert made.complaints == []


def rows_of(direct_org: DirectOrg, *paths: str) -> list[Row]:
    return [row for row in direct_org.org.journal.rows if row.path in paths]


def users(direct_org: DirectOrg) -> list[str]:
    return [session.user.login for session in direct_org.org.sessions.active()]


async def test_the_second_user_is_the_second_user_and_the_journal_shows_the_order(direct_org: DirectOrg, person: ChromiumPerson) -> None:
    await person.enters(ALICE)
    await person.is_at_app_as(ALICE)
    [old] = [fingerprint(session.sid or "") for session in direct_org.org.sessions.active()]
    direct_org.org.journal.clear()
    token = await person.enters(BOB)
    await person.is_at_app_as(BOB)
    assert users(direct_org) == [BOB]

    rows = rows_of(direct_org, SIGN_OUT, AUTHORIZE, REDEMPTION)
    assert [(row.method, row.path) for row in rows] == [
        ("GET", SIGN_OUT),
        ("GET", AUTHORIZE),
        ("POST", REDEMPTION),
        ("GET", AUTHORIZE),
    ]
    assert rows[0].cookies.get("sid") == old
    assert "sid" not in rows[1].cookies
    assert "sid" not in rows[2].cookies
    assert rows[2].token == fingerprint(token)
    assert not [address for address in person.addresses if token in address]
    assert not [line for line in direct_org.lines if token in str(line)]


async def test_a_sign_out_that_the_org_does_not_carry_out_leaves_the_token_unspent(direct_org: DirectOrg, person: ChromiumPerson) -> None:
    await person.enters(ALICE)
    await person.is_at_app_as(ALICE)
    token, url = await person.announced(BOB)
    back = url.replace("?start=", "?back=")
    direct_org.org.faults.add(Fault(SIGN_OUT, "GET", 302, times=None, headers={"Location": back}))
    direct_org.org.journal.clear()
    await person.page.goto(url)
    await expect(person.page.get_by_role("heading")).to_have_text("The earlier session could not be ended")
    assert len(rows_of(direct_org, SIGN_OUT)) == 3
    assert rows_of(direct_org, REDEMPTION) == []
    assert direct_org.org.session_tokens.meaning(token) is not None
    assert users(direct_org) == [ALICE]
    direct_org.org.faults.clear()
    await person.page.get_by_role("link", name="Try again").click()
    await person.is_at_app_as(BOB)


async def test_a_user_who_goes_back_redeems_nothing_again(direct_org: DirectOrg, person: ChromiumPerson) -> None:
    await person.page.goto(f"{direct_org.gate}/.gateway/")
    await person.enters(BOB)
    await person.is_at_app_as(BOB)
    direct_org.org.journal.clear()
    for _ in range(3):
        with suppress(BrowserError):  # a page that leads on may be faster than the step back
            await person.page.go_back()
            await person.page.wait_for_load_state()
    assert rows_of(direct_org, REDEMPTION) == []
    assert users(direct_org) == [BOB]
    fresh = await person.profile.new_page()
    await fresh.goto(f"{direct_org.app}/")
    await person.is_at_app_as(BOB, fresh)


async def test_of_two_tabs_neither_token_meets_a_living_session(direct_org: DirectOrg, person: ChromiumPerson) -> None:
    await person.enters(ALICE)
    await person.is_at_app_as(ALICE)
    other = await person.profile.new_page()
    (_, first), (_, second) = await person.announced(BOB), await person.announced(ALICE)
    direct_org.org.journal.clear()
    held = Fault(SIGN_OUT, "GET", release=asyncio.Event(), times=2, is_after=True)
    direct_org.org.faults.add(held)
    both = [asyncio.create_task(person.page.goto(first)), asyncio.create_task(other.goto(second))]
    async with asyncio.timeout(15):
        await direct_org.org.journal.seen("GET", SIGN_OUT, 2)
    assert held.release is not None
    held.release.set()
    await asyncio.gather(*both, return_exceptions=True)
    for page in (person.page, other):
        await page.wait_for_url(lambda url: url.startswith(direct_org.app) or "/.gateway/oidc" in url)
        await page.wait_for_load_state()
    redeemed = rows_of(direct_org, REDEMPTION)
    living = {fingerprint(session.sid or "") for session in direct_org.org.sessions.active()}
    assert redeemed
    assert [row for row in redeemed if row.cookies.get("sid") in living] == []
    assert len(users(direct_org)) == 1


async def test_a_used_reference_is_told_and_signs_nobody_in(direct_org: DirectOrg, person: ChromiumPerson) -> None:
    _, url = await person.announced(BOB)
    await person.page.goto(url)
    await person.is_at_app_as(BOB)
    direct_org.org.journal.clear()
    answer = await person.page.goto(url)
    assert answer is not None
    assert answer.status == 409
    await expect(person.page.get_by_role("heading")).to_have_text("This link was used already")
    assert rows_of(direct_org, SIGN_OUT, REDEMPTION) == []


async def test_a_restart_in_between_changes_nothing(direct_org: DirectOrg, person: ChromiumPerson, tmp_path: Path) -> None:
    await person.enters(ALICE)
    await person.is_at_app_as(ALICE)
    _, url = await person.announced(BOB)
    held = Fault(SIGN_OUT, "GET", release=asyncio.Event(), is_after=True)
    direct_org.org.faults.add(held)
    direct_org.org.journal.clear()
    going = asyncio.create_task(person.page.goto(url))
    async with asyncio.timeout(15):
        await direct_org.org.journal.seen("GET", SIGN_OUT)
    await direct_org.end()
    await direct_org.begin(STATE__DIRECTORY=str(tmp_path / "state"))
    assert held.release is not None
    held.release.set()
    await asyncio.gather(going, return_exceptions=True)
    await person.is_at_app_as(BOB)
    assert users(direct_org) == [BOB]
    assert len(rows_of(direct_org, REDEMPTION)) == 1


async def test_a_reference_that_a_stranger_sends_is_asked_about_first(
    direct_org: DirectOrg, person: ChromiumPerson, elsewhere: OtherSite
) -> None:
    await person.enters(ALICE)
    await person.is_at_app_as(ALICE)
    url = await direct_org.handed_over(direct_org.org.session_token(BOB), "/")
    direct_org.org.journal.clear()
    await person.page.goto(url)
    await expect(person.page.get_by_role("heading")).to_contain_text("as somebody else")
    assert rows_of(direct_org, SIGN_OUT, REDEMPTION) == []
    assert users(direct_org) == [ALICE]
    await person.page.locator("form button").click()
    await person.is_at_app_as(BOB)
    assert users(direct_org) == [BOB]


async def test_whoever_signs_in_at_the_org_in_between_is_found_and_told(direct_org: DirectOrg, person: ChromiumPerson) -> None:
    """Between the proof and the form no gateway can look: the org ignores the token, and the last bounce says so."""
    await person.enters(ALICE)
    await person.is_at_app_as(ALICE)
    _, url = await person.announced(BOB)
    session = direct_org.org.sign_in(ALICE)
    found = {"sid": session.sid, "idx": session.idx}
    lines = tuple(f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=None" for name, value in found.items() if value)
    back = url.replace("?start=", "?back=")
    direct_org.org.faults.add(Fault(REDEMPTION, "POST", 302, headers={"Location": back}, set_cookies=lines))
    await person.page.goto(url)
    await expect(person.page.get_by_role("heading")).to_have_text("Somebody else is signed in")
    await person.page.goto(f"{direct_org.app}/")
    await person.is_at_app_as(ALICE)
