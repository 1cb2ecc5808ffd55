"""Django behind gunicorn: a day at work in Chromium, with its check against forged requests, a file, and redirects to its whole address."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE, BOB
from tests.field.real_apps.arrangement import Arrangement, arranged, enters_the_desk, sends_the_form
from tests.field.real_apps.desks import DJANGO
from tests.field.real_apps.odd_requests import answered_alike

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def django(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arrangement]:
    async with arranged(DJANGO.missing(), DJANGO.running(tmp_path_factory.mktemp("django"))) as made:
        yield made


async def test_a_day_at_work_and_the_next_user_begins_anew(django: Arrangement, arrive: Arrive) -> None:
    visitor = await arrive(django.stage)
    for name, login, person in (("alice", ALICE, "Amy"), ("bob", BOB, "Ben")):
        await visitor.enter(name)
        await enters_the_desk(visitor, person)
        await expect(visitor.page.locator("#sid")).to_have_text("none")
        await sends_the_form(visitor, login, person)


async def test_what_else_programs_send_is_answered_as_without_the_gateway(django: Arrangement) -> None:
    await answered_alike(django, await django.signed_in(ALICE), "/", "/desk/form")
