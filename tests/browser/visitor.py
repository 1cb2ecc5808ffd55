"""Owns a person with a real browser: the steps that journeys are made of, and everything that the browser complained about."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request, WebError, expect

from gateway.dev.standin import Row, fingerprint
from tests.harness.demonstration import Stage

ALICE, BOB, CAROL, PASSWORD = "alice@example.com", "bob@example.com", "carol@example.com", "correct-horse"
REDEMPTION = "/login/sessionCookieRedirect"
ME = "/api/v1/sessions/me"
SECRET_OF_THE_APP = re.compile("Salary slip|Paid out")
_STATUS = re.compile(r"the server responded with a status of (\d+)")


@dataclass  # no slots: playwright keeps its handlers on the object
class Visitor:
    """One person, one fresh profile, one page to begin with.

    ``awaited_statuses``: refusals that the journey is about, ``awaited_errors``: events of level error in the log; ``is_losing_sessions``:
    pages of the app stay open while their session ends, so that what they still load is refused and their live parts are cut, also by the
    browser's memory of pages.
    """

    stage: Stage
    profile: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    awaited_statuses: set[int] = field(default_factory=set)
    awaited_errors: set[str] = field(default_factory=set)
    is_losing_sessions: bool = False
    tokens: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Begin to write down complaints, and the tokens that the browser is sent away with."""
        self.profile.on("console", self._heard)
        self.profile.on("weberror", self._broken)
        self.profile.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if self.is_losing_sessions and message.page is not None and message.page.url.startswith(f"{self.stage.where.app}/"):
            return
        if self.is_losing_sessions and "Page entered Back-Forward Cache" in message.text:
            return
        status = _STATUS.search(message.text)
        if status is not None and int(status[1]) in self.awaited_statuses:
            return
        is_about_policy = "Content Security Policy" in message.text or "Refused to" in message.text
        if is_about_policy or (message.type == "error" and not self._is_from_elsewhere(message)):
            self.complaints.append(f"{message.page.url if message.page else ''}: {message.text}")

    def _is_from_elsewhere(self, message: ConsoleMessage) -> bool:
        """The page of the other site asks for an image that is none; the stand-in org has no icon."""
        if message.location.get("url", "").endswith("/favicon.ico"):
            return True
        return message.page is not None and message.page.url.startswith(f"{self.stage.where.evil}/")

    def _broken(self, error: WebError) -> None:
        self.complaints.append(str(error.error))

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.path == REDEMPTION and request.url.startswith(self.stage.where.login):
            for token in parse_qs(parts.query).get("token", ()):
                if token not in self.tokens:
                    self.tokens.append(token)

    async def enter(self, name: str, through: str = "gateway") -> None:
        """Press "Enter as …" at the portal and wait for the page that it ends at."""
        await self.page.goto(f"{self.stage.where.portal}/")
        await self.press(name, through)

    async def press(self, name: str, through: str = "gateway") -> None:
        """Press the button of the portal that is open."""
        form = self.page.locator("form", has=self.page.locator(f"input[name=through][value={through}]"))
        async with self.page.expect_navigation():
            await form.get_by_role("button", name=f"Enter as {name}").click()

    async def click(self, role: str, name: str) -> None:
        """Click a link or a button and wait for the page that it leads to."""
        async with self.page.expect_navigation():
            await (self.page.get_by_role("link", name=name) if role == "link" else self.page.get_by_role("button", name=name)).click()

    async def is_shown(self, login: str, page: Page | None = None) -> None:
        """Wait until the app says that this is the user."""
        await expect((page or self.page).locator("#who")).to_have_text(login)

    async def has_heading(self, text: str, page: Page | None = None) -> None:
        """Wait until the page has this heading."""
        await expect((page or self.page).get_by_role("heading", level=1)).to_have_text(text)

    async def sees_nothing_protected(self) -> None:
        """The page holds no word of anybody's salary, in its text or its source."""
        assert SECRET_OF_THE_APP.search(await self.page.content()) is None

    async def signs_in_by_password(self, login: str) -> None:
        """Fill in Okta's own form, which must be open."""
        await self.page.fill("#username", login)
        await self.page.fill("#password", PASSWORD)
        async with self.page.expect_navigation():
            await self.page.click("#sign-in")

    async def cookie_names(self) -> set[str]:
        """The names of all cookies of all hosts."""
        return {cookie.get("name", "") for cookie in await self.profile.cookies()}

    async def signs_out_in_the_app(self) -> None:
        """The app's own link, then the button on the gateway's page."""
        await self.page.goto(f"{self.stage.where.app}/")
        await self.click("link", "Sign out")
        await self.has_heading("Sign out?")
        await self.click("button", "Sign out")
        await self.has_heading("You are signed out")

    def link_for(self, login: str) -> str:
        """The address that redeems a fresh token of this user and goes on to the app."""
        return self.link_of(self.stage.org.session_token(login))

    def link_of(self, token: str) -> str:
        """The address that redeems this token and goes on to the app."""
        return f"{self.stage.where.login}{REDEMPTION}?{urlencode({'token': token, 'redirectUrl': self.stage.where.app + '/'})}"

    async def tab_at_the_portal(self) -> Page:
        """One more tab, with the portal open: where a trusted link begins."""
        page = await self.profile.new_page()
        await page.goto(f"{self.stage.where.portal}/")
        return page


async def follow(page: Page, link: str) -> None:
    """Go to the link as a click on the open page would, and wait for the page that it ends at."""
    async with page.expect_navigation():
        await page.evaluate("link => { location.assign(link) }", link)


def redemptions(stage: Stage, token: str) -> list[Row]:
    """The requests of this token that reached the org."""
    return [row for row in stage.org.journal.rows if row.token == fingerprint(token)]


def signed_in(stage: Stage) -> list[str]:
    """The logins of the sessions that are alive at the org."""
    return [session.user.login for session in stage.org.sessions.active()]
