"""The sessions of Tomcat, PHP, Django and the demo app in a real browser: nobody goes on with another user's, however the user changed."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE, BOB, Visitor
from tests.field.real_apps import APPS, Cookies, RealApp
from tests.harness.demonstration import Stages

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOST, DEEP = Cookies(), Cookies("/app", "example.localhost")
CASES = [(app, engine, cookies) for app in APPS for engine in ("classic", "identity") for cookies in (HOST, DEEP)]


@dataclass
class Somebody:
    """A person in front of one app; ``cookie`` is the name of its session's."""

    visitor: Visitor
    cookie: str

    async def is_on_their_own(self, login: str) -> str:
        """The app says that this is the user, and that the session began for this very user; the session's own id."""
        page = self.visitor.page
        await page.goto(f"{self.visitor.stage.where.app}/app/page")
        await self.visitor.is_shown(login)
        await expect(page.locator("#owner")).to_have_text(login)
        [value] = [one.get("value", "") for one in await self.visitor.profile.cookies(page.url) if one.get("name") == self.cookie]
        assert value.startswith("~gw~")
        await page.reload()
        await expect(page.locator("#owner")).to_have_text(login)
        return value[32:]

    async def signs_out(self) -> None:
        """By the gateway's own page on the app's host."""
        await self.visitor.page.goto(f"{self.visitor.stage.where.app}/.gateway/sign-out")
        await self.visitor.click("button", "Sign out")
        await self.visitor.has_heading("You are signed out")

    async def signs_in(self, login: str) -> None:
        """Without a token, by the org's own form, over a living session too."""
        where = self.visitor.stage.where
        asked = {"client_id": "0oaForm", "response_type": "code", "scope": "openid", "prompt": "login", "redirect_uri": f"{where.app}/"}
        await self.visitor.page.goto(f"{where.login}/oauth2/v1/authorize?{urlencode(asked)}")
        await self.visitor.signs_in_by_password(login)


@pytest_asyncio.fixture(loop_scope="session", params=CASES, ids=lambda case: f"{case[0].name}-{case[1]}-{case[2].path}")
async def somebody(request: pytest.FixtureRequest, start: Stages, arrive: Arrive, tmp_path: Path) -> AsyncIterator[Somebody]:
    app, engine, cookies = request.param
    assert isinstance(app, RealApp)
    if app.missing():
        pytest.skip(app.missing())
    async with AsyncExitStack() as opened:
        upstream = await opened.enter_async_context(app.running(tmp_path, cookies))
        stage = await start(engine=engine, upstream=upstream)
        yield Somebody(await arrive(stage), app.cookie)


async def test_bob_never_goes_on_with_the_session_of_alice(somebody: Somebody) -> None:
    visitor = somebody.visitor
    await visitor.enter("alice")
    seen = [await somebody.is_on_their_own(ALICE)]
    await visitor.enter("bob")
    seen.append(await somebody.is_on_their_own(BOB))
    await somebody.signs_out()
    await somebody.signs_in(ALICE)
    seen.append(await somebody.is_on_their_own(ALICE))
    await somebody.signs_in(BOB)
    seen.append(await somebody.is_on_their_own(BOB))
    assert len(set(seen)) == 4, "no session is ever another user's"


async def test_the_demo_app_says_that_each_session_is_its_users(arrive: Arrive, start: Stages) -> None:
    visitor = await arrive(await start())
    for name, login in (("alice", ALICE), ("bob", BOB)):
        await visitor.enter(name)
        await visitor.is_shown(login)
        answer = await visitor.page.evaluate("async () => await (await fetch('/api/me')).json()")
        assert (answer["user"], answer["session_owner"]) == (login, login)
