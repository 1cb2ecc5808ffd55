"""The first journeys in Debian's Firefox and WebKitGTK, by https: other rules about cookies, caches, redirects and the Back button."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from glob import glob
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from gateway.dev.demo.rendering import serve
from gateway.dev.standin import Engine
from tests.browser.careless_app import CarelessApp
from tests.browser.firefox import PROGRAM as FIREFOX
from tests.browser.firefox import Firefox, firefox
from tests.browser.form_app import FormApp
from tests.browser.steps import beside, enters, signs_in, signs_out
from tests.browser.visitor import ALICE, BOB, ME, REDEMPTION, SECRET_OF_THE_APP, redemptions, signed_in
from tests.browser.webdriver import Cookie, WebDriverPerson
from tests.browser.webkit import BROWSERS, DISPLAY, WebKit, webkit
from tests.browser.webkit import PROGRAM as WEBKIT
from tests.harness.demonstration import Stage, Stages

pytestmark = pytest.mark.asyncio(loop_scope="session")
_USERS = """
  const stored = document.getElementById("stored").textContent
  return fetch("/read.json").then(answer => answer.json()).then(({ user }) => [
    document.getElementById("who").textContent, stored, window.who, window.ofPage, user,
  ])
"""
EACH_ENGINE = pytest.mark.parametrize("engine", ["classic", "identity"])


def _program(name: str, package: str) -> Path:
    found = shutil.which(name) or next(iter(glob(name)), None)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian's package {package})")
    return Path(found)


@pytest_asyncio.fixture(loop_scope="session", scope="module", params=["firefox", "webkit"])
async def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Firefox | WebKit]:
    """Started once for all journeys."""
    folder = tmp_path_factory.mktemp(request.param)
    async with AsyncExitStack() as opened:
        if request.param == "firefox":
            yield await opened.enter_async_context(firefox(_program(FIREFOX, "firefox-esr"), folder))
        else:
            programs = (_program(WEBKIT, "webkit2gtk-driver"), _program(DISPLAY, "xvfb"), _program(BROWSERS, "libwebkit2gtk-4.1-0"))
            yield await opened.enter_async_context(webkit(*programs, folder))


@pytest_asyncio.fixture(loop_scope="session")
async def person(browser: Firefox | WebKit, start: Stages) -> AsyncIterator[WebDriverPerson]:
    """Somebody with an empty profile, who leaves before the arrangement ends."""
    async with browser.person() as person:
        yield person


@pytest_asyncio.fixture(loop_scope="session")
async def leave() -> AsyncIterator[FormApp]:
    """An app with a form; its pages hold no connection open."""
    made = FormApp()
    running = await serve(made.application(), "127.0.0.1", 0)
    made.address = f"http://127.0.0.1:{running.port}"
    yield made
    await running.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def careless() -> AsyncIterator[CarelessApp]:
    """An app that lets browsers keep everything."""
    made = CarelessApp()
    running = await serve(made.application(), "127.0.0.1", 0)
    made.address = f"http://127.0.0.1:{running.port}"
    yield made
    await running.aclose()


def the_close_came_first(stage: Stage) -> None:
    """The journal: the old session was closed and proven closed, by itself, before the one redemption, which carried no session."""
    rows = stage.org.journal.rows
    closing = next(at for at, row in enumerate(rows) if (row.method, row.path) == ("DELETE", ME))
    [redeeming] = [at for at, row in enumerate(rows) if row.path == REDEMPTION]
    assert closing < redeeming
    assert {(row.method, row.path, row.status) for row in rows[closing + 1 : redeeming]} == {("GET", ME, 404)}
    assert not {"sid", "idx"} & set(rows[redeeming].cookies)


@EACH_ENGINE
async def test_after_the_switch_the_app_says_bob_and_the_close_came_first(person: WebDriverPerson, start: Stages, engine: Engine) -> None:
    stage = await start(engine=engine, tls=True)
    await enters(person, stage, "alice", ALICE)
    stage.org.journal.clear()
    await enters(person, stage, "bob", BOB)
    the_close_came_first(stage)
    assert signed_in(stage) == [BOB]


async def test_a_link_of_another_site_is_asked_about_and_yes_ends_the_first_session(person: WebDriverPerson, start: Stages) -> None:
    stage = await start(tls=True)
    await enters(person, stage, "alice", ALICE)
    await person.opens(f"{stage.where.evil}/")
    stage.org.journal.clear()
    await person.clicks("Collect your prize")
    await person.sees("h1", "Continue as somebody else?")
    await person.sees("main", ALICE)
    await person.reloads()  # of which WebKit says that nobody led to it
    await person.sees("h1", "Continue as somebody else?")
    assert signed_in(stage) == [ALICE]
    await person.clicks("Sign out and continue")
    await person.arrives(f"{stage.where.app}/")
    await person.sees("#who", BOB)
    the_close_came_first(stage)
    assert signed_in(stage) == [BOB]


async def test_no_to_a_link_of_another_site_leaves_the_token_unspent(person: WebDriverPerson, start: Stages) -> None:
    stage = await start(tls=True)
    await enters(person, stage, "alice", ALICE)
    await person.opens(f"{stage.where.portal}/")
    token = stage.org.session_token(BOB)
    await person.opens(f"{stage.where.login}{REDEMPTION}?token={token}&redirectUrl={stage.where.app}/")  # typed: from nowhere
    await person.sees("h1", "Continue as somebody else?")
    await person.clicks(f"Stay signed in as {ALICE}")
    await person.sees("#who", ALICE)
    assert redemptions(stage, token) == [] and signed_in(stage) == [ALICE]


async def test_the_button_that_switches_the_user_leads_from_the_app_to_the_login_host(person: WebDriverPerson, start: Stages) -> None:
    stage = await start(tls=True)
    await enters(person, stage, "alice", ALICE)
    await person.opens(f"{stage.where.app}/.gateway/")
    await person.clicks("Switch user")
    await person.arrives(f"{stage.where.login}/login/login.htm?")
    assert signed_in(stage) == []
    await signs_in(person, BOB)
    await person.sees("#who", BOB)
    assert signed_in(stage) == [BOB]


async def test_after_a_sign_out_the_back_button_shows_no_page_of_alice(person: WebDriverPerson, start: Stages, leave: FormApp) -> None:
    stage = await start(tls=True, upstream=leave.address)
    await enters(person, stage, "alice", ALICE)
    for path in ("/leave/list", "/leave/more"):
        await person.opens(f"{stage.where.app}{path}")
        await person.sees("#who", ALICE)
    # In a tab of its own: when WebKit is driven, it finds no end of going back to a page with a Cross-Origin-Opener-Policy.
    await beside(person, lambda: signs_out(person, stage))
    assert signed_in(stage) == []
    for _ in range(2):
        await person.goes_back()
        await person.arrives(f"{stage.where.login}/login/login.htm?")
        assert ALICE not in await person.source()


async def test_the_back_button_shows_a_page_as_it_was_where_nobody_says_otherwise(person: WebDriverPerson) -> None:
    """The control of the test above: these browsers keep whole pages in memory. The page says so itself: WebKit then answers no command."""
    is_shown_again = asyncio.Event()

    async def page(request: web.Request) -> web.Response:
        if request.method == "POST":
            is_shown_again.set()
        told = "addEventListener('pageshow', event => event.persisted && navigator.sendBeacon('/again'))"
        text = f"<!doctype html><link rel=icon href='data:,'><script>{told}</script>"  # a page that still loads its icon is not kept
        return web.Response(text=text, content_type="text/html")

    application = web.Application()
    application.add_routes([web.route("*", "/{any:.*}", page)])
    running = await serve(application, "127.0.0.1", 0)
    try:
        for _ in range(3):
            await person.opens(f"http://evil.localhost:{running.port}/first")
            await person.opens(f"http://evil.localhost:{running.port}/second")
            await person.runs("setTimeout(() => history.back())")
            with suppress(TimeoutError):
                async with asyncio.timeout(15):
                    await is_shown_again.wait()
                return
        raise AssertionError("the browser never showed a page that it had kept")
    finally:
        await running.aclose()


async def test_a_hand_off_from_the_app_to_the_login_host_and_back_keeps_each_cookie_at_its_host(
    person: WebDriverPerson, start: Stages
) -> None:
    stage = await start(engine="identity", tls=True)
    deep = f"{stage.where.app}/slips/2026-10?lines=all"
    await person.opens(deep)
    await person.arrives(f"{stage.where.login}/login/login.htm?")
    assert SECRET_OF_THE_APP.search(await person.source()) is None
    await signs_in(person, ALICE)
    await person.arrives(deep)
    await person.sees("#who", ALICE)
    at_the_app = await person.cookies()
    await person.opens(f"{stage.where.login}/.gateway/")
    await person.sees("main", ALICE)
    at_the_login_host = await person.cookies()
    for name in ("__Host-gateway", "__Host-gateway-owner"):
        assert at_the_app[name] == Cookie(name, True, True, "Lax") and name not in at_the_login_host
    for name in ("__Host-gateway-browser", "sid", "idx"):
        assert at_the_login_host[name] == Cookie(name, True, True, "None") and name not in at_the_app


async def test_what_is_live_in_alices_page_ends_at_the_switch(person: WebDriverPerson, start: Stages) -> None:
    stage = await start(tls=True)
    await enters(person, stage, "alice", ALICE)
    await person.sees("#socket", f"for {ALICE}")
    await person.sees("#events", f"for {ALICE}")
    first = await person.window()
    second = await person.opens_a_tab()
    await enters(person, stage, "bob", BOB)
    await person.chooses(first)
    await person.sees("#socket", "closed")
    # It was cut, and the browser asked for it again by itself. On a slow machine that was before bob was in: then it was refused.
    await person.sees("#events", f"for {BOB}", "closed")
    await person.chooses(second)
    await person.sees("#socket", f"for {BOB}")


async def a_form_is_kept(person: WebDriverPerson, stage: Stage) -> None:
    """Alice fills in a form, signs out elsewhere, and sends it."""
    await enters(person, stage, "alice", ALICE)
    await person.opens(f"{stage.where.app}/leave/form")
    await person.fills("textarea[name=why]", "Grüße & 50 % =")
    await beside(person, lambda: signs_out(person, stage))
    await person.clicks("Apply")
    await person.sees("h1", "Your form has not been sent yet")


async def signs_in_and_sends(person: WebDriverPerson, login: str) -> None:
    """The two buttons of the page."""
    own, known = await person.window(), await person.windows()
    await person.clicks("Sign in (new window)")
    await person.chooses_the_window_beside(known)
    await signs_in(person, login)
    await person.sees("h1", "You are signed in")
    await person.closes_window(own)
    await person.clicks("Send the form")


async def test_a_kept_form_is_sent_once_after_a_new_sign_in_of_the_same_user(
    person: WebDriverPerson, start: Stages, leave: FormApp
) -> None:
    stage = await start(tls=True, upstream=leave.address)
    await a_form_is_kept(person, stage)
    await signs_in_and_sends(person, ALICE)
    await person.sees("h1", "Saved")
    [(user, body)] = leave.saved
    assert user == ALICE and b"Gr%FC%DFe" in body
    await person.reloads()
    await person.sees("h1", "This form was sent already")
    assert len(leave.saved) == 1


async def test_a_kept_form_outlives_a_reload_and_no_other_user_can_send_it(person: WebDriverPerson, start: Stages, leave: FormApp) -> None:
    stage = await start(tls=True, upstream=leave.address)
    await a_form_is_kept(person, stage)
    await person.reloads()
    await person.clicks("Send the form")
    await person.arrives(f"{stage.where.app}/leave/save")
    await signs_in_and_sends(person, BOB)
    await person.sees("h1", "You cannot send this form")
    assert leave.saved == []


async def every_user_seen(person: WebDriverPerson, stage: Stage) -> set[str]:
    """Every user that the browser knows of at the pages of the careless app: from their texts, scripts, storage, and what they fetch.

    One of these pages is open already.
    """
    found = set(await person.runs(_USERS))
    for path in ("/", "/notes", "/notes?2"):
        await person.opens(f"{stage.where.app}{path}")
        found |= set(await person.runs(_USERS))
    return found


async def test_what_the_browser_kept_of_alice_is_gone_when_bob_comes(person: WebDriverPerson, start: Stages, careless: CarelessApp) -> None:
    stage = await start(tls=True, upstream=careless.address)
    await enters(person, stage, "alice", ALICE)
    assert ALICE in await every_user_seen(person, stage)
    assert await person.runs("return localStorage.getItem('owner')") == ALICE
    await enters(person, stage, "bob", BOB)
    assert await every_user_seen(person, stage) <= {BOB, "nobody"}
