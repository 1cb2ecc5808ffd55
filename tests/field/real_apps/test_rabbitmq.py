"""RabbitMQ's management in Chromium and by its API: ``%2F`` in a path is a virtual host named ``/`` or part of a queue's name."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE
from tests.field.real_apps.arrangement import Arrangement, arranged
from tests.field.real_apps.odd_requests import answered_alike
from tests.field.real_apps.rabbitmq import lacks_rabbitmq, rabbitmq

pytestmark = pytest.mark.asyncio(loop_scope="session")
GUEST = f"Authorization: Basic {base64.b64encode(b'guest:guest').decode()}\r\n".encode()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def management(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arrangement]:
    async with arranged(lacks_rabbitmq(), rabbitmq(tmp_path_factory.mktemp("rabbitmq"))) as made:
        yield made


async def test_a_queue_is_made_and_found_in_its_pages(management: Arrangement, arrive: Arrive) -> None:
    visitor = await arrive(management.stage)
    await visitor.enter("alice")
    page = visitor.page
    await page.fill("input[name=username]", "guest")
    await page.fill("input[name=password]", "guest")
    await page.click("input[type=submit]")
    await page.click("#tabs >> text=Queues")
    await page.click("text=Add a new queue")
    await page.fill("#queues_put_name, input[name=name]", "in/out 100%")
    await page.click("input[value='Add queue']")
    await page.click("a:has-text('in/out 100%')")
    await expect(page.locator("h1").last).to_contain_text("in/out 100%")
    assert page.url == f"{management.app}/#/queues/%2F/in%2Fout%20100%25"


@pytest.mark.parametrize(
    ("path", "name"), [("orders", "orders"), ("a%2Fb", "a/b"), ("%2F%2F", "//"), ("..%2F..%2Fx", "../../x"), ("%252F", "%2F")]
)
async def test_its_api_is_sent_the_path_as_it_came(management: Arrangement, path: str, name: str) -> None:
    fields = await management.signed_in(ALICE) + GUEST + b"Content-Type: application/json\r\n"

    async def asked(method: str, body: bytes = b"") -> tuple[int, Any]:
        reply = await management.ask(f"/api/queues/%2F/{path}", fields, method, body)
        return reply.status, json.loads(reply.body) if method == "GET" and reply.status == 200 else None

    assert (await asked("PUT", b"{}"))[0] == 201
    status, found = await asked("GET")
    assert (status, found["vhost"], found["name"]) == (200, "/", name)
    assert (await asked("DELETE"))[0] == 204
    assert (await asked("GET"))[0] == 404


async def test_what_else_programs_send_is_answered_as_without_the_gateway(management: Arrangement) -> None:
    await answered_alike(management, await management.signed_in(ALICE), "/index.html", "/api/queues/%2F/x")
