"""Express: a day at work in Chromium, with a session named ``sid``, a file for multer, and socket.io from long polls to a WebSocket."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE, BOB
from tests.field.real_apps.arrangement import Arrangement, arranged, enters_the_desk, hears, sends_the_form
from tests.field.real_apps.desks import EXPRESS
from tests.field.real_apps.odd_requests import answered_alike

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def express(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arrangement]:
    async with arranged(EXPRESS.missing(), EXPRESS.running(tmp_path_factory.mktemp("express"))) as made:
        yield made


async def test_a_day_at_work_and_the_next_user_begins_anew(express: Arrangement, arrive: Arrive) -> None:
    visitor = await arrive(express.stage)
    for name, login, person in (("alice", ALICE, "Amy"), ("bob", BOB, "Ben")):
        await visitor.enter(name)
        await enters_the_desk(visitor, person)
        await expect(visitor.page.locator("#sid")).to_have_text("none")
        await sends_the_form(visitor, login, person)
        await expect(visitor.page.locator("#way")).to_have_text("websocket")
        await hears(visitor, f"{login}: grüß dich")


async def test_the_next_user_in_another_tab_ends_the_socket(express: Arrangement, arrive: Arrive) -> None:
    visitor = await arrive(express.stage)
    visitor.is_losing_sessions = True
    await visitor.enter("alice")
    await enters_the_desk(visitor, "Amy")
    await sends_the_form(visitor, ALICE, "Amy")
    await hears(visitor, f"{ALICE}: grüß dich")
    first, visitor.page = visitor.page, await visitor.tab_at_the_portal()
    await visitor.press("bob")
    await expect(first.locator("#heard")).to_have_text("closed")


async def test_an_early_hint_is_left_out_and_the_page_comes(express: Arrangement) -> None:
    said = await express.raw(b"GET /hints HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n" + await express.signed_in(ALICE) + b"\r\n")
    assert said.startswith(b"HTTP/1.1 200 OK\r\n") and said.endswith(b"late")


async def test_what_else_programs_send_is_answered_as_without_the_gateway(express: Arrangement) -> None:
    await answered_alike(express, await express.signed_in(ALICE), "/", "/up")
