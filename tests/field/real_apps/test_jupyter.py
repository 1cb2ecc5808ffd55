"""Jupyter in Chromium: its own sign-in and check against forged requests, saving, uploading, and a kernel by a WebSocket."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE, Visitor
from tests.field.real_apps.arrangement import Arrangement, arranged
from tests.field.real_apps.jupyter import BASE, JUPYTER, TOKEN
from tests.field.real_apps.odd_requests import answered_alike

pytestmark = pytest.mark.asyncio(loop_scope="session")
NAME = "Äpfel & Birnen 100%.txt"
_ASKED = f"""async ([method, path, content, has_token]) => {{
  const token = document.cookie.match(/_xsrf=([^;]*)/)[1]
  const headers = {{ "Content-Type": "application/json", ...(has_token ? {{ "X-XSRFToken": token }} : {{}}) }}
  const answer = await fetch("{BASE}/" + path, {{ method, headers, body: content }})
  return [answer.status, await answer.text()]
}}"""
_RUN = f"""([kernel, code]) => new Promise(told => {{
  const socket = window.socket = new WebSocket(location.origin.replace("http", "ws") + "{BASE}/api/kernels/" + kernel + "/channels")
  const header = {{ msg_id: "1", msg_type: "execute_request", username: "", session: "s", date: new Date().toISOString(), version: "5.3" }}
  const content = {{ code, silent: false, store_history: false, user_expressions: {{}}, allow_stdin: false, stop_on_error: true }}
  const message = {{ header, parent_header: {{}}, metadata: {{}}, content, channel: "shell", buffers: [] }}
  socket.onopen = () => socket.send(JSON.stringify(message))
  let said = ""  // one line may come in several messages
  socket.onmessage = event => {{
    const message = JSON.parse(event.data)
    if (message.msg_type === "stream") said += message.content.text
    if (said.endsWith("\\n")) told(said)
  }}
  window.gone = new Promise(over => {{ socket.onclose = event => over(event.code) }})
}})"""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def jupyter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arrangement]:
    async with arranged(JUPYTER.missing(), JUPYTER.running(tmp_path_factory.mktemp("jupyter"))) as made:
        yield made


async def enters(visitor: Visitor, name: str) -> None:
    """Come as this user, and sign in to Jupyter itself, which leads on to where its form says."""
    visitor.awaited_statuses |= {403, 404}  # of its own check, and of the app's "/"
    await visitor.enter(name)
    await visitor.page.goto(f"{visitor.stage.where.app}{BASE}/login?next=%2Fjupyter%2F%3Fa%3D%252F")
    await visitor.page.fill("#password_input", TOKEN)
    async with visitor.page.expect_navigation():
        await visitor.page.click("#login_submit")
    assert visitor.page.url == f"{visitor.stage.where.app}{BASE}/?a=%2F"


async def asked(visitor: Visitor, method: str, path: str, content: object = None, has_token: bool = True) -> tuple[int, Any]:
    """Status and content of a call of Jupyter's API by the page that is open."""
    status, text = await visitor.page.evaluate(_ASKED, [method, path, content and json.dumps(content), has_token])
    return status, json.loads(text) if text else None


async def test_a_file_is_uploaded_renamed_and_read_again(jupyter: Arrangement, arrive: Arrive) -> None:
    visitor = await arrive(jupyter.stage)
    await enters(visitor, "alice")
    pieces = ["x" * 900_000, "y" * 900_000, "z"]
    for number, piece in zip((1, 2, -1), pieces, strict=True):
        sent = {"type": "file", "format": "text", "chunk": number, "content": piece}
        assert (await asked(visitor, "PUT", "api/contents/new.txt", sent))[0] in (200, 201)
    assert (await asked(visitor, "PATCH", "api/contents/new.txt", {"path": NAME}))[0] == 200
    status, found = await asked(visitor, "GET", "api/contents/%C3%84pfel%20%26%20Birnen%20100%25.txt")
    assert (status, found["name"], found["content"]) == (200, NAME, "".join(pieces))
    assert (await asked(visitor, "DELETE", "api/contents/%C3%84pfel%20%26%20Birnen%20100%25.txt"))[0] == 204


async def test_its_check_against_forged_requests_still_refuses(jupyter: Arrangement, arrive: Arrive) -> None:
    visitor = await arrive(jupyter.stage)
    await enters(visitor, "alice")
    status, said = await asked(
        visitor, "PUT", "api/contents/forged.txt", {"type": "file", "format": "text", "content": ""}, has_token=False
    )
    assert status == 403 and "_xsrf" in said["message"]


async def test_the_next_user_ends_the_kernels_socket_and_signs_in_anew(jupyter: Arrangement, arrive: Arrive) -> None:
    visitor = await arrive(jupyter.stage)
    visitor.is_losing_sessions = True
    await enters(visitor, "alice")
    _, hers = await asked(visitor, "GET", "api/me")
    status, kernel = await asked(visitor, "POST", "api/kernels")
    assert status == 201
    assert await visitor.page.evaluate(_RUN, [kernel["id"], "print(6 * 7, 'grüß dich')"]) == "42 grüß dich\n"
    first, visitor.page = visitor.page, await visitor.tab_at_the_portal()
    await visitor.press("bob")
    assert await first.evaluate("gone") == 1008
    await visitor.page.goto(f"{jupyter.app}{BASE}/")
    assert (await asked(visitor, "GET", "api/contents"))[0] == 403, "Jupyter does not know him yet"
    await enters(visitor, "bob")
    _, his = await asked(visitor, "GET", "api/me")
    assert his["identity"]["username"] != hers["identity"]["username"]
    assert (await asked(visitor, "DELETE", f"api/kernels/{kernel['id']}"))[0] == 204


async def test_what_else_programs_send_is_answered_as_without_the_gateway(jupyter: Arrangement) -> None:
    await answered_alike(jupyter, await jupyter.signed_in(ALICE), "/jupyter/static/favicon.ico", "/jupyter/api/contents/x")
