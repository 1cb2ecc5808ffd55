"""Apache with WebDAV and Subversion in Chromium: pages of a repository, and a page's script that stores, moves and lists files."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import ALICE
from tests.field.real_apps.apache_dav import apache, lacks_apache
from tests.field.real_apps.arrangement import Arrangement, arranged
from tests.field.real_apps.odd_requests import answered_alike

pytestmark = pytest.mark.asyncio(loop_scope="session")
_STORE = """async () => {
  const asked = async (method, path, more) => (await fetch("/dav/" + path, { method, ...more })).status
  const to = path => ({ headers: { Destination: location.origin + "/dav/" + path, Overwrite: "F" } })
  const said = []
  said.push(await asked("MKCOL", "folder/"))
  said.push(await asked("PUT", "folder/a%20b.txt", { body: "x".repeat(300000) }))
  said.push(await asked("COPY", "folder/a%20b.txt", to("folder/c.txt")))
  said.push(await asked("MOVE", "folder/c.txt", to("d%25.txt")))
  said.push(await asked("MOVE", "folder/", { headers: { Destination: "https://evil.example/dav/" } }))
  const listed = await fetch("/dav/", { method: "PROPFIND", headers: { Depth: "1" } })
  const names = [...new DOMParser().parseFromString(await listed.text(), "text/xml").getElementsByTagNameNS("DAV:", "href")]
  return [said, names.map(name => name.textContent).sort()]
}"""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[Arrangement]:
    async with arranged(lacks_apache(), apache("app.example.localhost")) as made:
        yield made


async def test_files_are_stored_and_a_repository_is_looked_at(server: Arrangement, arrive: Arrive) -> None:
    visitor = await arrive(server.stage)
    visitor.awaited_statuses |= {403, 404, 502}  # no page at "/", and a MOVE to another host
    await visitor.enter("alice")
    await visitor.page.goto(f"{server.app}/svn/")
    await expect(visitor.page.locator("body")).to_contain_text("Revision 0: /")
    statuses, names = await visitor.page.evaluate(_STORE)
    assert statuses == [201, 201, 201, 201, 502]
    assert names == ["/dav/", "/dav/d%25.txt", "/dav/folder/"]


async def test_what_else_programs_send_is_answered_as_without_the_gateway(server: Arrangement) -> None:
    await answered_alike(server, await server.signed_in(ALICE), "/svn/", "/dav/x")
